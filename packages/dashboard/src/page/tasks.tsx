/** What each task asks for, whether it runs, and the kill switch for those who may use it. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { TaskView } from '../api/contract.js';
import { may } from '../session.js';
import { tasks } from '../tasks.js';
import { DataTable } from '../view/data-table.js';
import { Facts } from '../view/facts.js';
import { counted, duration, number, title } from '../view/format.js';
import { Empty } from '../view/states.js';
import { taskTitle } from '../view/task-picker.js';
import { KillSwitch, type Change } from './kill-switch.js';
import { StateBadge } from './live.js';

export function TasksPage(): JSX.Element {
  const loaded = tasks.value;
  const all = loaded.state === 'ready' ? loaded.value : [];
  if (all.length === 0) return <Empty title="This coordinator serves no task yet." />;
  return (
    <>
      {all.map((task) => (
        <TaskCard key={task.taskId} task={task} />
      ))}
    </>
  );
}

function TaskCard({ task }: { readonly task: TaskView }): JSX.Element {
  const asked = useSignal<Change | undefined>(undefined);
  const said = useSignal('');
  const change: Change = task.state === 'open' ? 'stop' : 'resume';
  const isAllowed = may(change === 'stop' ? 'task.kill' : 'task.resume');
  const id = `task-${task.taskId}`;
  return (
    <section class="card" aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>{taskTitle(task)}</h2>
        <StateBadge task={task} />
      </div>
      {task.state === 'stopped' ? (
        <p class="note bad">
          <strong>Stopped:</strong> {task.reason ?? 'no reason given'}. No round runs, and devices
          are sent away.
        </p>
      ) : null}
      <Facts
        facts={[
          ['Window', duration(task.window.lengthMs)],
          [
            'Cohort',
            `${number(task.cohort.min)} to ${counted(task.cohort.max, 'device')}, ${number(task.cohort.target)} aimed for`,
          ],
          ['Opens a sum', `over at least ${counted(task.minSurvivors, 'device')}`],
          ['Shows a number', `that at least ${counted(task.minRespondents, 'device')} gave`],
          ['Devices connect to', <code class="digest">{task.url}</code>],
          ['Id', <code class="digest">{task.taskId}</code>],
          ['Publisher', <code class="digest">{task.publisher}</code>],
          ['Registrar', <code class="digest">{task.registrar}</code>],
        ]}
      />
      <details>
        <summary>{counted(task.metrics.length, 'metric')}</summary>
        <DataTable
          caption={`Metrics of ${task.name}`}
          columns={[
            { label: 'Metric' },
            { label: 'Purpose', prose: true },
            { label: 'Group' },
            { label: 'Read by' },
            { label: 'Kept', numeric: true },
          ]}
          rows={task.metrics.map(({ name, kind, purpose, group, access, retentionDays }) => [
            <>
              {title(name)}
              <small>{title(kind)}</small>
            </>,
            purpose,
            title(group),
            access.map((role) => role.replace('-', ' ')).join(', '),
            counted(retentionDays, 'day'),
          ])}
        />
      </details>
      {isAllowed ? (
        <button
          type="button"
          class={change === 'stop' ? 'danger' : ''}
          onClick={() => {
            asked.value = change;
          }}
        >
          {change === 'stop' ? `Stop ${task.name}…` : `Resume ${task.name}…`}
        </button>
      ) : (
        <p class="help">Your role may not {change} it.</p>
      )}
      <p role="status">{said.value}</p>
      {asked.value === undefined ? null : (
        <KillSwitch
          task={task}
          change={asked.value}
          onClosed={(outcome) => {
            asked.value = undefined;
            said.value = outcome;
          }}
        />
      )}
    </section>
  );
}
