/**
 * What a device demands of a task, whoever signed it. Protocol §2.
 * Knows: a floor, and how a manifest or a roster falls below it. Doesn't know: keys, time, versions.
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import { corruptBound, dropoutBound } from './bounds.js';
import { checkedDecimal, compareDecimals, DECIMAL_FORM, parseDecimal } from './decimal.js';
import type { Assumptions, Manifest } from './manifest.js';

export interface PolicyFloor {
  /** Smallest n − D − A: honest devices that a sum holds even in the worst case. At least 2. */
  readonly minHonest: number;
  /** Largest roster to take part in. */
  readonly maxDevices: number;
  /** Smallest `assumptions.corrupt`, per mille. */
  readonly minCorrupt: number;
  /** Smallest `assumptions.population`, parts per million. */
  readonly minPopulation: number;
  /** Largest ε per window, a decimal string; a task without noise exceeds every limit. */
  readonly maxEpsilon?: string;
  /** Largest δ per window, a decimal string; a task without noise exceeds every limit. */
  readonly maxDelta?: string;
  /** Largest ε and δ of a budget, decimal strings; a task without noise exceeds every limit. */
  readonly maxBudgetEpsilon?: string;
  readonly maxBudgetDelta?: string;
  /** Shortest period of a budget. */
  readonly minBudgetDays?: number;
  /** `replace`: a promise that only compares with zeros is not enough. */
  readonly neighbours?: 'replace';
}

/**
 * For a device whose owner states no floor of their own. It promises the literal minimum, that a
 * total is never one device's value; who collects what could embarrass should raise `minHonest` to
 * ten or more.
 */
export const DEFAULT_FLOOR: PolicyFloor = {
  // With one honest device left, whoever runs the others subtracts them and reads it.
  minHonest: 2,
  // What was tried: the search for k and t takes tens of milliseconds for 10,000 devices, which a device
  // does for every roster, and its own part stays small (k neighbours of 68 bytes, a bitmap of 1,250).
  maxDevices: 10_000,
  // A publisher who assumes less than one corrupt device in a hundred assumes the problem away.
  minCorrupt: 10,
  // One in a thousand of those enrolled. More would rule out small pools: with 300,000 enrolled and
  // 1,000 to a cohort, assuming 5 % corrupt in the cohort covers about 0.37 % in the population.
  minPopulation: 1000,
};

/**
 * Checks a manifest for every cohort size it allows: n − D − A is not quite monotone in n.
 *
 * @throws {UsageError} `below-floor` with the field at fault.
 */
export function checkManifestFloor(manifest: Manifest, floor: PolicyFloor): void {
  checkFloor(floor);
  const { cohort, assumptions } = manifest;
  if (assumptions.corrupt < floor.minCorrupt) {
    throw below(
      'assumptions.corrupt',
      `at least ${floor.minCorrupt} per mille`,
      assumptions.corrupt,
    );
  }
  if (assumptions.population < floor.minPopulation) {
    throw below(
      'assumptions.population',
      `at least ${floor.minPopulation} per million`,
      assumptions.population,
    );
  }
  checkPrivacy(manifest, floor);
  if (cohort.max > floor.maxDevices) {
    throw below('cohort.max', `at most ${floor.maxDevices} devices`, cohort.max);
  }
  for (let n = cohort.min; n <= cohort.max; n++) checkHonest('cohort.min', n, assumptions, floor);
}

/**
 * Checks one attested roster.
 *
 * @param roster - its size, and γ and δ of the manifest, per mille.
 * @throws {UsageError} `below-floor`.
 */
export function checkRosterFloor(
  roster: { readonly n: number } & Pick<Assumptions, 'corrupt' | 'dropout'>,
  floor: PolicyFloor,
): void {
  checkFloor(floor);
  if (roster.n > floor.maxDevices) {
    throw below('roster', `at most ${floor.maxDevices} devices`, roster.n);
  }
  if (roster.corrupt < floor.minCorrupt) {
    throw below('roster', `corrupt of at least ${floor.minCorrupt} per mille`, roster.corrupt);
  }
  checkHonest('roster', roster.n, roster, floor);
}

function checkHonest(
  field: string,
  n: number,
  { corrupt, dropout }: Pick<Assumptions, 'corrupt' | 'dropout'>,
  { minHonest }: PolicyFloor,
): void {
  const honest = n - dropoutBound(n, dropout) - corruptBound(n, corrupt);
  if (honest >= minHonest) return;
  throw new UsageError(
    'below-floor',
    `${field}: expected at least ${minHonest} honest devices in every sum, got ${honest} with ${n} devices, ${dropout} per mille dropping and ${corrupt} per mille corrupt`,
    { field, expected: `at least ${minHonest} honest devices`, got: String(honest) },
  );
}

function checkPrivacy({ privacy }: Manifest, floor: PolicyFloor): void {
  const asked = FLOOR_OF_NOISE.find((name) => floor[name] !== undefined);
  if (privacy.mechanism === 'none') {
    if (asked === undefined) return;
    const { maxEpsilon } = floor;
    const limit = maxEpsilon === undefined ? '' : ` with epsilon of at most ${maxEpsilon}`;
    throw below('privacy.mechanism', `noise${limit}`, 'none');
  }
  const { budget } = privacy;
  atMost('privacy.epsilon', privacy.epsilon, floor.maxEpsilon);
  if (privacy.mechanism === 'skellam') atMost('privacy.delta', privacy.delta, floor.maxDelta);
  atMost('privacy.budget.epsilon', budget.epsilon, floor.maxBudgetEpsilon);
  atMost('privacy.budget.delta', budget.delta, floor.maxBudgetDelta);
  if (budget.days < (floor.minBudgetDays ?? 0)) {
    throw below('privacy.budget.days', `at least ${floor.minBudgetDays}`, budget.days);
  }
  if (floor.neighbours === 'replace' && privacy.neighbours !== 'replace') {
    throw below('privacy.neighbours', 'replace', privacy.neighbours);
  }
}

const DECIMAL_LIMITS = ['maxEpsilon', 'maxDelta', 'maxBudgetEpsilon', 'maxBudgetDelta'] as const;
const FLOOR_OF_NOISE = [...DECIMAL_LIMITS, 'minBudgetDays', 'neighbours'] as const;

function atMost(field: string, promised: string, limit: string | undefined): void {
  if (limit === undefined) return;
  if (compareDecimals(checkedDecimal(promised), checkedDecimal(limit)) > 0) {
    throw below(field, `at most ${limit}`, promised);
  }
}

function checkFloor(floor: PolicyFloor): void {
  integer('minHonest', floor.minHonest, 2);
  integer('maxDevices', floor.maxDevices, 3);
  integer('minCorrupt', floor.minCorrupt, 0);
  integer('minPopulation', floor.minPopulation, 0);
  if (floor.minBudgetDays !== undefined) integer('minBudgetDays', floor.minBudgetDays, 1);
  for (const name of DECIMAL_LIMITS) {
    const limit: unknown = floor[name];
    if (limit === undefined) continue;
    if (typeof limit !== 'string' || (parseDecimal(limit)?.unscaled ?? -1n) < 0n) {
      throw invalidField(UsageError, 'argument-invalid', `floor.${name}`, DECIMAL_FORM, limit);
    }
  }
}

function integer(name: keyof PolicyFloor, value: unknown, min: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= min) return;
  throw invalidField(UsageError, 'argument-invalid', `floor.${name}`, `an integer ≥ ${min}`, value);
}

function below(field: string, expected: string, got: unknown): UsageError {
  return invalidField(UsageError, 'below-floor', field, expected, got);
}
