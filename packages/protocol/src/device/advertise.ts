/** §5.1: two fresh key pairs for the offered round, signed by the pseudonym. */
import { type DeriveResult, LABELS, PeerError, encodeLabelled } from '@onlysum/crypto';
import { checkValidity } from '@onlysum/task';
import { type Announcement, announcementCheck } from '../announcement.js';
import type { RoundKeys } from '../leaf.js';
import type { Offer } from '../messages/from-coordinator.js';
import { advertiseKeys } from '../messages/from-device.js';
import { KEY_BYTES } from '../sizes.js';
import { currentWindow } from '../window-clock.js';
import { isVerified, publicKeyResult, signatureResult } from './results.js';
import type { DeviceParams, DeviceStep, InPhase, MachineContext } from './types.js';

/** The bytes a pseudonym signs to advertise its keys for one round of one incarnation. */
export function advertiseStatement(
  taskId: Uint8Array,
  announcement: Pick<Announcement, 'window' | 'incarnation'>,
  round: Uint8Array,
  keys: RoundKeys,
): Uint8Array {
  const { window, incarnation } = announcement;
  return encodeLabelled(LABELS.advertise, taskId, window, incarnation, round, keys.c, keys.s);
}

export function checkOffer(
  state: InPhase<'waiting'>,
  message: Offer,
  params: DeviceParams,
  context: MachineContext,
): DeviceStep {
  const { task } = params;
  const { announcement } = message;
  const window = currentWindow(task.manifest, announcement.window, context.nowMs);
  if (window === undefined) {
    throw new PeerError(
      'window-not-now',
      `offered window ${announcement.window} is not the present one on this device's clock ` +
        `(${new Date(context.nowMs).toISOString()}): set the clock, or report the coordinator`,
    );
  }
  checkValidity(task.manifest, window);
  if (announcement.incarnation < params.incarnation) {
    throw new PeerError(
      'incarnation-rollback',
      `the registrar announced incarnation ${announcement.incarnation}, but this device has met ` +
        `${params.incarnation}: incarnations only grow, so this is an old round`,
    );
  }
  const secrets = {
    resumeToken: message.token,
    lastSent: new Uint8Array(0),
    cSecret: context.rng(KEY_BYTES),
    sSecret: context.rng(KEY_BYTES),
    b: new Uint8Array(0),
    incomingKeys: [],
    pairSecrets: [],
    held: [],
    noise: new Int32Array(0),
  };
  return [
    {
      accepted: state.accepted,
      phase: 'checking-offer',
      link: 'up',
      offered: { round: message.round, window, announcement },
      secrets,
    },
    [
      { kind: 'timer', inMs: message.remainingMs },
      {
        kind: 'derive',
        batch: [
          announcementCheck(task.registrarKey, task.taskId, announcement),
          { op: 'x25519-public', secret: secrets.cSecret },
          { op: 'x25519-public', secret: secrets.sSecret },
        ],
      },
    ],
  ];
}

export function signKeys(
  state: InPhase<'checking-offer'>,
  results: readonly DeriveResult[],
  params: DeviceParams,
): DeviceStep {
  if (!isVerified(results[0])) {
    throw new PeerError(
      'announcement-signature',
      'the window announcement is not signed by the registrar that the manifest names',
    );
  }
  const keys = { c: publicKeyResult(results[1]), s: publicKeyResult(results[2]) };
  const { round, announcement } = state.offered;
  const message = advertiseStatement(params.task.taskId, announcement, round, keys);
  return [
    { ...state, phase: 'signing-keys', keys },
    [{ kind: 'derive', batch: [{ op: 'ed25519-sign', seed: params.pseudonymSeed, message }] }],
  ];
}

export function sendKeys(
  state: InPhase<'signing-keys'>,
  results: readonly DeriveResult[],
): DeviceStep {
  const { keys, offered } = state;
  const signature = signatureResult(results[0]);
  return [
    { ...state, phase: 'advertised' },
    [
      { kind: 'send', bytes: advertiseKeys.encode({ round: offered.round, ...keys, signature }) },
      { kind: 'progress', stage: 'advertised' },
    ],
  ];
}
