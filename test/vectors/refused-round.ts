/**
 * What device 0 of the vectors' round must refuse: one message of the transcript replaced, and the code
 * of the error it ends with.
 */
import { encodeBitmap } from '../../packages/protocol/src/bitmap.js';
import * as down from '../../packages/protocol/src/messages/from-coordinator.js';
import { decodeFrame } from '../../packages/protocol/src/wire/codec.js';
import { hexOf } from './json.js';
import { type PlayedRound } from './play-round.js';
import { DROPOUT, SILENT } from './round-setup.js';

const VICTIM = 0;

interface DownCodec<T> {
  readonly type: number;
  encode(value: T): Uint8Array;
  parse(raw: readonly unknown[]): T;
}

export interface RefusedStep {
  readonly name: string;
  readonly device: number;
  readonly received: number;
  readonly hex: string;
  readonly code: string;
}

export function refusedByDevice({ transcript, params, result }: PlayedRound): RefusedStep[] {
  const received = transcript
    .filter(({ device, direction }) => device === VICTIM && direction === 'down')
    .map(({ bytes }) => bytes);
  const { n } = result.facts;
  const steps: RefusedStep[] = [];

  /** In place of the true message, or after it. */
  function refuse<T>(
    codec: DownCodec<T>,
    name: string,
    code: string,
    change: (message: T) => T,
    after = false,
  ): void {
    const at = received.findIndex((bytes) => decodeFrame(bytes)[0] === codec.type);
    const truth = received[at];
    if (truth === undefined) throw new RangeError(`device ${VICTIM} got no message ${codec.type}`);
    const hex = hexOf(codec.encode(change(codec.parse(decodeFrame(truth)))));
    steps.push({ name, device: VICTIM, received: after ? at + 1 : at, hex, code });
  }
  const { offer, roster, sharedSet, survivorSet, recover } = down;
  const set = (...members: readonly number[]) => encodeBitmap(members, n);

  refuse(offer, 'an announcement changed after signing', 'announcement-signature', (m) => ({
    ...m,
    announcement: { ...m.announcement, value: flipped(m.announcement.value, 0) },
  }));
  refuse(offer, 'another window', 'window-not-now', (m) => ({
    ...m,
    announcement: { ...m.announcement, window: params.window.index - 2 },
  }));
  refuse(roster, 'a signature changed', 'roster-signature', (m) => ({
    ...m,
    signature: flipped(m.signature, 5),
  }));
  refuse(roster, 'another seed', 'roster-signature', (m) => ({ ...m, seed: flipped(m.seed, 0) }));
  refuse(roster, 'another root', 'roster-proof', (m) => ({ ...m, root: flipped(m.root, 31) }));
  refuse(roster, 'a mask key of a neighbour changed', 'roster-proof', (m) => ({
    ...m,
    neighbours: flipped(m.neighbours, 4 + 32),
  }));
  refuse(roster, 'a hash of the path missing', 'roster-proof', (m) => ({
    ...m,
    path: m.path.slice(1),
  }));
  refuse(roster, 'a hash too many in the path', 'roster-proof', (m) => ({
    ...m,
    path: [...m.path, new Uint8Array(32)],
  }));
  refuse(roster, 'a neighbour twice', 'wire-invalid', (m) => {
    const neighbours = m.neighbours.slice();
    neighbours.copyWithin(0, 68, 136);
    return { ...m, neighbours };
  });
  refuse(roster, 'another threshold', 'roster-parameters', (m) => ({ ...m, t: m.t + 1 }));
  refuse(roster, 'more devices than the cohort may have', 'roster-parameters', (m) => ({
    ...m,
    n: 5,
    k: 4,
    t: 3,
  }));
  refuse(roster, 'another round', 'wrong-round', (m) => ({ ...m, round: flipped(m.round, 0) }));
  refuse(
    roster,
    'a second roster',
    'second-message',
    (m) => ({ ...m, signature: flipped(m.signature, 0) }),
    true,
  );
  refuse(sharedSet, 'a signature changed', 'shared-set-signature', (m) => ({
    ...m,
    signature: flipped(m.signature, 0),
  }));
  refuse(sharedSet, 'another set under the same signature', 'shared-set-signature', (m) => ({
    ...m,
    members: set(0, 1, 2),
    boxes: m.boxes.subarray(0, 160),
  }));
  refuse(sharedSet, 'fewer than n − D members', 'set-too-small', (m) => ({
    ...m,
    members: set(0, 1),
    boxes: m.boxes.subarray(0, 80),
  }));
  refuse(sharedSet, 'a set without the device', 'left-out', (m) => ({
    ...m,
    members: set(1, 2, 3),
  }));
  refuse(sharedSet, 'a padding bit', 'wire-invalid', (m) => ({
    ...m,
    members: Uint8Array.of(0x1f),
  }));
  refuse(sharedSet, 'a box too few', 'wire-invalid', (m) => ({
    ...m,
    boxes: m.boxes.subarray(80),
  }));
  refuse(sharedSet, 'boxes that do not open', 'too-few-shares', (m) => ({
    ...m,
    boxes: flipped(flipped(m.boxes, 0), 80),
  }));
  refuse(survivorSet, 'a signature changed', 'survivor-set-signature', (m) => ({
    ...m,
    signature: flipped(m.signature, 0),
  }));
  refuse(survivorSet, 'another set under the same signature', 'survivor-set-signature', (m) => ({
    ...m,
    members: set(0, 1, 2),
  }));
  refuse(survivorSet, 'fewer than n − D members', 'set-too-small', (m) => ({
    ...m,
    members: set(0, 2),
  }));
  refuse(survivorSet, 'a padding bit', 'wire-invalid', (m) => ({
    ...m,
    members: Uint8Array.of(0x2d),
  }));
  refuse(
    survivorSet,
    'a second set',
    'second-message',
    (m) => ({ ...m, members: set(0, 1, 2, 3) }),
    true,
  );
  refuse(recover, 'shares of b of a dropout', 'recovery-refused', (m) => ({
    ...m,
    silent: set(DROPOUT),
  }));
  refuse(recover, 'shares of s of a survivor', 'recovery-refused', (m) => ({
    ...m,
    dropped: set(SILENT),
  }));
  return steps;
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const out = bytes.slice();
  out[at] = (out[at] ?? 0) ^ 1;
  return out;
}
