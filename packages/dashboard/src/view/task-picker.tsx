/** Which task a page is about; nothing to pick where there is one. */
import type { JSX } from 'preact';
import type { TaskView } from '../api/contract.js';
import { go, type PageName } from '../route.js';
import { tasks } from '../tasks.js';

export function TaskPicker({
  page,
  chosen,
}: {
  readonly page: PageName;
  readonly chosen: TaskView;
}): JSX.Element {
  const loaded = tasks.value;
  const all = loaded.state === 'ready' ? loaded.value : [];
  if (all.length < 2) {
    return (
      <p class="task-name">
        Task <strong>{taskTitle(chosen)}</strong>
      </p>
    );
  }
  return (
    <label class="field">
      Task
      <select
        value={chosen.taskId}
        onChange={(event) => go({ page, taskId: event.currentTarget.value })}
      >
        {all.map((task) => (
          <option key={task.taskId} value={task.taskId}>
            {taskTitle(task)}
          </option>
        ))}
      </select>
    </label>
  );
}

export function taskTitle({ name, version }: Pick<TaskView, 'name' | 'version'>): string {
  return `${name}, version ${version}`;
}
