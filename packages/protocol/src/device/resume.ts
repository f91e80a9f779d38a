/**
 * §5.9: a broken connection inside a round. The device comes back with its token and sends its last
 * message again, the same bytes, if the coordinator has not accepted it.
 */
import { PeerError, equalBytes } from '@onlysum/crypto';
import { challenge, type Resumed } from '../messages/from-coordinator.js';
import { resume } from '../messages/from-device.js';
import type { DeviceState, DeviceStep, MachineContext } from './types.js';

export type RoundState = Extract<DeviceState, { link: unknown }>;

export function isInRound(state: DeviceState): state is RoundState {
  return 'link' in state;
}

/** The connection is gone: ask for another one, on which a new challenge is due. */
export function reconnect(state: RoundState): DeviceStep {
  const accepted = new Map(state.accepted);
  accepted.delete(challenge.type);
  return [
    { ...state, accepted, link: 'down' },
    [{ kind: 'reconnect' }, { kind: 'progress', stage: 'reconnecting' }],
  ];
}

/** The challenge is for Hello; a token needs none. */
export function claimPlace(state: RoundState): DeviceStep {
  if (state.link !== 'down') {
    throw new PeerError('wrong-stage', `Challenge came while this device was ${state.phase}`);
  }
  const { offered, secrets } = state;
  const bytes = resume.encode({ round: offered.round, token: secrets.resumeToken });
  return [{ ...state, link: 'resuming' }, [{ kind: 'send', bytes }]];
}

export function placeTaken(
  state: RoundState,
  message: Resumed,
  context: MachineContext,
): DeviceStep {
  if (state.link !== 'resuming') {
    throw new PeerError('wrong-stage', `Resumed came while this device was ${state.phase}`);
  }
  const { secrets } = state;
  secrets.resumeToken = message.token;
  const { lastSent } = secrets;
  const isAccepted =
    lastSent.length === 0 || equalBytes(context.suite.sha256(lastSent), message.accepted);
  return [
    { ...state, link: 'up' },
    [
      ...(isAccepted ? [] : [{ kind: 'send', bytes: new Uint8Array(lastSent) } as const]),
      { kind: 'progress', stage: 'resumed', detail: `the round is ${message.stage}` },
    ],
  ];
}

/**
 * Keeps what was sent, for a resume; and while the link is not up sends nothing: it goes after the
 * resume. Steps that change the link send for the link itself.
 *
 * @param before - the link before the step; undefined outside a round.
 */
export function keepLastSent(
  [state, effects]: DeviceStep,
  before: RoundState['link'] | undefined,
): DeviceStep {
  if (!isInRound(state) || state.link !== before) return [state, effects];
  const sent = effects.find((effect) => effect.kind === 'send');
  if (sent === undefined) return [state, effects];
  // A copy: this one is wiped with the round, the other is on its way. Buffers share on slice().
  state.secrets.lastSent = new Uint8Array(sent.bytes);
  if (state.link === 'up') return [state, effects];
  return [state, effects.filter((effect) => effect.kind !== 'send')];
}
