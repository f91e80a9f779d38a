/**
 * The rounds that run now, and the windows behind them.
 * Invariant: what is announced to screen readers is a change of stage, and no more than one a few seconds;
 * clocks and counts only change on the screen.
 */
import { type ReadonlySignal, useComputed, useSignal, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { LiveRound, TaskView } from '../api/contract.js';
import { followRounds, type Live } from '../api/live-rounds.js';
import { tasks } from '../tasks.js';
import { countdown, counted, number, title } from '../view/format.js';
import { Empty } from '../view/states.js';
import { taskTitle } from '../view/task-picker.js';
import { RecentWindows } from './recent-windows.js';

const TICK_MS = 1_000;
const ANNOUNCE_EVERY_MS = 5_000;

export function LivePage(): JSX.Element {
  const { live, stop } = useMemo(followRounds, []);
  useEffect(() => stop, []);
  const loaded = tasks.value;
  const all = loaded.state === 'ready' ? loaded.value : [];
  // A window that ended is worth asking for again: when its round is gone from the list.
  const ended = useComputed(() => (live.value.rounds ?? []).map(({ round }) => round).join());
  return (
    <>
      <Connection live={live.value} />
      <Announcer live={live} tasks={all} />
      {all.length === 0 ? <Empty title="This coordinator serves no task yet." /> : null}
      {all.map((task) => (
        <section key={task.taskId} class="card" aria-labelledby={`task-${task.taskId}`}>
          <div class="card-head">
            <h2 id={`task-${task.taskId}`}>{taskTitle(task)}</h2>
            <StateBadge task={task} />
          </div>
          <TaskRounds task={task} live={live.value} />
          <RecentWindows task={task} refresh={ended.value} />
        </section>
      ))}
    </>
  );
}

export function StateBadge({ task }: { readonly task: TaskView }): JSX.Element {
  return task.state === 'open' ? (
    <span class="badge good">Open</span>
  ) : (
    <span class="badge bad">Stopped</span>
  );
}

function Connection({ live }: { readonly live: Live }): JSX.Element {
  const { state, problem = '', retryInMs = 0 } = live;
  const texts = {
    connecting: ['', 'Connecting…'],
    live: ['good', 'Live'],
    waiting: ['warn', `${problem} Trying again in ${countdown(retryInMs)}.`],
    refused: ['bad', problem],
  } as const;
  const [kind, text] = texts[state];
  return (
    <p class={`connection ${kind}`}>
      <span class="dot" aria-hidden="true" />
      {text}
    </p>
  );
}

function TaskRounds({ task, live }: { readonly task: TaskView; readonly live: Live }): JSX.Element {
  if (live.rounds === undefined) return <p class="muted">Waiting for the first report…</p>;
  const own = live.rounds.filter(({ taskId }) => taskId === task.taskId);
  if (own.length === 0) {
    return task.state === 'stopped' ? (
      <Empty title="Stopped: no round runs.">{task.reason}</Empty>
    ) : (
      <Empty title="No round is running.">
        One begins as soon as a device connects; it needs {number(task.cohort.min)}.
      </Empty>
    );
  }
  return (
    <ul class="rounds">
      {own.map((round) => (
        <li key={round.round}>
          <RoundCard round={round} toldAtMs={live.toldAtMs} min={task.cohort.min} />
        </li>
      ))}
    </ul>
  );
}

/** In the order in which a round passes them; the registrar attests in between. */
const STEPS = [
  { name: 'Gathering', stages: ['gathering', 'attesting-roster'] },
  { name: 'Sharing', stages: ['sharing', 'attesting-shared-set'] },
  { name: 'Masking', stages: ['masking', 'attesting-survivor-set'] },
  { name: 'Unmasking', stages: ['unmasking', 'recovering'] },
  { name: 'Opening', stages: ['opening', 'keeping', 'finished'] },
];

const STAGES: Readonly<Record<string, string>> = {
  gathering: 'Devices come together.',
  'attesting-roster': 'The registrar attests who takes part.',
  sharing: 'Devices share their keys.',
  'attesting-shared-set': 'The registrar attests who has shared keys.',
  masking: 'Devices send masked numbers.',
  'attesting-survivor-set': 'The registrar attests who is in the sum.',
  unmasking: 'Devices reveal what takes the masks off.',
  recovering: 'Devices help to take off the masks of those that left.',
  opening: 'The masks come off the sum.',
  keeping: 'The sum is written down before anybody is told.',
};

function RoundCard({
  round,
  toldAtMs,
  min,
}: {
  readonly round: LiveRound;
  readonly toldAtMs: number;
  readonly min: number;
}): JSX.Element {
  const { stage, devices, target, missing, closesInMs, asked, answered, window } = round;
  const at = STEPS.findIndex(({ stages }) => stages.includes(stage));
  const isGathering = stage === 'gathering';
  const goal = isGathering ? target : asked;
  const done = isGathering ? devices : answered;
  return (
    <article class="round" aria-label={`Round ${round.round.slice(0, 8)}`}>
      <div class="round-head">
        <h3>
          Window {window}, round <code>{round.round.slice(0, 8)}</code>
        </h3>
        {closesInMs === null ? null : (
          <p class="clock">
            {isGathering ? 'closes' : 'ends'} in{' '}
            <Countdown leftMs={closesInMs} toldAtMs={toldAtMs} />
          </p>
        )}
      </div>
      <ol class="steps">
        {STEPS.map(({ name }, i) => (
          <li
            key={name}
            class={i < at ? 'done' : i === at ? 'now' : ''}
            {...(i === at ? { 'aria-current': 'step' as const } : {})}
          >
            {name}
          </li>
        ))}
      </ol>
      <p class="stage-text">{STAGES[stage] ?? title(stage)}</p>
      {goal === 0 ? null : (
        <progress
          max={goal}
          value={Math.min(done, goal)}
          aria-label={isGathering ? 'Devices here, of those aimed for' : 'Devices that answered'}
        />
      )}
      <p class="counts">
        <span>
          <strong>{number(devices)}</strong>
          {isGathering
            ? ` of ${counted(target, 'device')}`
            : ` ${devices === 1 ? 'device' : 'devices'} in the cohort`}
        </span>
        {missing > 0 ? (
          <strong class="missing">
            {counted(missing, 'more device')} needed to begin (at least {number(min)})
          </strong>
        ) : asked > 0 && !isGathering ? (
          <span class="answered">
            <strong>{number(answered)}</strong> of {number(asked)} answered
          </span>
        ) : isGathering ? (
          <span class="enough">enough for a round (at least {number(min)})</span>
        ) : null}
      </p>
    </article>
  );
}

function Countdown({
  leftMs,
  toldAtMs,
}: {
  readonly leftMs: number;
  readonly toldAtMs: number;
}): JSX.Element {
  const nowMs = useSignal(performance.now());
  useEffect(() => {
    const ticking = setInterval(() => {
      nowMs.value = performance.now();
    }, TICK_MS);
    return () => clearInterval(ticking);
  }, []);
  const sinceMs = Math.max(0, nowMs.value - toldAtMs);
  return <span class="figures">{countdown(leftMs - sinceMs)}</span>;
}

/** Says in words what changed, not how every count did. */
function Announcer({
  live,
  tasks,
}: {
  readonly live: ReadonlySignal<Live>;
  readonly tasks: readonly TaskView[];
}): JSX.Element {
  const said = useSignal('');
  const stages = useComputed(() =>
    (live.value.rounds ?? []).map(({ round, stage }) => `${round} ${stage}`).join(),
  );
  useSignalEffect(() => {
    const isFirst = stages.value === '' && said.peek() === '';
    if (isFirst) return undefined;
    const waiting = setTimeout(() => {
      said.value = spoken(live.peek().rounds ?? [], tasks);
    }, ANNOUNCE_EVERY_MS);
    return () => clearTimeout(waiting);
  });
  return (
    <p class="unseen" role="status">
      {said.value}
    </p>
  );
}

function spoken(rounds: readonly LiveRound[], tasks: readonly TaskView[]): string {
  if (rounds.length === 0) return 'No round is running.';
  return rounds
    .map(({ taskId, stage, devices, missing }) => {
      const name = tasks.find((task) => task.taskId === taskId)?.name ?? 'unknown task';
      const needed = missing > 0 ? `, ${counted(missing, 'more device')} needed` : '';
      return `${name}: ${title(stage).toLowerCase()}, ${counted(devices, 'device')}${needed}.`;
    })
    .join(' ');
}
