/**
 * §5.5, §5.6, §5.7: check the attested U3 and reveal what it allows: b and the pair secrets with
 * dropouts to everyone's sum, shares of b for silent survivors, shares of s for dropouts.
 * Invariant: what is revealed depends on U3 alone, and never both kinds for one device.
 */
import { type DeriveResult, PeerError, concatBytes } from '@onlysum/crypto';
import { at } from '../at.js';
import type { AuditHeads } from '../audit-head.js';
import { decodeBitmap, encodeBitmap } from '../bitmap.js';
import { survivorSetStatement } from '../context.js';
import type { Recover, SurvivorSet } from '../messages/from-coordinator.js';
import { revealShares, unmasking } from '../messages/from-device.js';
import { SHARE_BYTES, SHARE_RECORD_BYTES } from '../sizes.js';
import { checkPresent, neighboursIn } from './masked-input.js';
import { isVerified } from './results.js';
import type { DeviceParams, DeviceStep, InPhase, Receipt } from './types.js';
import { erase } from './types.js';

export function checkSurvivorSet(
  state: InPhase<'masked'>,
  message: SurvivorSet,
  params: DeviceParams,
): DeviceStep {
  const { seat, shared } = state;
  const members = decodeBitmap(message.members, seat.facts.n, 'SurvivorSet.members');
  const isShared = new Set(shared.members);
  const stranger = members.find((index) => !isShared.has(index));
  if (stranger !== undefined) {
    throw new PeerError(
      'set-not-nested',
      `U3: device ${stranger} is not in U2: this device reveals nothing`,
    );
  }
  const { minSurvivors } = params.task.manifest;
  checkPresent('U3', members, seat, Math.max(minSurvivors, seat.parameters.fewestPresent));
  return [
    {
      ...state,
      phase: 'checking-survivors',
      survivors: { members, signature: message.signature },
    },
    [
      {
        kind: 'derive',
        batch: [
          {
            op: 'ed25519-verify',
            publicKey: params.task.registrarKey,
            message: survivorSetStatement(shared.context2, message.members),
            signature: message.signature,
          },
        ],
      },
    ],
  ];
}

export function reveal(
  state: InPhase<'checking-survivors'>,
  results: readonly DeriveResult[],
): DeviceStep {
  if (!isVerified(results[0])) {
    throw new PeerError(
      'survivor-set-signature',
      'the set U3 is not signed by the registrar that the manifest names',
    );
  }
  const { seat, secrets, shared, survivors, offered, accepted } = state;
  if (!survivors.members.includes(seat.index)) {
    erase(secrets);
    const receipt = roundReceipt(state, undefined);
    return [
      { accepted, phase: 'finished' },
      [{ kind: 'finish', outcome: { kind: 'receipt', receipt } }],
    ];
  }
  const isSurvivor = new Set(survivors.members);
  const dropped = shared.members.filter((index) => !isSurvivor.has(index));
  const bytes = unmasking.encode({
    round: offered.round,
    b: secrets.b,
    pairSecrets: concatBytes(
      ...neighboursIn(seat, dropped).map((position) => at(secrets.pairSecrets, position)),
    ),
  });
  return [
    { ...state, phase: 'unmasked' },
    [
      { kind: 'send', bytes },
      { kind: 'progress', stage: 'unmasked' },
    ],
  ];
}

/** Idempotent: whatever is asked, the answer is what U3 allows. */
export function answerRecovery(state: InPhase<'unmasked'>, message: Recover): DeviceStep {
  const { seat, secrets, shared, survivors, offered } = state;
  const { n } = seat.facts;
  const silent = new Set(decodeBitmap(message.silent, n, 'Recover.silent'));
  const dropped = new Set(decodeBitmap(message.dropped, n, 'Recover.dropped'));
  const isShared = new Set(shared.members);
  const isSurvivor = new Set(survivors.members);
  for (const index of silent) {
    if (isSurvivor.has(index)) continue;
    throw bothKinds(`R: device ${index} is not in U3`);
  }
  for (const index of dropped) {
    if (isShared.has(index) && !isSurvivor.has(index)) continue;
    throw bothKinds(`S: device ${index} is not in U2 \\ U3`);
  }
  const selfShares = secrets.held.filter(({ dealer }) => silent.has(dealer));
  const keyShares = secrets.held.filter(({ dealer }) => dropped.has(dealer));
  const bytes = revealShares.encode({
    round: offered.round,
    selfShares: concatBytes(...selfShares.map((held) => record(held.dealer, held.ofSelfMask))),
    keyShares: concatBytes(...keyShares.map((held) => record(held.dealer, held.ofMaskKey))),
  });
  return [
    state,
    [
      { kind: 'send', bytes },
      { kind: 'progress', stage: 'recovering' },
    ],
  ];
}

export function roundReceipt(
  state: InPhase<'unmasked'> | InPhase<'checking-survivors'>,
  opened: boolean | undefined,
  auditHeads: AuditHeads = { coordinator: null, registrar: null },
): Receipt {
  const { seat, offered, shared, survivors } = state;
  return {
    window: offered.window,
    included: survivors.members.includes(seat.index),
    opened,
    devices: seat.facts.n,
    survivors: survivors.members.length,
    facts: seat.facts,
    context: seat.context,
    rosterSignature: seat.rosterSignature,
    sharedSet: encodeBitmap(shared.members, seat.facts.n),
    sharedSetSignature: shared.signature,
    survivorSet: encodeBitmap(survivors.members, seat.facts.n),
    survivorSetSignature: survivors.signature,
    auditHeads,
  };
}

function record(dealer: number, share: Uint8Array): Uint8Array {
  const out = new Uint8Array(SHARE_RECORD_BYTES);
  new DataView(out.buffer).setUint32(0, dealer);
  out.set(share.subarray(0, SHARE_BYTES), 4);
  return out;
}

function bothKinds(why: string): PeerError {
  return new PeerError('recovery-refused', `${why}: this device reveals no share for it`);
}
