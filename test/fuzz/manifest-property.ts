/**
 * What must hold of any JSON that claims to be a manifest: it is taken and means one thing, or it is refused with
 * a code and a field that is there. Knows: how to spoil a valid one. Doesn't know: how often to try.
 */
import { UsageError } from '@onlysum/crypto';
import {
  canonicalBytes,
  compileLayout,
  type Manifest,
  parseCanonical,
  parseManifest,
} from '@onlysum/task';
import fc from 'fast-check';
import vectors from '../vectors/v1/manifest.json' with { type: 'json' };

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Holder = Record<string | number, Json>;

/** A valid manifest of each kind, without noise and with either. */
const VALID: readonly Json[] = [vectors.manifest, vectors.kinds].flatMap((manifest) => [
  manifest as Json,
  ...vectors.noise.map((privacy): Json => ({ ...withoutLimbs(manifest), privacy })),
]);

/** How many manifests were taken and refused, so that a run can say that it tried both. */
export interface Tally {
  taken: number;
  refused: number;
}

export function manifestProperty(tally: Tally): fc.IProperty<[Json]> {
  return fc.property(spoilt, (value) => {
    const field = refusal(() => parseManifest(value), PARSE_CODES);
    if (field === undefined) {
      tally.taken += 1;
      checkTaken(parseManifest(value));
    } else {
      tally.refused += 1;
      if (!pointsInto(value, field)) throw new Error(`no such field: ${field}`);
    }
  });
}

function checkTaken(manifest: Manifest): void {
  // Compared as text: what is equal to an assertion may still be spelt in two ways.
  const again = parseManifest(JSON.parse(JSON.stringify(manifest)));
  if (JSON.stringify(again) !== JSON.stringify(manifest)) throw new Error('parses to another one');
  const bytes = canonicalBytes(manifest);
  if (!sameBytes(bytes, canonicalBytes(parseManifest(parseCanonical(bytes))))) {
    throw new Error('its canonical bytes are those of another one');
  }
  const part = refusal(() => compileLayout(manifest), LAYOUT_CODES);
  if (part !== undefined && !namesPart(manifest, part)) throw new Error(`no such part: ${part}`);
}

const PARSE_CODES = ['manifest-invalid'];
const LAYOUT_CODES = ['manifest-invalid', 'metric-could-wrap', 'noise-too-fine'];

/** @returns the field of the refusal; undefined if there was none. Any other error is thrown on. */
function refusal(run: () => unknown, codes: readonly string[]): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!(error instanceof UsageError) || !codes.includes(error.code)) throw error;
    if (error.field === undefined || !error.message.includes('expected')) throw error;
    return error.field;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** A field is the path of something, or that of a member that its object lacks. */
function pointsInto(value: Json, field: string): boolean {
  const paths = pathsOf(value, '');
  return field === 'manifest' || paths.has(field) || paths.has(field.replace(/\.?[A-Za-z]+$/, ''));
}

function pathsOf(value: Json, at: string): Set<string> {
  const paths = new Set([at]);
  if (typeof value !== 'object' || value === null) return paths;
  for (const [key, inner] of Object.entries(value)) {
    const path = Array.isArray(value) ? `${at}[${key}]` : at === '' ? key : `${at}.${key}`;
    for (const each of pathsOf(inner, path)) paths.add(each);
  }
  return paths;
}

function namesPart({ metrics, groups }: Manifest, part: string): boolean {
  const names = [...metrics, ...groups].map(({ name }) => name);
  return [
    ...names,
    ...names.map((name) => `${name}.respondents`),
    'metrics',
    'privacy.epsilon',
  ].includes(part);
}

/** Noise is not for amounts of many limbs. */
function withoutLimbs(manifest: { readonly metrics: readonly object[] }): Record<string, Json> {
  const metrics = manifest.metrics.filter(
    (metric) => !('name' in metric) || (metric.name !== 'traffic' && metric.name !== 'far'),
  );
  return { ...manifest, metrics } as Record<string, Json>;
}

const names = (count: number): Json => Array.from({ length: count }, (_, i) => `c${i}`);

/** What tends to lie at some limit, or beside it. */
const pointed = fc.constantFrom<Json>(
  ...[0, -0, 1, -1, 2, 3, 999, 1000, 16, 17, 3650, 3651, 65_535, 65_536, 2 ** 31, 2 ** 32, 2 ** 53],
  ...[0.5, 1e300, -1e300, 2 ** 53 - 1, null, true, false, '', 'other', '__proto__', 'none'],
  ...['0', '-0', '1', '0.1', '999999999999999999', '0.00000000000000001', '-1', '1e3', '1.0'],
  ...['1000', '0.001', '0.000000000001', 'skellam', 'discrete-laplace', 'zero', 'analyst'],
  ...['flag', 'count', 'mean', 'variance', 'distribution', 'histogram', 'top-k', 'browser'],
  ...[
    'system',
    'channel',
    'essential',
    '\ud800',
    '\u0000',
    'x'.repeat(501),
    'wss://a',
    'ws://[::1]',
  ],
  [],
  {},
  [[]],
  names(999),
  names(1000),
  names(1001),
);
const anything = fc.oneof(
  { weight: 3, arbitrary: pointed },
  {
    weight: 1,
    arbitrary: fc.jsonValue({ maxDepth: 3 }).map((value) => value as Json),
  },
);

/** Where: a choice at each level on the way down. What: see `apply`. */
const change = fc.record({
  way: fc.array(fc.nat(), { minLength: 1, maxLength: 5 }),
  how: fc.constantFrom('replace', 'remove', 'add', 'repeat', 'move'),
  key: fc.oneof(fc.constantFrom('max', 'k', 'note', '__proto__', 'constructor'), fc.string()),
  from: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
  value: anything,
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

const spoilt: fc.Arbitrary<Json> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .tuple(fc.constantFrom(...VALID), fc.array(change, { minLength: 0, maxLength: 4 }))
      .map(([valid, changes]) => changes.reduce(apply, structuredClone(valid))),
  },
  { weight: 1, arbitrary: anything },
);

function apply(manifest: Json, { way, how, key, from, value: shared }: Change): Json {
  const value = structuredClone(shared);
  const found = follow(manifest, way);
  if (found === undefined) return value;
  const { holder, last } = found;
  if (how === 'replace') holder[last] = value;
  else if (how === 'remove' && Array.isArray(holder)) holder.splice(Number(last), 1);
  else if (how === 'remove') delete holder[last];
  else if (how === 'repeat' && Array.isArray(holder))
    holder.push(structuredClone(holder[last] ?? null));
  else if (how === 'add' && Array.isArray(holder)) holder.push(value);
  else if (how === 'move') holder[last] = valueAt(manifest, from) ?? value;
  // As parsed JSON has it: an own member, whatever its name.
  else
    Object.defineProperty(holder, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  return manifest;
}

function follow(
  manifest: Json,
  way: readonly number[],
): { holder: Holder; last: string } | undefined {
  let found: { holder: Holder; last: string } | undefined;
  let at: Json | undefined = manifest;
  for (const step of way) {
    if (typeof at !== 'object' || at === null) break;
    const keys: string[] = Object.keys(at);
    const last: string | undefined = keys[step % Math.max(1, keys.length)];
    if (last === undefined) break;
    found = { holder: at as Holder, last };
    at = found.holder[last];
  }
  return found;
}

function valueAt(manifest: Json, way: readonly number[]): Json | undefined {
  const found = follow(manifest, way);
  const value = found?.holder[found.last];
  return value === undefined ? undefined : structuredClone(value);
}
