/**
 * What the registrar attested of a round, with its signatures, for whoever checks it with the manifest.
 * Knows: outcomes of rounds. Doesn't know: sums, whether a signature holds.
 * Invariant: the answer is a result file without its sum, so that `onlysum audit graph` takes it as it is.
 */
import { windowByIndex } from '@onlysum/task';
import * as v from 'valibot';
import { refuse } from './refusal.js';
import { JSON_TYPE, type Route, route } from './route.js';
import * as schema from './schema.js';

export const evidenceRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/tasks/{taskId}/rounds/{round}/evidence',
    name: 'evidence',
    summary:
      'What the registrar attested of a round, with its signatures and without sums, in the form that `onlysum audit graph --result` takes.',
    permissions: ['evidence.read'],
    scope: 'task',
    params: v.strictObject({ taskId: schema.taskId, round: schema.roundId }),
    responses: { [JSON_TYPE]: schema.evidence },
    run: async (call) => {
      const { ports, task, params } = call;
      const { taskId, name, version } = task.record;
      const round = await ports.store.round(params.round);
      if (round === undefined || round.taskId !== taskId) {
        const message = `round: none of ${name} with the id ${params.round} has ended here`;
        throw refuse('not-found', 404, message, { field: 'round' });
      }
      await call.audit('evidence.read', round.round, { taskId, window: round.window });
      const facts = {
        task: { name, version, taskId },
        window: windowByIndex(task.task.manifest, round.window),
        round: round.round,
        closedMs: round.closedMs,
        devices: round.devices,
      };
      if (round.state === 'opened') {
        const { survivors, attested } = round;
        return { ...facts, outcome: 'opened' as const, survivors, attested };
      }
      const { reason, attested = {} } = round;
      return { ...facts, outcome: 'aborted' as const, reason, attested };
    },
  }),
];
