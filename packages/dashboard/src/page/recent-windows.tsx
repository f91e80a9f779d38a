/** The last windows of a task: how many devices, which rounds, why devices were sent away. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { TaskView, WindowDetail, WindowView } from '../api/contract.js';
import { json } from '../session.js';
import { DataTable } from '../view/data-table.js';
import { number, time, timeToTheSecond, title } from '../view/format.js';
import { useLoaded } from '../view/loaded.js';
import { Await, Empty } from '../view/states.js';

const SHOWN = 10;

export const WINDOW_STATES = {
  open: 'Open',
  closed: 'Closed',
  'too-few': 'Too few devices',
  deleted: 'Deleted, as retention asks',
} as const;

/** @param refresh - asked again when it changes. */
export function RecentWindows({
  task,
  refresh,
}: {
  readonly task: TaskView;
  readonly refresh: string;
}): JSX.Element {
  const { taskId } = task;
  const isOpen = useSignal(false);
  const loaded = useLoaded(
    isOpen.value ? taskId : undefined,
    (signal) => json<WindowView[]>(`/tasks/${taskId}/windows?limit=${SHOWN}`, { signal }),
    refresh,
  );
  const shown = useSignal<number | undefined>(undefined);
  return (
    <details
      onToggle={(event) => {
        isOpen.value = event.currentTarget.open;
      }}
    >
      <summary>Recent windows</summary>
      {isOpen.value ? (
        <Await loaded={loaded} what="windows">
          {(windows) =>
            windows.length === 0 ? (
              <Empty title="No window yet." />
            ) : (
              <>
                <DataTable
                  caption={`Recent windows of ${task.name}`}
                  columns={[
                    { label: 'Window' },
                    { label: 'Began', whole: true },
                    { label: 'State', whole: true },
                    { label: 'Rounds', numeric: true },
                    { label: 'Opened', numeric: true },
                    { label: 'Survivors', numeric: true },
                    { label: 'Rounds in detail' },
                  ]}
                  rows={newestFirst(windows).map((each) => [
                    String(each.window),
                    time(each.startMs),
                    WINDOW_STATES[each.state],
                    number(each.rounds),
                    number(each.opened),
                    each.opened === 0
                      ? 'none'
                      : `${number(each.survivors)} of ${number(each.devices)}`,
                    <button
                      type="button"
                      class="small"
                      aria-expanded={shown.value === each.window}
                      onClick={() => {
                        shown.value = shown.value === each.window ? undefined : each.window;
                      }}
                    >
                      {shown.value === each.window ? 'Hide' : 'Show'}
                      <span class="unseen"> rounds of window {each.window}</span>
                    </button>,
                  ])}
                />
                {shown.value === undefined ? null : (
                  <WindowRounds taskId={taskId} window={shown.value} />
                )}
              </>
            )
          }
        </Await>
      ) : null}
    </details>
  );
}

export function newestFirst<T extends { readonly window: number }>(windows: readonly T[]): T[] {
  return windows.toSorted((a, b) => b.window - a.window);
}

function WindowRounds({
  taskId,
  window,
}: {
  readonly taskId: string;
  readonly window: number;
}): JSX.Element {
  const loaded = useLoaded(`${taskId} ${window}`, (signal) =>
    json<WindowDetail>(`/tasks/${taskId}/windows/${window}`, { signal }),
  );
  return (
    <Await loaded={loaded} what="rounds">
      {({ rounds }) =>
        rounds.length === 0 ? (
          <Empty title={`No round of window ${window} has ended.`} />
        ) : (
          <DataTable
            caption={`Rounds of window ${window}`}
            hideCaption={false}
            columns={[
              { label: 'Round' },
              { label: 'Ended', whole: true },
              { label: 'Outcome' },
              { label: 'Survivors', numeric: true },
              { label: 'Devices lost' },
            ]}
            rows={rounds.map(({ round, closedMs, outcome, reason, survivors, devices, drops }) => [
              <code>{round.slice(0, 8)}</code>,
              timeToTheSecond(closedMs),
              reason === undefined ? title(outcome) : `${title(outcome)}: ${reason}`,
              `${survivors === undefined ? 'none' : number(survivors)} of ${number(devices)}`,
              drops.length === 0
                ? 'none'
                : drops.map(({ stage, code, count }) => (
                    <div key={`${stage} ${code}`}>
                      {number(count)} {code} ({title(stage).toLowerCase()})
                    </div>
                  )),
            ])}
          />
        )
      }
    </Await>
  );
}
