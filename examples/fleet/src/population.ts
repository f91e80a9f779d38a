/**
 * The fleet's software versions: browser-version shares of one region, from caniuse-lite.
 * Knows: shares, release dates, what counts as up to date. Doesn't know: devices' other input, lanes.
 */
import caniuse from 'caniuse-lite';
import packedRegion from 'caniuse-lite/data/regions/DE.js';

export const REGION = 'Germany';

export interface BrowserVersion {
  /** Browser and version, e.g. `Chrome 155`. */
  readonly name: string;
  /** Of the page views in the region that the data knows, 0 to 1. */
  readonly share: number;
  /** Whether it is at least the minimum version of its browser. */
  readonly compliant: boolean;
}

/** The minimum version of a browser is its first one that was released in this time. */
export const COMPLIANCE_DAYS = 180;

/** Regional data give browsers that update themselves as a whole; what runs is their newest version. */
const EVERGREEN = '0';
const DAY_SECONDS = 86_400;

/** Every version with page views in {@link REGION}, the most common first; shares add up to 1. */
export function regionVersions(): BrowserVersion[] {
  const { agents } = caniuse;
  const newest = newestRelease();
  const versions = Object.entries(caniuse.region(packedRegion)).flatMap(([agent, shares]) => {
    const { browser, release_date: dates } = agents[agent] ?? { browser: agent, release_date: {} };
    return Object.entries(shares).flatMap(([listed, share]) => {
      if (share === null || share <= 0) return [];
      const version = listed === EVERGREEN ? newestOf(dates) : listed;
      // A version without a date is yet to be released: some run it early.
      const released = dates[version] ?? newest;
      const compliant = newest - released <= COMPLIANCE_DAYS * DAY_SECONDS;
      return [{ name: `${browser} ${version}`, share, compliant }];
    });
  });
  const total = versions.reduce((sum, { share }) => sum + share, 0);
  return versions
    .map((version) => ({ ...version, share: version.share / total }))
    .sort((a, b) => b.share - a.share || (a.name < b.name ? -1 : 1));
}

/**
 * @param uniform - returns a number from 0 (inclusive) to 1 (exclusive).
 * @returns a version for each device, drawn independently with the shares as probabilities.
 */
export function drawVersions(
  versions: readonly BrowserVersion[],
  devices: number,
  uniform: () => number,
): BrowserVersion[] {
  const last = versions.at(-1);
  return Array.from({ length: devices }, () => {
    let rest = uniform();
    const drawn = versions.find(({ share }) => {
      rest -= share;
      return rest < 0;
    });
    // Rounding may leave a crumb beyond the last share.
    const version = drawn ?? last;
    if (version === undefined) throw new RangeError('versions: expected at least one, got none');
    return version;
  });
}

function newestOf(dates: Readonly<Record<string, number | null>>): string {
  const versions = Object.entries(dates).sort(([, a], [, b]) => (b ?? 0) - (a ?? 0));
  return versions[0]?.[0] ?? EVERGREEN;
}

// Measured against the data itself, not against today: an old copy of it still gives sense.
function newestRelease(): number {
  const dates = Object.values(caniuse.agents).flatMap(({ release_date }) =>
    Object.values(release_date).map((seconds) => seconds ?? 0),
  );
  return dates.reduce((newest, seconds) => Math.max(newest, seconds), 0);
}
