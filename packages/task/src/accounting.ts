/**
 * What releases with noise cost, and how much noise a budget asks for. Rényi accounting.
 * Knows: sensitivities, noise, (ε, δ). Doesn't know: lanes, manifests, who has spent what.
 * Invariant: costs of independent releases add up term by term; no conversion understates ε.
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import { ln, lnOfRatio } from './ln.js';

/**
 * Plain numbers, so that a record can hold them. For every integer α ≥ 2 the releases are (α, RDP(α)) Rényi
 * private with
 *
 *     RDP(α) ≤ α·linear + min((2α − 1)·quadratic + constant, cap) + min(α·pureSquares, pure).
 *
 * One release has one such bound. Those of several add up to a sum of minima, and the minimum of sums that
 * stands here is no smaller: a_1 + a_2 and b_1 + b_2 are both at least min(a_1, b_1) + min(a_2, b_2).
 *
 * @see Agarwal, Kairouz, Liu 2021 for Skellam; Bun, Steinke 2016 for ε-DP ⇒ RDP(α) ≤ αε²/2.
 */
export interface PrivacyCost {
  /** Σ Δ₂²/(2μ). */
  readonly linear: number;
  /** Σ Δ₂²/(4μ²). */
  readonly quadratic: number;
  /** Σ 6Δ₁/(4μ²). */
  readonly constant: number;
  /** Σ 3Δ₁/(2μ). */
  readonly cap: number;
  /** Σ ε of pure mechanisms. */
  readonly pure: number;
  /** Σ ε²/2 of pure mechanisms. */
  readonly pureSquares: number;
}

export const NO_COST: PrivacyCost = {
  linear: 0,
  quadratic: 0,
  constant: 0,
  cap: 0,
  pure: 0,
  pureSquares: 0,
};

/** The largest α that is tried. */
const MAX_ORDER = 1024;
/** ln α at α. */
const LN_ORDERS = /* @__PURE__ */ Float64Array.from({ length: MAX_ORDER + 1 }, (_, order) =>
  order === 0 ? Number.NaN : ln(order),
);

/** The cost of independent releases together; of none, nothing. */
export function addCosts(...costs: readonly PrivacyCost[]): PrivacyCost {
  return costs.reduce((a, b) => combine(a, b, (x, y) => x + y), NO_COST);
}

/** The cost of so many independent releases, each of which costs as much. */
export function timesCost(cost: PrivacyCost, times: number): PrivacyCost {
  return combine(cost, NO_COST, (x) => times * x);
}

/**
 * One release of a vector of integers to whose every lane Skellam noise is added.
 *
 * @param l1 - Δ₁, the most that one device changes the vector by, in the 1-norm.
 * @param l2Squared - Δ₂², the same in the 2-norm, squared.
 * @param variance - μ, of the noise of one lane.
 * @throws {UsageError} `argument-invalid`.
 */
export function skellamCost({
  l1,
  l2Squared,
  variance,
}: {
  readonly l1: number;
  readonly l2Squared: number;
  readonly variance: number;
}): PrivacyCost {
  checkPositive({ l1, l2Squared, variance });
  return {
    ...NO_COST,
    linear: l2Squared / (2 * variance),
    quadratic: l2Squared / (4 * variance * variance),
    constant: (6 * l1) / (4 * variance * variance),
    cap: (3 * l1) / (2 * variance),
  };
}

/** One release by an ε-private mechanism. @throws {UsageError} `argument-invalid`. */
export function pureCost(epsilon: number): PrivacyCost {
  checkPositive({ epsilon });
  return { ...NO_COST, pure: epsilon, pureSquares: (epsilon * epsilon) / 2 };
}

/**
 * The least ε for which the accounting shows (ε, δ): over integers α from 2 to 1024 the minimum of
 * RDP(α) + ln((α − 1)/α) − (ln δ + ln α)/(α − 1).
 *
 * @param delta - 0 ≤ δ < 1; with 0 only pure mechanisms have an ε.
 * @returns ε ≥ 0, or Infinity.
 * @throws {UsageError} `argument-invalid`.
 * @see Canonne, Kamath, Steinke 2020, proposition 12; Balle et al. 2020, theorem 21.
 */
export function epsilonOf(cost: PrivacyCost, delta: number): number {
  if (!(delta >= 0 && delta < 1)) throw invalidArgument('delta', 'a number from 0, below 1', delta);
  const isPure = cost.linear === 0 && cost.quadratic === 0 && cost.constant === 0 && cost.cap === 0;
  let least = isPure ? cost.pure : Number.POSITIVE_INFINITY;
  if (delta === 0) return least;
  const lnDelta = ln(delta);
  for (let order = 2; order <= MAX_ORDER; order++) {
    const lnOrder = LN_ORDERS[order]!;
    const conversion = LN_ORDERS[order - 1]! - lnOrder - (lnDelta + lnOrder) / (order - 1);
    least = Math.min(least, renyiBound(cost, order) + conversion);
  }
  return Math.max(least, 0);
}

/** {@link PrivacyCost}'s bound on RDP(α). @param order - α, an integer ≥ 2. */
export function renyiBound(cost: PrivacyCost, order: number): number {
  const second = Math.min((2 * order - 1) * cost.quadratic + cost.constant, cost.cap);
  return order * cost.linear + second + Math.min(order * cost.pureSquares, cost.pure);
}

