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

/** The search takes up to half a second for n = 10,000, and a coordinator asks for every roster. */
const found = new Map<string, GraphParameters>();
const MOST_REMEMBERED = 1000;

function search(n: number, corruptPerMille: number, dropoutPerMille: number): GraphParameters {
  const corrupt = corruptBound(n, corruptPerMille);
  const dropped = dropoutBound(n, dropoutPerMille);
  const common = { n, mostCorrupt: corrupt, mostDropped: dropped, fewestPresent: n - dropped };
  for (let k = 4; k <= mostTableNeighbours(n); k += 2) {
    const t1 = mostCorruptNeighbours(n, corrupt, k);
    const t = Math.max(t1 + 1, k / 2 + 1);
    if (t > fewestSurvivingNeighbours(n, dropped, k)) continue;
    if (!cannotBeCut(n, corrupt, dropped, k, t)) continue;
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

/** Rule 1. t₁: the least x with Pr[Hypergeometric(n − 1, A, k) > x] ≤ 2^−(σ+1)/n. */
function mostCorruptNeighbours(n: number, corrupt: number, k: number): number {
  const limit = -(SIGMA + 1) * Math.LN2 - Math.log(n);
  let tail = Number.NEGATIVE_INFINITY;
  for (let x = Math.min(corrupt, k); x > 0; x--) {
    tail = logAdd(tail, logHypergeometric(n - 1, corrupt, k, x));
    if (tail > limit) return x;
  }
  return 0;
}

/** Rule 3. t₂: the largest x with Pr[Hypergeometric(n − 1, n − 1 − D, k) < x] ≤ 2^−η/n. */
function fewestSurvivingNeighbours(n: number, dropped: number, k: number): number {
  const limit = -ETA * Math.LN2 - Math.log(n);
  let tail = Number.NEGATIVE_INFINITY;
  for (let x = 0; x < k; x++) {
    tail = logAdd(tail, logHypergeometric(n - 1, n - 1 - dropped, k, x));
    if (tail > limit) return x;
  }
  return k;
}

/** Rule 4. No set of s honest survivors can be cut off: Σ min(P(s), Q(s)) < 2^−(σ+1). */
function cannotBeCut(n: number, corrupt: number, dropped: number, k: number, t: number): boolean {
  const limit = -(SIGMA + 1) * Math.LN2;
  const largest = Math.floor((n - corrupt - dropped) / 2);
  let sum = Number.NEGATIVE_INFINITY;
  for (let s = 2; s <= largest; s++) {
    const inward = logInward(n, corrupt, k / 2, t, s);
    const apart = logApart(n, corrupt, dropped, k / 2, s);
    sum = logAdd(sum, Math.min(inward, apart));
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
