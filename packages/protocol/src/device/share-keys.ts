/**
 * §5.3: pair secrets with every neighbour, shares of b and s sealed to each, tags that let the
 * coordinator see who agrees with whom. The private keys are wiped here: nothing later needs them.
 */
import { type DeriveResult, PeerError, concatBytes, splitSecret, wipe } from '@onlysum/crypto';
import { at } from '../at.js';
import { pairTag } from '../masking.js';
import { shareKeys } from '../messages/from-device.js';
import { KEY_BYTES } from '../sizes.js';
import { askForNoise } from './noise.js';
import { agreedKeys, isVerified } from './results.js';
import type { DeviceParams, DeviceStep, InPhase, MachineContext } from './types.js';

export function dealShares(
  state: InPhase<'checking-roster'>,
  results: readonly DeriveResult[],
  params: DeviceParams,
  context: MachineContext,
): DeviceStep {
  const { seat, secrets, offered } = state;
  const { suite } = context;
  if (!isVerified(results[0])) {
    throw new PeerError(
      'roster-signature',
      'the roster is not signed by the registrar that the manifest names',
    );
  }
  const { neighbours } = seat;
  const { k, t } = seat.parameters;
  secrets.b = context.rng(KEY_BYTES);
  const xs = neighbours.map((neighbour) => neighbour.index + 1);
  const selfShares = splitSecret(secrets.b, t, xs, context.rng);
  const keyShares = splitSecret(secrets.sSecret, t, xs, context.rng);
  const boxes: Uint8Array[] = [];
  const tags: Uint8Array[] = [];
  try {
    neighbours.forEach((neighbour, position) => {
      const channel = agreed(results[1 + position], neighbour.index);
      const outgoing = at(channel, 0);
      secrets.incomingKeys.push(at(channel, 1));
      const p = at(agreed(results[1 + k + position], neighbour.index), 0);
      secrets.pairSecrets.push(p);
      tags.push(pairTag(suite, p));
      const plaintext = concatBytes(at(selfShares, position), at(keyShares, position));
      boxes.push(suite.seal(outgoing, plaintext));
      wipe(outgoing, plaintext);
    });
  } finally {
    wipe(...selfShares, ...keyShares, secrets.cSecret, secrets.sSecret);
  }
  const bytes = shareKeys.encode({
    round: offered.round,
    boxes: concatBytes(...boxes),
    tags: concatBytes(...tags),
  });
  return [
    { accepted: state.accepted, link: state.link, phase: 'shared', offered, secrets, seat },
    [{ kind: 'send', bytes }, { kind: 'progress', stage: 'shared' }, ...askForNoise(seat, params)],
  ];
}

/** In the order of the infos that checkRoster asked for. */
function agreed(result: DeriveResult, neighbour: number): readonly Uint8Array[] {
  const keys = agreedKeys(result);
  if (keys === undefined) {
    throw new PeerError(
      'key-low-order',
      `neighbour ${neighbour} has a low-order key, which the registrar must refuse: report it`,
    );
  }
  return keys;
}