/**
 * 2^-44: what the graphs and pools of a window may fail with. A device meets up to 16 graphs in a window
 * (`attempts`), each failing with at most 2^-60, and a coordinator may choose among them; a pool fails with
 * 2^-60, some pool of a window with P·2^-60. So it holds for up to 65,520 pools: 3·65,520 cohorts of the
 * largest size. Protocol §2.4, §4.
 */
export const GRAPH_FAILURE = 1 / 17_592_186_044_416;

export interface SkellamReleases {
  readonly delta: number;
  readonly l1: number;
  /** Δ₂ itself, at most Δ₁. */
  readonly l2: number;
  /** How many releases there are. */
  readonly windows: number;
}

export interface LaplaceReleases {
  readonly l1: number;
  readonly windows: number;
}

/**
 * The least standard deviation of a lane's total Skellam noise with which all the releases together cost
 * at most (ε, δ), to 1e-12 of it and never below. Of δ, {@link GRAPH_FAILURE} per release is set aside.
 *
 * @throws {UsageError} `argument-invalid`; of `epsilon`, if no noise reaches it with this δ.
 */
export function skellamSigma({
  epsilon,
  ...releases
}: SkellamReleases & { readonly epsilon: number }): number {
  checkPositive({ epsilon });
  const suffices = (sigma: number): boolean => skellamEpsilon({ ...releases, sigma }) <= epsilon;
  if (!suffices(1e100)) {
    const least = epsilonOf({ ...NO_COST, linear: 1e-200 }, shareOfMechanism(releases));
    throw invalidArgument('epsilon', `more than ${least}, the least with this delta`, epsilon);
  }
  let high = 1;
  while (!suffices(high)) high *= 2;
  while (suffices(high / 2)) high /= 2;
  let low = high / 2;
  while (high - low > 1e-12 * high) {
    const middle = low + (high - low) / 2;
    if (suffices(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** The ε of that many releases, each with total Skellam noise of this standard deviation per lane. */
export function skellamEpsilon({
  sigma,
  ...releases
}: SkellamReleases & { readonly sigma: number }): number {
  const { l1, l2, windows } = releases;
  checkPositive({ sigma, l1, l2 });
  if (l2 > l1) throw invalidArgument('l2', `at most l1, ${l1}`, l2);
  const delta = shareOfMechanism(releases);
  const once = skellamCost({ l1, l2Squared: l2 * l2, variance: sigma * sigma });
  return epsilonOf(timesCost(once, windows), delta);
}

/**
 * The standard deviation √(2p)/(1 − p) of a lane's total discrete Laplace noise, p = e^−x with
 * x = ε/(windows·Δ₁). For planning: what is sampled follows from x itself, and the last place of this
 * may differ between engines.
 *
 * @throws {UsageError} `argument-invalid`.
 */
export function laplaceSigma({
  epsilon,
  l1,
  windows,
}: LaplaceReleases & { readonly epsilon: number }): number {
  checkPositive({ epsilon, l1 });
  checkWindows(windows);
  return 1 / (Math.SQRT2 * Math.sinh(epsilon / (windows * l1) / 2));
}

/** The ε of that many releases, each with total discrete Laplace noise of this standard deviation per lane. */
export function laplaceEpsilon({
  sigma,
  l1,
  windows,
}: LaplaceReleases & { readonly sigma: number }): number {
  checkPositive({ sigma, l1 });
  checkWindows(windows);
  // σ = 1/(√2·sinh(x/2)): x is 2·asinh, or, where that would cancel, 2·atanh of sinh/cosh.
  const sinh = 1 / (Math.SQRT2 * sigma);
  const cosh = Math.sqrt(1 + sinh * sinh);
  return windows * l1 * (sinh < 0.17 ? lnOfRatio(sinh / cosh) : 2 * ln(sinh + cosh));
}

function shareOfMechanism({ delta, windows }: SkellamReleases): number {
  checkWindows(windows);
  const setAside = windows * GRAPH_FAILURE;
  if (!(delta > setAside && delta < 1)) {
    throw invalidArgument('delta', `a number above ${setAside} and below 1`, delta);
  }
  return delta - setAside;
}

function combine(
  a: PrivacyCost,
  b: PrivacyCost,
  join: (x: number, y: number) => number,
): PrivacyCost {
  return {
    linear: join(a.linear, b.linear),
    quadratic: join(a.quadratic, b.quadratic),
    constant: join(a.constant, b.constant),
    cap: join(a.cap, b.cap),
    pure: join(a.pure, b.pure),
    pureSquares: join(a.pureSquares, b.pureSquares),
  };
}

function checkPositive(values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!(value > 0 && value < Number.POSITIVE_INFINITY)) {
      throw invalidArgument(name, 'a number above 0', value);
    }
  }
}

function checkWindows(windows: number): void {
  if (Number.isSafeInteger(windows) && windows >= 1) return;
  throw invalidArgument('windows', 'an integer from 1', windows);
}

function invalidArgument(field: string, expected: string, got: unknown): UsageError {
  return invalidField(UsageError, 'argument-invalid', field, expected, got);
}
