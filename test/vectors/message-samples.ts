/** One value of every message, its bytes different in every field. */
import * as fromCoordinator from '../../packages/protocol/src/messages/from-coordinator.js';
import * as fromDevice from '../../packages/protocol/src/messages/from-device.js';
import * as registrar from '../../packages/protocol/src/registrar/requests.js';
import { patterned } from './json.js';

export const round = patterned(16, 1);
const signature = patterned(64, 2);
export const certificate = {
  epoch: 20_453,
  epochLengthMs: 86_400_000,
  pseudonym: patterned(32, 3),
  signature: patterned(64, 4),
};
export const announcement = {
  window: 490_896,
  incarnation: 1_767_225_600_000,
  enrolled: 300_000,
  population: 7,
  pools: 100,
  value: patterned(32, 5),
  signature,
};
export const member = (start: number) => ({
  certificate: { ...certificate, pseudonym: patterned(32, start) },
  c: patterned(32, start + 1),
  s: patterned(32, start + 2),
  signature: patterned(64, start + 3),
});

export interface AnyCodec {
  readonly type: number;
  readonly name: string;
  encode(value: never): Uint8Array;
  parse(raw: readonly unknown[]): unknown;
}

/** A codec and a value of its own, the tie checked here and forgotten after. */
function sample<C extends AnyCodec>(codec: C, value: Parameters<C['encode']>[0]) {
  return { codec, value: value as Readonly<Record<string, unknown>> };
}

/** Each message once, with its fields in the order of the wire. */
export const SAMPLES = [
  sample(fromCoordinator.challenge, { challenge: patterned(32, 9) }),
  sample(fromCoordinator.offer, {
    round,
    remainingMs: 195_000,
    announcement,
    token: patterned(32, 30),
  }),
  sample(fromCoordinator.resumed, {
    round,
    stage: 'masking',
    remainingMs: 12_000,
    accepted: patterned(32, 31),
    token: patterned(32, 32),
  }),
  sample(fromCoordinator.uploadGrant, { round }),
  sample(fromDevice.resume, { round, token: patterned(32, 30) }),
  sample(fromDevice.uploadRequest, { round }),
  sample(fromCoordinator.roster, {
    round,
    n: 4,
    k: 3,
    t: 2,
    seed: patterned(32, 10),
    root: patterned(32, 11),
    signature,
    index: 2,
    neighbours: patterned(3 * 68, 12),
    path: [patterned(32, 13), patterned(32, 14)],
  }),
  sample(fromCoordinator.sharedSet, {
    round,
    members: Uint8Array.of(0b1111),
    signature,
    boxes: patterned(3 * 80, 15),
  }),
  sample(fromCoordinator.survivorSet, { round, members: Uint8Array.of(0b1101), signature }),
  sample(fromCoordinator.recover, {
    round,
    silent: Uint8Array.of(0b1000),
    dropped: Uint8Array.of(0b0010),
  }),
  sample(fromCoordinator.closed, {
    round,
    opened: true,
    coordinatorHead: { sequence: 2 ** 33, digest: patterned(32, 33), signature },
    registrarHead: { sequence: 57, digest: patterned(32, 34), signature: patterned(64, 35) },
  }),
  sample(fromCoordinator.progress, { missing: 12, closesInMs: 300_000, remainingMs: 465_000 }),
  sample(fromCoordinator.dropped, {
    code: 'cohort-full',
    detail: 'the cohort was full: join the next round',
    retryInMs: 1000,
  }),
  sample(fromDevice.hello, {
    version: 1,
    taskId: patterned(32, 16),
    nonce: patterned(16, 17),
    certificate,
    signature,
  }),
  sample(fromDevice.advertiseKeys, {
    round,
    c: patterned(32, 18),
    s: patterned(32, 19),
    signature,
  }),
  sample(fromDevice.shareKeys, { round, boxes: patterned(3 * 80, 20), tags: patterned(48, 21) }),
  sample(fromDevice.maskedInput, {
    round,
    vector: patterned(21, 22),
    commitment: patterned(32, 23),
  }),
  sample(fromDevice.unmasking, { round, b: patterned(32, 24), pairSecrets: patterned(32, 25) }),
  sample(fromDevice.revealShares, {
    round,
    selfShares: patterned(36, 26),
    keyShares: patterned(72, 27),
  }),
  sample(registrar.windowRequest, { taskId: patterned(32, 28), window: 490_896, signature }),
  sample(registrar.rosterRequest, {
    taskId: patterned(32, 28),
    window: 490_896,
    round,
    lifetimeMs: 165_000,
    members: [member(30), member(40)],
    signature,
  }),
  sample(registrar.sharedSetRequest, { round, members: Uint8Array.of(0b1111), signature }),
  sample(registrar.survivorSetRequest, { round, members: Uint8Array.of(0b1101), signature }),
  sample(registrar.closeRequest, { round, signature }),
  sample(registrar.windowResponse, { announcement }),
  sample(registrar.rosterResponse, {
    incarnation: 1_767_225_600_000,
    k: 3,
    t: 2,
    seed: patterned(32, 10),
    root: patterned(32, 11),
    signature,
  }),
  sample(registrar.setResponse, {
    signature,
    auditHead: { sequence: 57, digest: patterned(32, 34), signature: patterned(64, 35) },
  }),
  sample(registrar.closeResponse, { closed: true }),
  sample(registrar.refusalResponse, {
    code: 'members-refused',
    detail: '1 of 4 members: members[2]: in-open-roster',
    members: [{ index: 2, code: 'in-open-roster' }],
  }),
];
