/**
 * The only change that this page can make: stopping all rounds of a task, and letting it run again.
 * Invariant: nothing is sent before the task was named and a reason given.
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { StoppedTask, TaskView } from '../api/contract.js';
import { json } from '../session.js';
import { replaceTask } from '../tasks.js';
import { taskTitle } from '../view/task-picker.js';

export type Change = 'stop' | 'resume';

const EFFECTS = {
  stop: 'All its rounds end now, without a result, and devices are sent away until it is resumed. What devices have already sent opens nothing.',
  resume: 'Devices may connect again, and rounds begin as before.',
};
const DONE = { stop: 'was stopped.', resume: 'runs again.' };
const NOT_WRITTEN =
  'was stopped, and that is not written down: the store does not answer. If the coordinator ends before it does, the stop is lost.';

/** @param onClosed - told what happened; nothing if it was given up. */
export function KillSwitch({
  task,
  change,
  onClosed,
}: {
  readonly task: TaskView;
  readonly change: Change;
  readonly onClosed: (outcome: string) => void;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const reason = useRef<HTMLInputElement>(null);
  const problem = useSignal('');
  const isBusy = useSignal(false);
  const outcome = useRef('');
  useEffect(() => {
    // Closing gives the focus back to the button that opened it.
    dialog.current?.showModal();
  }, []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const given = reason.current?.value.trim() ?? '';
    if (isBusy.value) return;
    problem.value = given === '' ? 'Give a reason: it goes into the audit log.' : '';
    if (given === '') {
      reason.current?.focus();
      return;
    }
    isBusy.value = true;
    try {
      const path = `/tasks/${task.taskId}/${change}`;
      const request = { method: 'POST', body: { reason: given } } as const;
      const { isDurable = true, ...changed } = await json<TaskView & Partial<StoppedTask>>(
        path,
        request,
      );
      replaceTask(changed);
      outcome.current = `${task.name} ${isDurable ? DONE[change] : NOT_WRITTEN}`;
      dialog.current?.close();
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      isBusy.value = false;
    }
  };
  const verb = change === 'stop' ? 'Stop' : 'Resume';
  return (
    <dialog
      ref={dialog}
      aria-labelledby="switch-title"
      aria-describedby="switch-effect"
      onClose={() => onClosed(outcome.current)}
    >
      <form onSubmit={(event) => void submit(event)}>
        <h2 id="switch-title">
          {verb} {taskTitle(task)}?
        </h2>
        <p id="switch-effect">{EFFECTS[change]}</p>
        <label for="switch-reason">Reason</label>
        <input
          id="switch-reason"
          ref={reason}
          maxLength={500}
          autocomplete="off"
          aria-describedby="switch-problem"
          aria-invalid={problem.value !== ''}
        />
        <p id="switch-problem" class="problem" role="alert">
          {problem.value}
        </p>
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class={change === 'stop' ? 'danger' : 'main'}>
            {verb} {task.name}
          </button>
        </div>
      </form>
    </dialog>
  );
}
