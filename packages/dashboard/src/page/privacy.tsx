/**
 * What a task costs its devices: the promise, the budget, cohorts, refusals, who opted out.
 * Everything on it is about many devices.
 */
import type { Privacy } from '@onlysum/task';
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { OptOut, PrivacyView, PrivacyWindow, TaskView } from '../api/contract.js';
import { BarChart } from '../chart/bar-chart.js';
import { ChartFigure } from '../chart/figure.js';
import { type Series, TimeChart } from '../chart/time-chart.js';
import { json } from '../session.js';
import { chosenTask } from '../tasks.js';
import { DataTable } from '../view/data-table.js';
import { type Fact, Tiles } from '../view/facts.js';
import { axisLabel, counted, estimate, number, share, time, title } from '../view/format.js';
import { useLoaded } from '../view/loaded.js';
import { Await, Empty } from '../view/states.js';
import { TaskPicker } from '../view/task-picker.js';
import { newestFirst } from './recent-windows.js';

export function PrivacyPage(): JSX.Element {
  const task = chosenTask.value;
  if (task === undefined) return <Empty title="This coordinator serves no task yet." />;
  return <TaskPrivacy key={task.taskId} task={task} />;
}

function TaskPrivacy({ task }: { readonly task: TaskView }): JSX.Element {
  const loaded = useLoaded(task.taskId, (signal) =>
    json<PrivacyView>(`/privacy?task=${task.taskId}`, { signal }),
  );
  return (
    <>
      <div class="controls">
        <TaskPicker page="privacy" chosen={task} />
      </div>
      <Await loaded={loaded} what="privacy">
        {(view) => (
          <>
            <NoisePromise privacy={view.privacy} budget={view.budget} />
            <Cohorts task={task} windows={view.windows} />
            <Refusals windows={view.windows} />
            <OptOuts task={task} windows={view.windows} />
          </>
        )}
      </Await>
    </>
  );
}

const MECHANISMS = { skellam: 'Skellam noise', 'discrete-laplace': 'Discrete Laplace noise' };
const NEIGHBOURS = {
  zero: 'What a device sent can hardly be told from all zeros.',
  replace: 'What a device sent can hardly be told from anything else that it could have sent.',
};

function NoisePromise({ privacy, budget }: Omit<PrivacyView, 'windows'>): JSX.Element {
  if (privacy.mechanism === 'none') {
    return (
      <section class="card" aria-labelledby="promise-title">
        <h2 id="promise-title">Noise</h2>
        <p class="note">
          <strong>None.</strong> Totals are exact. What hides one device is the number of others in
          the sum, so a total over few devices, or two totals over nearly the same ones, can say
          something about one.
        </p>
      </section>
    );
  }
  const { mechanism, epsilon, neighbours } = privacy;
  return (
    <section class="card" aria-labelledby="promise-title">
      <h2 id="promise-title">Noise</h2>
      <p class="muted">
        {MECHANISMS[mechanism]}, added by the devices themselves. {NEIGHBOURS[neighbours]}
      </p>
      <Tiles
        facts={[
          ['ε of one window', number(Number(epsilon))],
          ['δ of one window', deltaOf(privacy)],
        ]}
      />
      <h3>Budget of a device</h3>
      <Tiles facts={budgetFacts(privacy.budget, budget)} />
      {budget === null ? null : <Spent budget={budget} />}
    </section>
  );
}

function deltaOf(privacy: Privacy): string {
  return privacy.mechanism === 'skellam' ? number(Number(privacy.delta)) : '0 (pure ε)';
}

function budgetFacts(
  { epsilon, delta, days }: { epsilon: string; delta: string; days: number },
  budget: PrivacyView['budget'],
): Fact[] {
  const facts: Fact[] = [
    [`ε of any ${counted(days, 'day')}`, number(Number(epsilon))],
    [`δ of any ${counted(days, 'day')}`, number(Number(delta))],
  ];
  if (budget !== null) {
    facts.push(['Pays for', counted(budget.windowsPaid, 'window')]);
  }
  return facts;
}

function Spent({ budget }: { readonly budget: NonNullable<PrivacyView['budget']> }): JSX.Element {
  const { windows, days, spentEpsilon, epsilon } = budget;
  const all = Number(epsilon);
  const took = `A device that was in ${windows === 1 ? 'the one window' : `all ${number(windows)} windows`} of the last ${counted(days, 'day')}`;
  if (spentEpsilon === null) {
    return <p class="note">{took} has spent more than can be bounded at this δ.</p>;
  }
  const part = spentEpsilon / all;
  return (
    <div class="spent">
      <meter
        min={0}
        max={all}
        high={0.8 * all}
        optimum={0}
        value={Math.min(all, spentEpsilon)}
        aria-label="Budget spent"
      />
      <p>
        {took} has spent ε = <strong>{number(spentEpsilon)}</strong> of {number(all)} ({share(part)}
        ). {part > 1 ? 'Devices refuse windows beyond the budget, so none was in all of them.' : ''}
      </p>
    </div>
  );
}

