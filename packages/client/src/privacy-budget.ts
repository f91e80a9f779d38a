/**
 * What a device's windows have cost it, and whether one more fits into its budget. Protocol §7. Pure.
 * Knows: costs, periods, one publisher's windows. Doesn't know: noise, rounds, files.
 * Invariant: what was spent is never given back before its last window is older than the period, and
 * all tasks of a publisher count together, so that twin tasks cannot spend it twice.
 */
import {
  addCosts,
  type Budget,
  budgetOf,
  isWithinBudget,
  type Spent,
  spentEpsilon,
  type Task,
  timesCost,
  type Window,
  windowsWithin,
} from '@onlysum/task';

/** Windows of one publisher that count until the last of them is old enough. */
export interface SpentEntry extends Spent {
  /** Unix ms: start of the first window, end of the last one. */
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  /** Name of the task; null for windows of several. */
  readonly task: string | null;
}

/** What one window would cost, and the budget that it must fit into. */
export interface Charge extends SpentEntry {
  readonly windows: 1;
  readonly task: string;
  readonly lengthMs: number;
  readonly mechanism: 'skellam' | 'discrete-laplace';
  /** What the manifest promises for one window. */
  readonly epsilon: number;
  readonly delta: number;
  readonly budget: Budget;
}

/** What a device has spent of a task's budget, and what is left. */
export interface PrivacyStatus extends Pick<Charge, 'mechanism' | 'epsilon' | 'delta' | 'budget'> {
  /** The present one, with which the period ends. */
  readonly window: Window;
  /** ε at the budget's δ, of the windows of all the publisher's tasks in the period. */
  readonly spent: number;
  readonly left: number;
  /** Further windows of this task that fit if nothing returns meanwhile. */
  readonly windowsLeft: number;
  /** Start of the first window in which more of them fit, Unix ms; undefined if nothing is to return. */
  readonly returnsMs: number | undefined;
}

const DAY_MS = 86_400_000;
/** The longest period that a manifest can have: what is older counts for no task. */
const LONGEST_DAYS = 3650;
/** A year and more of daily windows; each entry takes some 200 bytes. */
export const MOST_SPENT_ENTRIES = 512;
/** While there are too many: by days, old ones by weeks, very old ones by four. All of them make 230. */
const MERGED = [
  { spanDays: 1, olderThanDays: 0 },
  { spanDays: 7, olderThanDays: 56 },
  { spanDays: 28, olderThanDays: 400 },
];
/** @returns undefined for a task without noise: nothing bounds what it costs. */
export function chargeOf({ manifest, layout }: Task, window: Window): Charge | undefined {
  const { privacy } = manifest;
  if (privacy.mechanism === 'none' || layout.noise === undefined) return undefined;
  return {
    windowStartMs: window.startMs,
    windowEndMs: window.endMs,
    windows: 1,
    task: manifest.name,
    cost: layout.noise.cost,
    lengthMs: manifest.window.lengthMs,
    mechanism: privacy.mechanism,
    epsilon: Number(privacy.epsilon),
    delta: privacy.mechanism === 'skellam' ? Number(privacy.delta) : 0,
    budget: budgetOf(privacy),
  };
}

/**
 * @param entries - the publisher's, ascending by their ends.
 * @returns ε of the period that ends with the window, the window included, at the budget's δ.
 */
export function spentWith(entries: readonly SpentEntry[], charge: Charge): number {
  return epsilonOfAll([...counted(entries, charge), charge], charge.budget);
}

/** @returns the entries with the window's, those that count for no task any more removed. */
export function withCharge(entries: readonly SpentEntry[], charge: Charge): readonly SpentEntry[] {
  const { windowStartMs, windowEndMs, windows, task, cost } = charge;
  const added = [...entries, { windowStartMs, windowEndMs, windows, task, cost }].sort(byEnd);
  // By the start of this window, which has begun: a publisher may give windows an end as far off as it likes.
  let kept = added.filter((entry) => entry.windowEndMs > windowStartMs - LONGEST_DAYS * DAY_MS);
  for (const { spanDays, olderThanDays } of MERGED) {
    kept = merged(kept, spanDays * DAY_MS, windowStartMs - olderThanDays * DAY_MS);
  }
  return kept;
}

