/**
 * Versions as categories: `1.2` stands for 1.2.0, 1.2.7 and all others that begin so.
 * Knows: prefixes, order (as Semantic Versioning 2.0.0 has it). Doesn't know: lanes, encodings.
 * Invariant: a category without a pre-release holds none, so that nothing in `1.2` is below 1.2.0.
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import { OTHER_CATEGORY } from '@onlysum/task';
import { compareVersions, validate } from 'compare-versions';
import {
  addSums,
  deviatesOf,
  type NoisySum,
  type RatioEstimate,
  shareEstimate,
} from './estimated.js';
import type { CategoryResult } from './metric-result.js';

const VERSION_FORM =
  'a version of 1 to 4 numbers like 1.2 or 1.2.7, or a pre-release like 1.2.0-beta.1';
const VERSION = /^v?(\d+(?:\.\d+)*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

/**
 * The value to record for a device that runs `version`.
 *
 * @param categories - those of a category metric, each a version or the beginning of one.
 * @returns the most specific of them that `version` begins with, number by number; for a pre-release
 *   only the same pre-release (without build metadata); else `other`.
 * @throws {UsageError} `argument-invalid` if one of them is no version, naming it.
 */
export function versionCategory(categories: readonly string[], version: string): string {
  const running = parseVersion('version', version);
  let found: string | undefined;
  let longest = 0;
  categories.forEach((category, i) => {
    const prefix = parseVersion(`categories[${i}]`, category);
    if (!holds(prefix, running) || prefix.numbers.length <= longest) return;
    found = category;
    longest = prefix.numbers.length;
  });
  return found ?? OTHER_CATEGORY;
}

/** Shares of the devices that reported a version. */
export interface VersionCompliance {
  /** At the minimum or above. */
  readonly compliant: RatioEstimate;
  readonly below: RatioEstimate;
  /** `other`, and categories with versions on both sides of the minimum. */
  readonly unknown: RatioEstimate;
}

/**
 * @param result - of a category metric whose categories are versions, see {@link versionCategory}.
 * @param minimum - a version; one that a category begins with leaves that category unknown.
 * @returns shares with intervals of at least 95 %.
 * @throws {UsageError} `argument-invalid` if `minimum` or a category is no version, naming it.
 */
export function versionCompliance(
  { categories }: Pick<CategoryResult, 'categories'>,
  minimum: string,
): VersionCompliance {
  const least = parseVersion('minimum', minimum);
  const side = (name: string, i: number): keyof VersionCompliance => {
    if (name === OTHER_CATEGORY) return 'unknown';
    const category = parseVersion(`categories[${i}].name`, name);
    if (compareVersions(category.text, least.text) >= 0) return 'compliant';
    return holds(category, { ...least, preRelease: '' }) && category.preRelease === ''
      ? 'unknown'
      : 'below';
  };
  const sides = categories.map(({ name }, i) => side(name, i));
  const sums = categories.map(
    ({ count: { value, standardError } }): NoisySum => ({
      sum: BigInt(value),
      variance: standardError ** 2,
    }),
  );
  const all = addSums(sums);
  const share = (wanted: keyof VersionCompliance): RatioEstimate => {
    const part = addSums(sums.filter((_, i) => sides[i] === wanted));
    // Which noise it is does not stand in a result: the wider interval holds for both.
    const scope = { survivors: Number(all.sum), deviates: deviatesOf('discrete-laplace') };
    return shareEstimate(part, all, part.variance, scope);
  };
  return {
    compliant: share('compliant'),
    below: share('below'),
    unknown: share('unknown'),
  };
}

interface Version {
  /** Without build metadata, which has no part in the order. */
  readonly text: string;
  readonly numbers: readonly bigint[];
  /** With its hyphen; empty if it is a release. */
  readonly preRelease: string;
}

function parseVersion(field: string, text: string): Version {
  const [, numbers, preRelease = ''] = VERSION.exec(text) ?? [];
  if (numbers === undefined || !validate(text)) {
    throw invalidField(UsageError, 'argument-invalid', field, VERSION_FORM, text);
  }
  return { text: `${numbers}${preRelease}`, numbers: numbers.split('.').map(BigInt), preRelease };
}

function holds(category: Version, version: Version): boolean {
  if (category.preRelease !== '' || version.preRelease !== '') {
    return (
      category.preRelease === version.preRelease &&
      compareVersions(category.text, version.text) === 0
    );
  }
  return category.numbers.every((number, i) => number === (version.numbers[i] ?? 0n));
}
