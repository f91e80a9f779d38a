/**
 * The record of a round that opened: everything that somebody without a server needs to take the masks off
 * the total again. Protocol §5.11.
 * Knows: its form, how it is put together and read. Doesn't know: whether it holds (round-record-check.ts).
 * Invariant: nothing in it names a device, covers another round, or unmasks one device's input
 * (docs/threat-model.md says why); but it says as much as all lanes of its result.
 */
import { UsageError, concatBytes, describe, parseHex, toHex, wipe } from '@onlysum/crypto';
import { MAX_COHORT } from '@onlysum/task';
import { type Recovered, wipeRecovered } from './coordinator/open-part.js';
import type { InStage } from './coordinator/types.js';
import { DIGEST_BYTES, KEY_BYTES, ROUND_ID_BYTES, SIGNATURE_BYTES } from './sizes.js';

const FORMAT = 'onlysum-round-record/1';

/** Plain JSON. Bytes are lower-case hex; devices are places of the roster, ascending in every list. */
export interface RoundRecord {
  readonly format: typeof FORMAT;
  /** What the registrar signed, with its three signatures; U2 and U3 are bitmaps. */
  readonly attested: AttestedRecord;
  /** The roster's round keys: c and s of each place. */
  readonly keys: string;
  /** Sum of the masked inputs of U3, packed as one of them. Nobody but the coordinator vouches for it. */
  readonly maskedTotal: string;
  /** Of every member of U3. */
  readonly selfMasks: readonly SelfMaskRecord[];
  /** Pair secrets that survivors revealed, by survivor, then by dropout. */
  readonly pairSecrets: readonly PairSecretRecord[];
  /** Mask keys of dropouts, where shares had to give what survivors did not. */
  readonly maskKeys: readonly { readonly index: number; readonly s: string }[];
  /** The opened sum, lane by lane. */
  readonly lanes: readonly number[];
}

export interface AttestedRecord {
  readonly taskId: string;
  readonly window: number;
  readonly incarnation: number;
  readonly round: string;
  readonly n: number;
  readonly k: number;
  readonly t: number;
  readonly seed: string;
  readonly root: string;
  readonly rosterSignature: string;
  readonly sharedSet: string;
  readonly sharedSetSignature: string;
  readonly survivorSet: string;
  readonly survivorSetSignature: string;
}

export interface SelfMaskRecord {
  readonly index: number;
  readonly b: string;
  /** What the device sent with its masked input. */
  readonly commitment: string;
}

export interface PairSecretRecord {
  readonly survivor: number;
  readonly dropped: number;
  readonly p: string;
}

/** What the opening would forget. */
export interface MaskedTotal {
  readonly packed: Uint8Array;
  readonly selfSeeds: readonly { readonly index: number; readonly b: Uint8Array }[];
  readonly pairs: readonly {
    readonly survivor: number;
    readonly dropped: number;
    readonly p: Uint8Array;
  }[];
}

/**
 * @param kept - consumed: wiped, as what was recovered is; from here on the seeds are no secrets.
 * @param lanes - the opened sum.
 */
export function roundRecord(
  { cohort, shared, survivors, commitments }: InStage<'opening'>,
  kept: MaskedTotal,
  lanes: readonly number[],
  recovered: Recovered = { selfSeeds: [], maskKeys: [] },
): RoundRecord {
  const { facts } = cohort;
  const selfSeeds = [...kept.selfSeeds, ...recovered.selfSeeds].toSorted(byIndex);
  const record: RoundRecord = {
    format: FORMAT,
    attested: {
      taskId: toHex(facts.taskId),
      window: facts.window,
      incarnation: facts.incarnation,
      round: toHex(facts.round),
      n: facts.n,
      k: facts.k,
      t: facts.t,
      seed: toHex(facts.seed),
      root: toHex(facts.root),
      rosterSignature: toHex(cohort.rosterSignature),
      sharedSet: toHex(shared.bitmap),
      sharedSetSignature: toHex(shared.signature),
      survivorSet: toHex(survivors.bitmap),
      survivorSetSignature: toHex(survivors.signature),
    },
    keys: toHex(concatBytes(...cohort.places.flatMap(({ keys: { c, s } }) => [c, s]))),
    maskedTotal: toHex(kept.packed),
    selfMasks: selfSeeds.map(({ index, b }) => {
      const commitment = commitments.get(index) ?? new Uint8Array(0);
      return { index, b: toHex(b), commitment: toHex(commitment) };
    }),
    pairSecrets: kept.pairs
      .toSorted((a, b) => a.survivor - b.survivor || a.dropped - b.dropped)
      .map(({ survivor, dropped, p }) => ({ survivor, dropped, p: toHex(p) })),
    maskKeys: recovered.maskKeys.toSorted(byIndex).map(({ index, s }) => ({ index, s: toHex(s) })),
    lanes,
  };
  wipeMaskedTotal(kept);
  wipeRecovered(recovered);
  return record;
}

export function wipeMaskedTotal({ packed, selfSeeds, pairs }: MaskedTotal): void {
  wipe(packed);
  for (const { b } of selfSeeds) wipe(b);
  for (const { p } of pairs) wipe(p);
}

/**
 * Reads a record, field by field; nothing unknown, missing or misspelt.
 *
 * @throws {UsageError} `record-invalid`, `hex-invalid`.
 */
