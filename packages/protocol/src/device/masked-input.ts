/**
 * §5.4: check the attested U2, ask for the input, add its noise, mask it, have the contribution recorded, send it.
 * The order is the point: the signature before the input, the record before the wire.
 */
import { type DeriveResult, PeerError, RoundError, WireError } from '@onlysum/crypto';
import { InternalError, invalidField, wipe } from '@onlysum/crypto';
import { at } from '../at.js';
import { decodeBitmap } from '../bitmap.js';
import { maskContext, sharedSetStatement } from '../context.js';
import { addMasks, pairMask, selfCommitment, selfMask } from '../masking.js';
import type { SharedSet } from '../messages/from-coordinator.js';
import { maskedInput, uploadRequest } from '../messages/from-device.js';
import { packLanes } from '../packing.js';
import { BOX_BYTES, SHARE_BYTES } from '../sizes.js';
import { addNoise, askOnceNoiseIsThere } from './noise.js';
import { isVerified } from './results.js';
import type {
  DeviceParams,
  DeviceStep,
  HeldShares,
  InPhase,
  MachineContext,
  ReservationOutcome,
  Seat,
} from './types.js';

export function checkSharedSet(
  state: InPhase<'shared'>,
  message: SharedSet,
  params: DeviceParams,
  context: MachineContext,
): DeviceStep {
  const { seat } = state;
  const members = decodeBitmap(message.members, seat.facts.n, 'SharedSet.members');
  checkPresent('U2', members, seat, seat.parameters.fewestPresent);
  if (!members.includes(seat.index)) {
    throw new RoundError(
      'left-out',
      'this device is not in the attested set U2: nothing of it was sent, try again in a new round',
      { retryable: true },
    );
  }
  const boxes = neighboursIn(seat, members).length * BOX_BYTES;
  if (message.boxes.length !== boxes) {
    const expected = `${boxes} bytes, a box from each neighbour in U2`;
    throw invalidField(WireError, 'wire-invalid', 'SharedSet.boxes', expected, message.boxes);
  }
  const context2 = maskContext(context.suite, seat.context, message.members);
  return [
    {
      ...state,
      phase: 'checking-shared-set',
      shared: { members, context2, signature: message.signature },
      boxes: message.boxes,
    },
    [
      {
        kind: 'derive',
        batch: [
          {
            op: 'ed25519-verify',
            publicKey: params.task.registrarKey,
            message: sharedSetStatement(seat.context, message.members),
            signature: message.signature,
          },
        ],
      },
    ],
  ];
}

export function openBoxes(
  state: InPhase<'checking-shared-set'>,
  results: readonly DeriveResult[],
  params: DeviceParams,
  context: MachineContext,
): DeviceStep {
  if (!isVerified(results[0])) {
    throw new PeerError(
      'shared-set-signature',
      'the set U2 is not signed by the registrar that the manifest names',
    );
  }
  const { seat, secrets, shared, offered, accepted, link } = state;
  secrets.held = heldShares(state, context);
  if (secrets.held.length < seat.parameters.t) {
    throw new RoundError(
      'too-few-shares',
      `${secrets.held.length} of the neighbours' boxes opened, ${seat.parameters.t} are needed: ` +
        'nothing of this device was sent, try again in a new round',
      { retryable: true },
    );
  }
  return [
    { accepted, link, phase: 'encoding', offered, secrets, seat, shared },
    askOnceNoiseIsThere(state, params),
  ];
}

/** Adds the noise and masks in place, then asks for the durable record. Nothing has left the device yet. */
export function maskInput(
  state: InPhase<'encoding'>,
  lanes: Uint32Array,
  params: DeviceParams,
  context: MachineContext,
): DeviceStep {
  const { layout, manifest, publisher } = params.task;
  const { seat, secrets, shared, offered } = state;
  const { suite } = context;
  checkInput(lanes, params);
  addNoise(lanes, secrets, params);
  const masks = neighboursIn(seat, shared.members).map((position) => {
    const { index } = at(seat.neighbours, position);
    const p = at(secrets.pairSecrets, position);
    return pairMask(suite, shared.context2, seat.index, index, p);
  });
  masks.push(selfMask(suite, shared.context2, seat.index, secrets.b));
  addMasks(suite, lanes, masks);
  const message = maskedInput.encode({
    round: offered.round,
    vector: packLanes(lanes, layout.widths),
    commitment: selfCommitment(suite, shared.context2, seat.index, secrets.b),
  });
  wipe(lanes);
  return [
    { ...state, phase: 'persisting', message },
    [
      {
        kind: 'persist',
        reservation: {
          publisher,
          metrics: manifest.metrics.map((metric) => metric.name),
          windowStartMs: offered.window.startMs,
          windowEndMs: offered.window.endMs,
          incarnation: offered.announcement.incarnation,
          round: offered.round,
        },
      },
    ],
  ];
}

