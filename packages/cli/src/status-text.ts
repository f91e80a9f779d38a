/** What servers say of themselves, as a person reads it. */
import { table } from './output.js';
import type { CoordinatorView, RegistrarView, ServerView } from './server-view.js';

/** As many of the latest reasons are shown. */
const MOST_REASONS = 8;

/** @param nowMs - Unix time. */
export function statusLines(views: readonly ServerView[], nowMs: number): string[] {
  return views.flatMap((view, i) => [...(i === 0 ? [] : ['']), ...serverLines(view, nowMs)]);
}

function serverLines(view: ServerView, nowMs: number): string[] {
  if ('problem' in view) {
    if (view.mend === undefined) return [`${view.url}  does not answer: ${view.problem}`];
    return [`${view.url}  cannot be asked: ${view.problem}`, `  mend: ${view.mend}`];
  }
  if ('failing' in view) {
    return [`${view.url}  NOT READY`, ...view.failing.map((reason) => `  not ready: ${reason}`)];
  }
  const { url, health, readiness } = view;
  const ready = readiness.status === 'ready' ? 'ready' : 'NOT READY';
  return [
    `${health.role}  ${url}  ${ready}, up for ${duration(health.uptimeMs)}`,
    ...readiness.reasons.map((reason) => `  not ready: ${reason}`),
    ...(health.role === 'coordinator' ? coordinatorLines(health, nowMs) : registrarLines(health)),
  ];
}

function coordinatorLines(health: CoordinatorView, nowMs: number): string[] {
  const { connections, gathering, running, opened, aborted, unsavedResults, rounds } = health;
  return [
    `  ${connections} connections; rounds: ${gathering} gathering, ${running} running, ${opened} opened, ${aborted} aborted`,
    ...(health.registrar === 'embedded' ? ['  the registrar runs inside it'] : []),
    ...(unsavedResults === 0 ? [] : [`  ${unsavedResults} RESULTS COULD NOT BE WRITTEN`]),
    ...(rounds.length === 0 ? [] : [roundTable(rounds)]),
    ...reasonLines('aborted', health.aborts, nowMs),
    ...reasonLines('dropped', health.drops, nowMs),
  ];
}

function roundTable(rounds: CoordinatorView['rounds']): string {
  return table(
    ['task', 'window', 'stage', 'devices', 'in stage for', 'age'],
    rounds.map((round) => [
      `${round.task} version ${round.version}`,
      round.window,
      round.stage,
      round.devices,
      duration(round.stageMs),
      duration(round.ageMs),
    ]),
    ['left', 'right', 'left', 'right', 'right', 'right'],
  );
}

function reasonLines(what: string, reasons: CoordinatorView['drops'], nowMs: number): string[] {
  return reasons.slice(0, MOST_REASONS).map(({ stage, code, count, lastMs }) => {
    const where = stage === undefined ? '' : ` in ${stage}`;
    return `  ${what}: ${count} × ${code}${where}, last ${duration(Math.max(0, nowMs - lastMs))} ago`;
  });
}

function registrarLines({ incarnation, epoch, enrolled, tasks }: RegistrarView): string[] {
  const names = tasks.map(({ name, version }) => `${name} version ${version}`).join(', ');
  const [devices, number] = [enrolled ?? 'unknown, how many are', incarnation ?? 'unknown'];
  return [`  ${devices} enrolled for epoch ${epoch}; incarnation ${number}; ${names}`];
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

function duration(ms: number): string {
  const [name, unitMs] = UNITS.find(([, unit]) => ms >= unit) ?? UNITS[3];
  return `${Math.floor(ms / unitMs)} ${name}`;
}
