/** What a submission is doing, as a person reads it. Invariant: each line is a sentence. */
import type { Progress } from '@onlysum/client';
import { printable } from '@onlysum/crypto';

const SENTENCES: Readonly<Record<Progress['stage'], string>> = {
  waiting: 'Waiting for a round',
  advertised: 'Joined a round',
  shared: 'Shared keys with the other devices',
  ready: 'Masked the values; they can be sent',
  masked: 'Sent the masked values',
  unmasked: 'Helping to take the masks off the sum',
  recovering: 'Helping to take off the masks of devices that vanished',
  reconnecting: 'The connection was lost; connecting again',
  resumed: 'Connected again',
  retrying: 'That try failed',
};

export function progressLine({ stage, detail }: Progress): string {
  const sentence = SENTENCES[stage];
  // It may quote the coordinator.
  return printable(`${sentence}${detail === undefined ? '' : `: ${detail}`}.`);
}
