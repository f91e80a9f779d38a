/**
 * The tasks that the token covers, and which of them is looked at.
 */
import { computed, effect, signal } from '@preact/signals';
import type { TaskView } from './api/contract.js';
import { route } from './route.js';
import { json, me } from './session.js';
import type { Loaded } from './view/loaded.js';

export const tasks = signal<Loaded<readonly TaskView[]>>({ state: 'loading' });
effect(() => {
  // Whoever signs in next may cover others.
  if (me.value === undefined) tasks.value = { state: 'loading' };
});

/** That of the address, or the first one. */
export const chosenTask = computed(() => {
  const loaded = tasks.value;
  if (loaded.state !== 'ready') return undefined;
  return loaded.value.find(({ taskId }) => taskId === route.value.taskId) ?? loaded.value[0];
});

export async function loadTasks(): Promise<void> {
  tasks.value = { state: 'loading' };
  try {
    tasks.value = { state: 'ready', value: await json<TaskView[]>('/tasks') };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    tasks.value = { state: 'failed', message, retry: () => void loadTasks() };
  }
}

/** After one has been stopped or resumed. */
export function replaceTask(changed: TaskView): void {
  const loaded = tasks.value;
  if (loaded.state !== 'ready') return;
  const value = loaded.value.map((task) => (task.taskId === changed.taskId ? changed : task));
  tasks.value = { state: 'ready', value };
}
