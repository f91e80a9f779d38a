/**
 * The graph and the threshold of a cohort. Protocol §4.
 * Knows: n, γ (corrupt, per mille), δ (dropout, per mille). Small cohorts get the complete graph, larger
 * ones k/2 random round tables.
 *
 * Legend: n devices; A = ⌈γn⌉ corrupted; D = ⌊δn⌋ dropped; k neighbours; h = k/2 tables; t threshold; t₁ the
 * most corrupted neighbours an honest device has; σ, η: 2^-σ is the chance that a roster is unsafe, 2^-η
 * that a round fails for want of shares.
 */
import { RoundError } from '@onlysum/crypto';
import { type Assumptions, corruptBound, dropoutBound } from '@onlysum/task';
import { logAdd, logChoose, logHypergeometric } from './log-combinatorics.js';

/** 2^-60 per roster leaves 2^-40 over a million rosters. */
const SIGMA = 60;
/** Rounds that fail for want of shares: one in a million. */
const ETA = 20;

export interface GraphParameters {
  readonly graph: 'tables' | 'complete';
  readonly n: number;
  readonly k: number;
  readonly t: number;
  /** t₁: more disputed pairs than this cannot happen to an honest device. */
  readonly mostCorruptNeighbours: number;
  /** A. */
  readonly mostCorrupt: number;
  /** D. */
  readonly mostDropped: number;
  /** n − D: the smallest U2 and U3 that may be attested. */
  readonly fewestPresent: number;
}

/** Above this a complete graph costs the devices too much; registrar and device refuse it. */
export const COMPLETE_MAX = 1000;

/** No device of a roster of at most `n` has more: a complete graph is bounded, and so are tables. */
export function mostNeighbours(n: number): number {
  return Math.max(Math.min(n, COMPLETE_MAX) - 1, mostTableNeighbours(n));
}

/**
 * The parameters that a roster of n devices has.
 *
 * @throws {RoundError} `parameters-infeasible`, also for a complete graph above {@link COMPLETE_MAX}.
 */
export function rosterParameters(
  n: number,
  { corrupt, dropout }: Pick<Assumptions, 'corrupt' | 'dropout'>,
): GraphParameters {
  const parameters = graphParameters(n, corrupt, dropout);
  if (parameters.graph === 'complete' && n > COMPLETE_MAX) {
    throw infeasible(
      n,
      `no table graph is safe, and a complete graph has at most ${COMPLETE_MAX} devices: lower ` +
        `cohort.max, assumptions.corrupt (${corrupt}) or assumptions.dropout (${dropout} per mille)`,
    );
  }
  return parameters;
}

/**
 * Parameters become valid together, here: the smallest table graph that is safe, else the complete one.
 *
 * @throws {RoundError} `parameters-infeasible` that says which of n, corrupt, dropout to change.
 */
export function graphParameters(
  n: number,
  corruptPerMille: number,
  dropoutPerMille: number,
): GraphParameters {
  const key = `${n} ${corruptPerMille} ${dropoutPerMille}`;
  const known = found.get(key);
  if (known !== undefined) return known;
  const parameters = search(n, corruptPerMille, dropoutPerMille);
  if (found.size >= MOST_REMEMBERED) found.clear();
  found.set(key, parameters);
  return parameters;
}

/** The search takes tens of milliseconds for n = 10,000, and a coordinator asks for every roster. */
const found = new Map<string, GraphParameters>();
const MOST_REMEMBERED = 1000;

function search(n: number, corruptPerMille: number, dropoutPerMille: number): GraphParameters {
  const corrupt = corruptBound(n, corruptPerMille);
  const dropped = dropoutBound(n, dropoutPerMille);
  const common = { n, mostCorrupt: corrupt, mostDropped: dropped, fewestPresent: n - dropped };
  for (let k = 4; k <= mostTableNeighbours(n); k += 2) {
    const t = tableThreshold(n, corrupt, k);
    if (!enoughSurvive(n, dropped, k, t)) continue;
    if (!cannotBeCut(n, corrupt, dropped, k, t)) continue;
    const t1 = mostCorruptNeighbours(n, corrupt, k);
    return { graph: 'tables', k, t, mostCorruptNeighbours: t1, ...common };
  }
  const k = n - 1;
  const t = Math.max(corrupt + 1, Math.floor(k / 2) + 1);
  if (t > k - dropped) {
    throw infeasible(
      n,
      `threshold ${t} exceeds k − D = ${k - dropped}: lower assumptions.corrupt (${corruptPerMille}) or ` +
        `assumptions.dropout (${dropoutPerMille} per mille), or raise cohort.min`,
    );
  }
  return { graph: 'complete', k, t, mostCorruptNeighbours: corrupt, ...common };
}

/** Beyond that the tables repair more than they draw. */
function mostTableNeighbours(n: number): number {
  return Math.floor(n / 4);
}

/** Rule 2. t = max(t₁ + 1, k/2 + 1); where a majority is enough, t₁ need not be known. */
function tableThreshold(n: number, corrupt: number, k: number): number {
  const majority = k / 2 + 1;
  const tail = { ...corruptNeighbours(n, corrupt, k), from: majority };
  if (isTailWithin(tail)) return majority;
  return Math.max(mostCorruptNeighbours(n, corrupt, k) + 1, majority);
}

/** Rule 1. t₁: the least x with Pr[Hypergeometric(n − 1, A, k) > x] ≤ 2^−(σ+1)/n. */
function mostCorruptNeighbours(n: number, corrupt: number, k: number): number {
  const tail = corruptNeighbours(n, corrupt, k);
  let sum = Number.NEGATIVE_INFINITY;
  for (let x = tailStart(tail, tail.highest); x > 0; x--) {
    sum = logAdd(sum, tail.term(x));
    if (sum > tail.limit) return x;
  }
  return 0;
}

