/** The client's durable record, for an honest device of the arena. */
import type { Arena, Identity } from './arena.js';
import type { Reservation } from './surface.js';
import type { Build } from './weakened-build.js';

/** What was recorded survives until the next round, as it does in a client's store. */
export function keepRecord({ build, registrar }: Arena, identity: Identity): void {
  const key = build.toHex(registrar.publicKey);
  let record = build.clientSide.emptyRecord();
  identity.reserve = (reservation) => {
    const entry = sentEntry(build, reservation);
    const [next, outcome] = build.reserve(record, reservation, key, undefined, entry);
    record = next;
    return outcome;
  };
  identity.incarnation = () => build.registrarOf(record, key).incarnation;
}

export function sentEntry(build: Build, { publisher, round, ...reservation }: Reservation) {
  const { windowStartMs: startMs, windowEndMs: endMs } = reservation;
  return {
    kind: 'sent',
    task: { name: 'a', version: 1, taskId: '00'.repeat(32), publisher: build.toHex(publisher) },
    window: { index: 1, startMs, endMs, epoch: 1 },
    round: build.toHex(round),
    sentAtMs: startMs,
    groups: [],
    values: {},
    keepUntilMs: endMs,
  } as const;
}