/** The contribution is on disk: ask for a credit. */
export function requestUpload(
  state: InPhase<'persisting'>,
  outcome: ReservationOutcome,
): DeviceStep {
  if (outcome === 'conflict') {
    throw new RoundError(
      'already-contributed',
      'this device has already contributed to a metric of this task for this window or a later ' +
        'one: nothing was sent, the next window is open to it',
    );
  }
  if (outcome === 'budget-spent') {
    throw new RoundError(
      'privacy-budget-spent',
      "this window would cost more than is left of this device's privacy budget: nothing was sent",
    );
  }
  if (outcome === 'failed') {
    throw new RoundError(
      'record-failed',
      'the contribution could not be recorded durably, so nothing was sent: check the store ' +
        '(space, permissions) and try again',
      { retryable: true },
    );
  }
  return [
    { ...state, phase: 'ready' },
    [
      { kind: 'send', bytes: uploadRequest.encode({ round: state.offered.round }) },
      { kind: 'progress', stage: 'ready' },
    ],
  ];
}

export function sendMaskedInput(state: InPhase<'ready'>): DeviceStep {
  const { message, ...rest } = state;
  return [
    { ...rest, phase: 'masked' },
    [
      { kind: 'send', bytes: message },
      { kind: 'progress', stage: 'masked' },
    ],
  ];
}

/** Every member of U2 and of U3 keeps t neighbours, and at least n − D are there. §5.4, §5.5. */
export function checkPresent(
  name: 'U2' | 'U3',
  members: readonly number[],
  seat: Seat,
  fewest: number,
): void {
  if (members.length < fewest) {
    throw new PeerError(
      'set-too-small',
      `${name}: expected at least ${fewest} devices, got ${members.length}: this device reveals nothing`,
    );
  }
  const near = neighboursIn(seat, members).length;
  if (members.includes(seat.index) && near < seat.parameters.t) {
    throw new PeerError(
      'set-too-thin',
      `${name}: expected at least t = ${seat.parameters.t} neighbours of this device, got ${near}: ` +
        'it reveals nothing',
    );
  }
}

/** Positions in the leaf of the neighbours that are in `members`, ascending. */
export function neighboursIn(seat: Seat, members: readonly number[]): number[] {
  const present = new Set(members);
  return seat.neighbours.flatMap(({ index }, position) => (present.has(index) ? [position] : []));
}

/** A box that does not open, or a dealer that dealt rubbish, costs that dealer's shares only. */
function heldShares(state: InPhase<'checking-shared-set'>, context: MachineContext): HeldShares[] {
  const { seat, shared, secrets, boxes } = state;
  return neighboursIn(seat, shared.members).flatMap((position, i) => {
    const key = at(secrets.incomingKeys, position);
    const box = boxes.subarray(i * BOX_BYTES, (i + 1) * BOX_BYTES);
    const plaintext = context.suite.open(key, box);
    if (plaintext === undefined) return [];
    return [
      {
        dealer: at(seat.neighbours, position).index,
        ofSelfMask: plaintext.subarray(0, SHARE_BYTES),
        ofMaskKey: plaintext.subarray(SHARE_BYTES),
      },
    ];
  });
}

/** Before noise is added: the encoder's bug must not become an overflow that nobody can see in the sum. */
function checkInput(lanes: Uint32Array, params: DeviceParams): void {
  const { lanes: layout } = params.task.layout;
  const bad = layout.findIndex((lane, j) => (lanes[j] ?? Number.NaN) > lane.bound);
  if (lanes.length !== layout.length || bad !== -1) {
    wipe(lanes);
    throw new InternalError(
      'internal',
      bad === -1
        ? `input: expected ${layout.length} lanes, got ${lanes.length}`
        : `input: lane ${layout[bad]?.label} is above its bound ${layout[bad]?.bound}`,
    );
  }
}