/** Rule 3. t ≤ t₂, the largest x with Pr[Hypergeometric(n − 1, n − 1 − D, k) < x] ≤ 2^−η/n. */
function enoughSurvive(n: number, dropped: number, k: number, t: number): boolean {
  const surviving = n - 1 - dropped;
  return isTailWithin({
    term: (x) => logHypergeometric(n - 1, surviving, k, x),
    highest: mode(n - 1, surviving, k),
    outward: -1,
    from: t - 1,
    end: 0,
    limit: -ETA * Math.LN2 - Math.log(n),
  });
}

/** A tail of a distribution, in logarithms; its terms only fall from `highest` to `end`. */
interface Tail {
  readonly term: (x: number) => number;
  readonly highest: number;
  /** The way from there to `end`. */
  readonly outward: 1 | -1;
  readonly end: number;
  /** What the tail is compared with; far below the term at `highest`. */
  readonly limit: number;
}

function corruptNeighbours(n: number, corrupt: number, k: number): Tail {
  return {
    term: (x) => logHypergeometric(n - 1, corrupt, k, x),
    highest: mode(n - 1, corrupt, k),
    outward: 1,
    end: Math.min(corrupt, k),
    limit: -(SIGMA + 1) * Math.LN2 - Math.log(n),
  };
}

/** Where a hypergeometric is highest. */
function mode(total: number, marked: number, draws: number): number {
  return Math.floor(((draws + 1) * (marked + 1)) / (total + 2));
}

/** ln: a term that far below a limit is less than 2^-70 of any tail that reaches it. */
const NEGLIGIBLE = 50;

/** Whether the terms from `from` to `end` are at most the limit. Most k are decided by the first of them. */
function isTailWithin(tail: Tail & { readonly from: number }): boolean {
  const { term, highest, outward, from, end, limit } = tail;
  if ((end - from) * outward < 0) return true;
  if ((from - highest) * outward <= 0) return false;
  const first = term(from);
  if (first > limit) return false;
  if (first <= limit - NEGLIGIBLE) return true;
  let sum = Number.NEGATIVE_INFINITY;
  for (let x = tailStart(tail, from); x !== from - outward; x -= outward)
    sum = logAdd(sum, term(x));
  return sum <= limit;
}

/** Where to begin the sum of a tail: the furthest x whose term counts, from `inner` out, which does. */
function tailStart({ term, end, limit }: Tail, inner: number): number {
  if (term(end) > limit - NEGLIGIBLE) return end;
  let [counts, outside] = [inner, end];
  while (Math.abs(outside - counts) > 1) {
    const middle = Math.floor((counts + outside) / 2);
    if (term(middle) > limit - NEGLIGIBLE) counts = middle;
    else outside = middle;
  }
  return counts;
}

/** Rule 4. No set of s honest survivors can be cut off: Σ min(P(s), Q(s)) < 2^−(σ+1). */
function cannotBeCut(n: number, corrupt: number, dropped: number, k: number, t: number): boolean {
  const limit = -(SIGMA + 1) * Math.LN2;
  const largest = Math.floor((n - corrupt - dropped) / 2);
  const negligible = limit - Math.log(largest) - NEGLIGIBLE;
  let sum = Number.NEGATIVE_INFINITY;
  for (let s = 2; s <= largest; s++) {
    const apart = logApart(n, corrupt, dropped, k / 2, s);
    // Q alone is so small for all but small sets that P, which takes a search, need not be known.
    if (apart < negligible) continue;
    sum = logAdd(sum, Math.min(logInward(n, corrupt, k / 2, t, s), apart));
    if (sum >= limit) return false;
  }
  return true;
}

/** ln P(s): s devices that each keep t neighbours among themselves and colluders. */
export function logInward(n: number, corrupt: number, h: number, t: number, s: number): number {
  if (n - 1 - 2 * s <= corrupt) return Number.POSITIVE_INFINITY;
  const seats = s * h;
  const most = Math.min(seats, Math.ceil((s * t) / 2), (s * (s - 1)) / 2);
  const logInside = Math.log((s - 1) / (n - 1));
  const logColluder = Math.log(corrupt / (n - 1 - 2 * s));
  const term = (e: number): number => {
    const f = Math.max(0, s * t - 2 * e);
    if (f > 2 * seats || (f > 0 && corrupt === 0)) return Number.NEGATIVE_INFINITY;
    const withColluders = f === 0 ? 0 : logChoose(2 * seats, f) + f * logColluder;
    return logChoose(seats, e) + e * logInside + withColluders;
  };
  const best = corrupt === 0 ? term(most) : term(peak(term, most));
  return logChoose(n, s) + best + Math.log(most + 1);
}

/** Where a function that rises and then falls is highest, from 0 to `most`. */
function peak(term: (e: number) => number, most: number): number {
  let low = 0;
  let high = most;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (term(middle + 1) > term(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** ln Q(s): no seat of theirs next to the other side after D drops of the coordinator's choice. */
export function logApart(
  n: number,
  corrupt: number,
  dropped: number,
  h: number,
  s: number,
): number {
  const other = (n - s - corrupt - dropped) / n;
  return logChoose(n, s) + logChoose(n - s, dropped) + s * h * Math.log(1 - other);
}

function infeasible(n: number, why: string): RoundError {
  return new RoundError('parameters-infeasible', `no safe graph for ${n} devices: ${why}`);
}
