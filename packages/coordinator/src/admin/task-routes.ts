/**
 * Who the token is, which tasks there are, and the kill switch.
 * Invariant: a stop is said to be written down only once it is.
 */
import { GRANTS } from '@onlysum/service';
import * as v from 'valibot';
import { KnownTasks, taskView } from './known-tasks.js';
import { type Call, JSON_TYPE, type Route, route } from './route.js';
import * as schema from './schema.js';

const params = v.strictObject({ taskId: schema.taskId });

export const taskRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/me',
    name: 'me',
    summary: 'The token itself, and what it may do.',
    permissions: 'token',
    scope: 'own',
    responses: { [JSON_TYPE]: schema.me },
    run: async ({ token: { id, name, role, tasks, expiresMs } }) => {
      return { id, name, role, permissions: [...GRANTS[role]], tasks, expiresMs };
    },
  }),
  route({
    method: 'GET',
    path: '/tasks',
    name: 'listTasks',
    summary: 'The tasks that the token covers, served or served once, with what each asks for.',
    permissions: ['task.read'],
    scope: 'own',
    responses: { [JSON_TYPE]: schema.taskList },
    run: async ({ token, ports }) => {
      const known = await new KnownTasks(ports.store, ports.suite).all();
      return known
        .filter(({ record }) => token.tasks === 'all' || token.tasks.includes(record.name))
        .map((each) => taskView(each, ports.served.has(each.record.taskId)));
    },
  }),
  route({
    method: 'POST',
    path: '/tasks/{taskId}/stop',
    name: 'stopTask',
    summary:
      'The kill switch: ends all rounds of the task at once, and takes no device until it is resumed. Works while the store does not answer.',
    permissions: ['task.kill'],
    scope: 'task',
    params,
    body: schema.reasonBody,
    worksWithoutStore: true,
    responses: { [JSON_TYPE]: schema.stoppedTask },
    run: async ({ ports, patience, token, params: { taskId }, task, body: { reason } }) => {
      // It is stopped by the call itself: what is waited for is that it is written.
      const isDurable = await patience.isDone(ports.stopTask(taskId, reason, token.id));
      const record = { ...task.record, state: 'stopped', reason } as const;
      return { ...taskView({ ...task, record }, ports.served.has(taskId)), isDurable };
    },
  }),
  route({
    method: 'POST',
    path: '/tasks/{taskId}/resume',
    name: 'resumeTask',
    summary: 'Lets a stopped task take devices again.',
    permissions: ['task.resume'],
    scope: 'task',
    params,
    body: schema.reasonBody,
    responses: { [JSON_TYPE]: schema.task },
    run: async (call) => {
      const { ports, token, params, body } = call;
      await ports.resumeTask(params.taskId, body.reason, token.id);
      return presentTask(call);
    },
  }),
];

async function presentTask({ ports, task }: Pick<Call, 'ports' | 'task'>) {
  const record = (await ports.store.task(task.record.taskId)) ?? task.record;
  return taskView({ ...task, record }, ports.served.has(record.taskId));
}