/**
 * @param times - how many windows like it are to fit.
 * @returns the start, Unix ms, of the first window of the task, this one or later, in which they do;
 *   undefined if they never will.
 */
export function firstWindowMs(
  entries: readonly SpentEntry[],
  charge: Charge,
  times = 1,
): number | undefined {
  const inPeriod = counted(entries, charge);
  const { budget, lengthMs } = charge;
  const wanted = { windows: times, cost: timesCost(charge.cost, times) };
  const fits = (kept: readonly Spent[]) =>
    isWithinBudget(epsilonOfAll([...kept, wanted], budget), budget);
  const returned = inPeriod.findIndex((_, gone) => fits(inPeriod.slice(gone)));
  if (returned === 0) return charge.windowStartMs;
  if (returned === -1 && !fits([])) return undefined;
  const last = inPeriod.at(returned === -1 ? -1 : returned - 1);
  if (last === undefined) return charge.windowStartMs;
  return Math.ceil((last.windowEndMs + budget.days * DAY_MS) / lengthMs - 1) * lengthMs;
}

export function privacyStatus(
  entries: readonly SpentEntry[],
  charge: Charge,
  window: Window,
): PrivacyStatus {
  const { mechanism, epsilon, delta, budget, cost, lengthMs } = charge;
  const inPeriod = counted(entries, charge);
  const spent = epsilonOfAll(inPeriod, budget);
  const windowsInPeriod = Math.ceil((budget.days * DAY_MS) / lengthMs);
  const windowsLeft = windowsWithin(cost, budget, together(inPeriod), windowsInPeriod);
  return {
    mechanism,
    epsilon,
    delta,
    budget,
    window,
    spent,
    left: Math.max(0, budget.epsilon - spent),
    windowsLeft,
    returnsMs: inPeriod.length === 0 ? undefined : firstWindowMs(entries, charge, windowsLeft + 1),
  };
}

/**
 * Everything that ended in the period, or after it: a clock that was set back gives nothing back. A window
 * leaves when the period has passed since its end. No window is longer than its period (a rule of
 * manifests), so the period reaches back at least to now, and what is reserved now always counts.
 */
function counted(entries: readonly SpentEntry[], { windowEndMs, budget }: Charge): SpentEntry[] {
  return entries.filter((entry) => entry.windowEndMs > windowEndMs - budget.days * DAY_MS);
}

function epsilonOfAll(entries: readonly Spent[], { delta }: Budget): number {
  const { cost, windows } = together(entries);
  return spentEpsilon(cost, windows, delta);
}

function together(entries: readonly Spent[]): Spent {
  return {
    windows: entries.reduce((sum, entry) => sum + entry.windows, 0),
    cost: addCosts(...entries.map(({ cost }) => cost)),
  };
}

/** Merges those that end within the same `spanMs`, up to `untilMs`, the oldest first, while there are too many. */
function merged(entries: readonly SpentEntry[], spanMs: number, untilMs: number): SpentEntry[] {
  let excess = entries.length - MOST_SPENT_ENTRIES;
  const kept: SpentEntry[] = [];
  for (const entry of entries) {
    const last = kept.at(-1);
    const isOld = entry.windowEndMs <= untilMs;
    if (excess > 0 && isOld && last !== undefined && isSameSpan(last, entry, spanMs)) {
      kept[kept.length - 1] = joined(last, entry);
      excess--;
    } else {
      kept.push(entry);
    }
  }
  return kept;
}

function isSameSpan(a: SpentEntry, b: SpentEntry, spanMs: number): boolean {
  return Math.floor(a.windowEndMs / spanMs) === Math.floor(b.windowEndMs / spanMs);
}

/** Counts until the later one is old enough. */
function joined(a: SpentEntry, b: SpentEntry): SpentEntry {
  return {
    ...together([a, b]),
    windowStartMs: Math.min(a.windowStartMs, b.windowStartMs),
    windowEndMs: b.windowEndMs,
    task: a.task === b.task ? a.task : null,
  };
}

function byEnd(a: SpentEntry, b: SpentEntry): number {
  return a.windowEndMs - b.windowEndMs;
}
