/**
 * What a window's sum says of each metric, and how metrics change over windows.
 * Knows: which windows there are, what is asked of the server. Doesn't know: how a kind is drawn.
 */
import type { JSX } from 'preact';
import type { ResultRow, TaskView, WindowEstimates, WindowView } from '../api/contract.js';
import { Downloads } from '../result/downloads.js';
import { GroupsCard } from '../result/groups-card.js';
import { MetricCard } from '../result/metric-card.js';
import { go, route } from '../route.js';
import { json } from '../session.js';
import { chosenTask } from '../tasks.js';
import { counted, duration, number, time } from '../view/format.js';
import { type Loaded, useLoaded } from '../view/loaded.js';
import { Await, Empty } from '../view/states.js';
import { TaskPicker } from '../view/task-picker.js';
import { newestFirst, WINDOW_STATES } from './recent-windows.js';

/** Windows to pick from and to draw over. */
const MOST_WINDOWS = 60;

export function ResultsPage(): JSX.Element {
  const task = chosenTask.value;
  if (task === undefined) return <Empty title="This coordinator serves no task yet." />;
  return <TaskResults key={task.taskId} task={task} />;
}

function TaskResults({ task }: { readonly task: TaskView }): JSX.Element {
  const { taskId } = task;
  const windows = useLoaded(taskId, (signal) =>
    json<WindowView[]>(`/tasks/${taskId}/windows?limit=${MOST_WINDOWS}`, { signal }),
  );
  return (
    <>
      <div class="controls">
        <TaskPicker page="results" chosen={task} />
      </div>
      <Await loaded={windows} what="windows">
        {(all) => <Windows task={task} windows={newestFirst(all)} />}
      </Await>
    </>
  );
}

function Windows({
  task,
  windows,
}: {
  readonly task: TaskView;
  readonly windows: readonly WindowView[];
}): JSX.Element {
  const { taskId } = task;
  const wanted = route.value.window;
  const chosen =
    windows.find(({ window }) => window === wanted) ??
    windows.find(({ state, opened }) => state === 'closed' && opened > 0) ??
    windows[0];
  // The newest first.
  const all = [windows.at(-1)?.startMs ?? 0, windows[0]?.endMs ?? 0] as const;
  const [from, to] = all;
  const history = useLoaded(
    windows.length === 0 ? undefined : `${taskId} ${from} ${to}`,
    (signal) =>
      json<ResultRow[]>(`/tasks/${taskId}/results?from=${from}&to=${to}&format=json`, { signal }),
  );
  const estimates = useLoaded(
    chosen === undefined ? undefined : `${taskId} ${chosen.window}`,
    (signal) =>
      json<WindowEstimates>(`/tasks/${taskId}/windows/${chosen?.window}/result`, { signal }),
  );
  if (chosen === undefined) {
    return (
      <Empty title="No window yet.">
        A window lasts {duration(task.window.lengthMs)}; its result comes when it ends.
      </Empty>
    );
  }
  return (
    <>
      <WindowPicker taskId={taskId} windows={windows} chosen={chosen} />
      <Await loaded={estimates} what={`window ${chosen.window}`}>
        {(result) => <WindowResults task={task} result={result} history={history} />}
      </Await>
      <Downloads
        task={task}
        window={chosen.window}
        chosen={[chosen.startMs, chosen.endMs]}
        all={all}
      />
    </>
  );
}

function WindowPicker({
  taskId,
  windows,
  chosen,
}: {
  readonly taskId: string;
  readonly windows: readonly WindowView[];
  readonly chosen: WindowView;
}): JSX.Element {
  const at = windows.indexOf(chosen);
  const show = (window: number | undefined): void => {
    if (window !== undefined) go({ page: 'results', taskId, window });
  };
  const step = (label: string, to: WindowView | undefined): JSX.Element => (
    <button
      type="button"
      aria-disabled={to === undefined}
      onClick={() => show(to?.window)}
      aria-label={`${label} window`}
    >
      {label}
    </button>
  );
  return (
    <div class="controls" role="group" aria-label="Window">
      <label class="field">
        Window
        <select
          value={String(chosen.window)}
          onChange={(event) => show(Number(event.currentTarget.value))}
        >
          {windows.map(({ window, startMs, state }) => (
            <option key={window} value={String(window)}>
              {window}: from {time(startMs)}
              {state === 'closed' ? '' : ` (${WINDOW_STATES[state].toLowerCase()})`}
            </option>
          ))}
        </select>
      </label>
      {step('Earlier', windows[at + 1])}
      {step('Later', windows[at - 1])}
    </div>
  );
}

function WindowResults({
  task,
  result,
  history,
}: {
  readonly task: TaskView;
  readonly result: WindowEstimates;
  readonly history: Loaded<readonly ResultRow[]>;
}): JSX.Element {
  const { estimates, window, startMs, endMs, state, withheld } = result;
  const period = `${time(startMs)} to ${time(endMs)}`;
  if (estimates === undefined) {
    return (
      <section class="card">
        <p class="muted">{period}</p>
        {WITHOUT_RESULT[state](task, window)}
      </section>
    );
  }
  const { survivors, implausible, metrics } = estimates;
  const described = new Map(task.metrics.map((metric) => [metric.name, metric]));
  return (
    <>
      <p class="lead">
        <strong>{counted(survivors, 'device')}</strong> in the sum of window {window}, {period}.{' '}
        {task.privacy.mechanism === 'none'
          ? 'Totals are exact: this task has no noise.'
          : 'Numbers have noise; intervals hold with 95 %.'}
      </p>
      {withheld.length === 0 ? null : (
        <p class="note">
          <strong>Withheld:</strong> your role may not read {withheld.join(', ')}. The manifest says
          who may.
        </p>
      )}
      {implausible.length === 0 ? null : (
        <p class="note bad">
          <strong>Spoiled:</strong> no set of honest devices gives the sums of{' '}
          {implausible.join(', ')}. Do not use them.
        </p>
      )}
      <GroupsCard task={task} estimates={estimates} />
      <div class="metrics">
        {Object.entries(metrics).map(([name, metric]) => (
          <MetricCard
            key={name}
            name={name}
            metric={described.get(name)}
            result={metric}
            history={history}
            window={window}
          />
        ))}
      </div>
      {Object.keys(metrics).length === 0 ? (
        <Empty title="No metric of this task may be read by your role." />
      ) : null}
    </>
  );
}

const WITHOUT_RESULT: Readonly<
  Record<WindowEstimates['state'], (task: TaskView, window: number) => JSX.Element>
> = {
  open: (_task, window) => (
    <Empty title={`Window ${window} is still open.`}>Its result comes when it ends.</Empty>
  ),
  'too-few': ({ cohort }, window) => (
    <Empty title={`Too few devices in window ${window}.`}>
      A round needs {number(cohort.min)}. Nothing was opened, so there is nothing to show, and no
      device's numbers are in any sum of this window.
    </Empty>
  ),
  closed: (_task, window) => (
    <Empty title={`Window ${window} has no result.`}>No round of it opened.</Empty>
  ),
  deleted: (_task, window) => (
    <Empty title={`The result of window ${window} was deleted.`}>
      Its retention, which the manifest sets, has ended.
    </Empty>
  ),
};