function Cohorts({
  task,
  windows,
}: {
  readonly task: TaskView;
  readonly windows: readonly PrivacyWindow[];
}): JSX.Element {
  const ordered = useMemo(() => windows.toSorted((a, b) => a.window - b.window), [windows]);
  const times = useMemo(() => ordered.map(({ startMs }) => startMs), [ordered]);
  const series = useMemo(
    (): Series[] => [
      { label: 'Smallest cohort', points: ordered.map(({ cohortSizes }) => exact(cohortSizes)) },
    ],
    [ordered],
  );
  const sizes = ordered.flatMap(({ cohortSizes }) => cohortSizes);
  const withOne = ordered.filter(({ cohortSizes }) => cohortSizes.length > 0).length;
  return (
    <section class="card" aria-labelledby="cohorts-title">
      <h2 id="cohorts-title">Cohorts</h2>
      {sizes.length === 0 ? (
        <Empty title="No round has opened yet." />
      ) : (
        <ChartFigure
          title="Smallest cohort of each window"
          summary={
            `${counted(withOne, 'window')} of ${number(ordered.length)} opened. Cohorts had ` +
            `${spread(sizes)}; devices ask ` +
            `for at least ${number(task.cohort.min)}. Drawn is the smallest of each window.`
          }
          columns={[
            { label: 'Window' },
            { label: 'Began', whole: true },
            { label: 'Cohorts' },
            { label: 'Survivors', numeric: true },
          ]}
          rows={newestFirst(windows).map(({ window, startMs, cohortSizes, survivors }) => [
            String(window),
            time(startMs),
            cohortSizes.length === 0 ? 'none opened' : cohortSizes.map((n) => number(n)).join(', '),
            number(survivors),
          ])}
        >
          <TimeChart times={times} series={series} axis={axisLabel} />
        </ChartFigure>
      )}
    </section>
  );
}

function spread(sizes: readonly number[]): string {
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  return `${least === most ? '' : `${number(least)} to `}${counted(most, 'device')}`;
}

function exact(sizes: readonly number[]): Series['points'][number] {
  if (sizes.length === 0) return null;
  const value = Math.min(...sizes);
  return { value, low: value, high: value };
}

function Refusals({ windows }: { readonly windows: readonly PrivacyWindow[] }): JSX.Element {
  const counts = new Map<string, number>();
  for (const { code, count } of windows.flatMap(({ refusals }) => refusals)) {
    counts.set(code, (counts.get(code) ?? 0) + count);
  }
  const ordered = [...counts].sort(([, a], [, b]) => b - a);
  const all = ordered.reduce((sum, [, count]) => sum + count, 0);
  return (
    <section class="card" aria-labelledby="refusals-title">
      <h2 id="refusals-title">Devices lost and rounds ended</h2>
      {ordered.length === 0 ? (
        <Empty title="None in these windows." />
      ) : (
        <ChartFigure
          title="Devices lost and rounds ended, by reason"
          summary={
            `${number(all)} in ${counted(windows.length, 'window')}; most by ` +
            `${ordered[0]?.[0]} (${number(ordered[0]?.[1] ?? 0)}). docs/errors.md explains each.`
          }
          columns={[{ label: 'Reason' }, { label: 'Count', numeric: true }]}
          rows={ordered.map(([code, count]) => [code, number(count)])}
        >
          <BarChart
            axis={axisLabel}
            bars={ordered.map(([code, count]) => ({
              label: code,
              value: count,
              interval: [count, count],
              text: number(count),
            }))}
          />
        </ChartFigure>
      )}
    </section>
  );
}

function OptOuts({
  task,
  windows,
}: {
  readonly task: TaskView;
  readonly windows: readonly PrivacyWindow[];
}): JSX.Element {
  const groups = task.groups.filter(({ essential }) => !essential);
  const closed = newestFirst(windows).filter(({ optOut }) => optOut.length > 0);
  return (
    <section class="card" aria-labelledby="opt-out-title">
      <h2 id="opt-out-title">Opt-out rates</h2>
      <p class="muted">
        Counted in the sums themselves: nobody knows of one device what it declined.
      </p>
      {groups.length === 0 || closed.length === 0 ? (
        <Empty
          title={
            groups.length === 0 ? 'This task has no optional group.' : 'No window has closed yet.'
          }
        />
      ) : (
        <DataTable
          caption="Opt-out rate by window and group"
          columns={[{ label: 'Window' }, ...groups.map(({ name }) => ({ label: title(name) }))]}
          rows={closed.map(({ window, optOut }) => [
            String(window),
            ...groups.map(({ name }) => rateOf(optOut.find(({ group }) => group === name))),
          ])}
        />
      )}
    </section>
  );
}

function rateOf(rate: OptOut | undefined): string {
  if (rate === undefined) return '–';
  return 'suppressed' in rate ? 'not shown: too few devices' : estimate(rate, share);
}