export function parseRoundRecord(value: unknown): RoundRecord {
  const record = fields('record', value, [
    'format',
    'attested',
    'keys',
    'maskedTotal',
    'selfMasks',
    'pairSecrets',
    'maskKeys',
    'lanes',
  ]);
  if (record['format'] !== FORMAT) throw invalid('format', `"${FORMAT}"`, record['format']);
  const attested = parseAttested(record['attested']);
  const { n } = attested;
  return {
    format: FORMAT,
    attested,
    keys: hex('keys', record['keys'], 2 * KEY_BYTES * n),
    maskedTotal: text('maskedTotal', record['maskedTotal']),
    selfMasks: list('selfMasks', record['selfMasks'], n).map((item, i) => {
      const field = `selfMasks[${i}]`;
      const { index, b, commitment } = fields(field, item, ['index', 'b', 'commitment']);
      return {
        index: integer(`${field}.index`, index, 0, n - 1),
        b: hex(`${field}.b`, b, KEY_BYTES),
        commitment: hex(`${field}.commitment`, commitment, DIGEST_BYTES),
      };
    }),
    pairSecrets: list('pairSecrets', record['pairSecrets'], n * n).map((item, i) => {
      const field = `pairSecrets[${i}]`;
      const { survivor, dropped, p } = fields(field, item, ['survivor', 'dropped', 'p']);
      return {
        survivor: integer(`${field}.survivor`, survivor, 0, n - 1),
        dropped: integer(`${field}.dropped`, dropped, 0, n - 1),
        p: hex(`${field}.p`, p, KEY_BYTES),
      };
    }),
    maskKeys: list('maskKeys', record['maskKeys'], n).map((item, i) => {
      const field = `maskKeys[${i}]`;
      const { index, s } = fields(field, item, ['index', 's']);
      return {
        index: integer(`${field}.index`, index, 0, n - 1),
        s: hex(`${field}.s`, s, KEY_BYTES),
      };
    }),
    lanes: list('lanes', record['lanes'], Number.MAX_SAFE_INTEGER).map((lane, i) =>
      integer(`lanes[${i}]`, lane, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    ),
  };
}

function parseAttested(value: unknown): AttestedRecord {
  const bytes = {
    taskId: DIGEST_BYTES,
    round: ROUND_ID_BYTES,
    seed: DIGEST_BYTES,
    root: DIGEST_BYTES,
    rosterSignature: SIGNATURE_BYTES,
    sharedSetSignature: SIGNATURE_BYTES,
    survivorSetSignature: SIGNATURE_BYTES,
  } as const;
  const numbers = ['window', 'incarnation', 'n', 'k', 't'] as const;
  const sets = ['sharedSet', 'survivorSet'] as const;
  const attested = fields('attested', value, [...Object.keys(bytes), ...numbers, ...sets]);
  const number = (name: (typeof numbers)[number], least = 0, most = Number.MAX_SAFE_INTEGER) =>
    integer(`attested.${name}`, attested[name], least, most);
  const fixed = (name: keyof typeof bytes) => hex(`attested.${name}`, attested[name], bytes[name]);
  const n = number('n', 2, MAX_COHORT);
  const set = (name: (typeof sets)[number]) =>
    hex(`attested.${name}`, attested[name], Math.ceil(n / 8));
  return {
    taskId: fixed('taskId'),
    window: number('window'),
    incarnation: number('incarnation'),
    round: fixed('round'),
    n,
    k: number('k', 1, n - 1),
    t: number('t', 1, n - 1),
    seed: fixed('seed'),
    root: fixed('root'),
    rosterSignature: fixed('rosterSignature'),
    sharedSet: set('sharedSet'),
    sharedSetSignature: fixed('sharedSetSignature'),
    survivorSet: set('survivorSet'),
    survivorSetSignature: fixed('survivorSetSignature'),
  };
}

function fields(
  field: string,
  value: unknown,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(field, `an object of ${names.join(', ')}`, value);
  }
  for (const name of Object.keys(value)) {
    if (!names.includes(name)) throw invalid(field, `only ${names.join(', ')}`, name);
  }
  for (const name of names) {
    if (!Object.hasOwn(value, name)) throw invalid(`${field}.${name}`, 'a value', undefined);
  }
  return value as Readonly<Record<string, unknown>>;
}

function integer(field: string, value: unknown, least: number, most: number): number {
  const isInteger = typeof value === 'number' && Number.isSafeInteger(value);
  if (isInteger && value >= least && value <= most) return value;
  throw invalid(field, `an integer from ${least} to ${most}`, value);
}

/** @returns the text itself, which has one spelling. */
function hex(field: string, value: unknown, byteLength: number): string {
  parseHex(field, value, byteLength);
  return value as string;
}

function text(field: string, value: unknown): string {
  if (typeof value !== 'string') throw invalid(field, 'hex', value);
  return value;
}

function list(field: string, value: unknown, most: number): readonly unknown[] {
  if (Array.isArray(value) && value.length <= most) return value;
  throw invalid(field, `a list of at most ${most}`, value);
}

function byIndex(a: { readonly index: number }, b: { readonly index: number }): number {
  return a.index - b.index;
}

function invalid(field: string, expected: string, value: unknown): UsageError {
  const got = describe(value);
  return new UsageError('record-invalid', `${field}: expected ${expected}, got ${got}`, {
    field,
    expected,
    got,
  });
}
