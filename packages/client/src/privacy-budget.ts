/**
 * What a device's windows have cost it, and whether one more fits into its budget. Protocol §7. Pure.
 * Knows: costs, periods, one publisher's windows. Doesn't know: noise, rounds, files.
 * Invariant: what was spent is never given back before its last window is older than the period, and
 * all tasks of a publisher count together, so that twin tasks cannot spend it twice.
 */
import {
  addCosts,
  type NoisePromise,
  type PrivacyCost,
  spentEpsilon,
  type Task,
  type Window,
} from '@onlysum/task';

/** Windows of one publisher that count until the last of them is old enough. */
export interface SpentEntry {
  /** Unix ms: start of the first window, end of the last one. */
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  /** How many windows these are. */
  readonly windows: number;
  /** Name of the task; null for windows of several. */
  readonly task: string | null;
  readonly cost: PrivacyCost;
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

export interface Budget {
  readonly epsilon: number;
  readonly delta: number;
  readonly days: number;
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
/** Sums of costs are floating-point: what is above the budget by no more than this part is equal to it. */
const TOLERANCE = 1e-9;

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
  return epsilonWith(counted(entries, charge), charge.budget, charge);
}

/** Whether a window may be sent that brings the period to `spent`. */
export function isWithin(spent: number, { epsilon }: Budget): boolean {
  return spent <= epsilon * (1 + TOLERANCE);
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
  const wanted = { windows: times, cost: repeated(charge.cost, times) };
  const returned = inPeriod.findIndex((_, gone) =>
    isWithin(epsilonWith(inPeriod.slice(gone), budget, wanted), budget),
  );
  if (returned === 0) return charge.windowStartMs;
  if (returned === -1 && !isWithin(epsilonWith([], budget, wanted), budget)) return undefined;
  const last = inPeriod.at(returned === -1 ? -1 : returned - 1);
  if (last === undefined) return charge.windowStartMs;
  return Math.ceil((last.windowEndMs + budget.days * DAY_MS) / lengthMs - 1) * lengthMs;
}

export function privacyStatus(
  entries: readonly SpentEntry[],
  charge: Charge,
  window: Window,
): PrivacyStatus {
  const { mechanism, epsilon, delta, budget } = charge;
  const inPeriod = counted(entries, charge);
  const spent = epsilonWith(inPeriod, budget);
  const windowsLeft = mostThatFit(inPeriod, charge);
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

function budgetOf({ budget }: NoisePromise): Budget {
  return { epsilon: Number(budget.epsilon), delta: Number(budget.delta), days: budget.days };
}

/**
 * Everything that ended in the period, or after it: a clock that was set back gives nothing back. A window
 * leaves when the period has passed since its end. No window is longer than its period (a rule of
 * manifests), so the period reaches back at least to now, and what is reserved now always counts.
 */
function counted(entries: readonly SpentEntry[], { windowEndMs, budget }: Charge): SpentEntry[] {
  return entries.filter((entry) => entry.windowEndMs > windowEndMs - budget.days * DAY_MS);
}

/** Of each window's δ, GRAPH_FAILURE is set aside. With a δ of 0 only pure ε adds up. */
function epsilonWith(
  entries: readonly SpentEntry[],
  budget: Budget,
  more?: Pick<SpentEntry, 'windows' | 'cost'>,
): number {
  const all = more === undefined ? entries : [...entries, more];
  if (all.length === 0) return 0;
  const windows = all.reduce((sum, entry) => sum + entry.windows, 0);
  return spentEpsilon(addCosts(...all.map(({ cost }) => cost)), windows, budget.delta);
}

/** No more than the period has windows. */
function mostThatFit(inPeriod: readonly SpentEntry[], charge: Charge): number {
  const { budget, lengthMs, cost } = charge;
  let [low, high] = [0, Math.ceil((budget.days * DAY_MS) / lengthMs)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const wanted = { windows: middle, cost: repeated(cost, middle) };
    if (isWithin(epsilonWith(inPeriod, budget, wanted), budget)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function repeated(cost: PrivacyCost, times: number): PrivacyCost {
  if (times <= 1) return times === 1 ? cost : addCosts();
  const half = repeated(cost, Math.floor(times / 2));
  return times % 2 === 0 ? addCosts(half, half) : addCosts(half, half, cost);
}

/** Merges those that end within the same `spanMs`, up to `untilMs`, the oldest first, while there are too many. */
function merged(entries: readonly SpentEntry[], spanMs: number, untilMs: number): SpentEntry[] {
  let excess = entries.length - MOST_SPENT_ENTRIES;
  const kept: SpentEntry[] = [];
  for (const entry of entries) {
    const last = kept.at(-1);
    const isOld = entry.windowEndMs <= untilMs;
    if (excess > 0 && isOld && last !== undefined && isSameSpan(last, entry, spanMs)) {
      kept[kept.length - 1] = together(last, entry);
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
function together(a: SpentEntry, b: SpentEntry): SpentEntry {
  return {
    windowStartMs: Math.min(a.windowStartMs, b.windowStartMs),
    windowEndMs: b.windowEndMs,
    windows: a.windows + b.windows,
    task: a.task === b.task ? a.task : null,
    cost: addCosts(a.cost, b.cost),
  };
}

function byEnd(a: SpentEntry, b: SpentEntry): number {
  return a.windowEndMs - b.windowEndMs;
}
