/** Rounds that leave a record: it opens to the plain sum, any change to it shows, and no device is unmasked. */
import { describe, expect, it } from 'vitest';
import { nativeSuite as suite } from '@onlysum/crypto/node';
import { parseHex, toHex } from '@onlysum/crypto';
import {
  type RoundRecord,
  decodeBitmap,
  decodeFrame,
  drawGraph,
  encodeBitmap,
  maskContext,
  maskedInput,
  parseRoundRecord,
  rosterParameters,
  rosterStatement,
  roundContext,
  sharedSetStatement,
  survivorSetStatement,
  verifyRoundRecord,
} from '@onlysum/protocol';
import {
  DEVICE_MESSAGES,
  type Kill,
  type RoundOptions,
  type SimulatedRound,
  simulateRound,
} from '@onlysum/simulator';
import {
  pairMask,
  pairSecret,
  removeMasks,
  selfMask,
} from '../../packages/protocol/src/masking.js';
import { addPacked } from '../../packages/protocol/src/packing.js';
import { type FleetShape, fleet, plainSum } from './fleet.js';

const before = (device: number, message: Kill['message']): Kill => {
  return { device, when: 'before', message, noticed: true };
};
const RECOVERED = [before(2, 'MaskedInput'), before(4, 'Unmasking')];

function play(shape: FleetShape, change: Partial<RoundOptions>) {
  const options = { ...fleet(shape), keepRecord: true, ...change };
  const round = simulateRound(options);
  if (round.outcome.kind !== 'result') throw new Error(JSON.stringify(round.outcome));
  const { record } = round.outcome.result;
  if (record === undefined) throw new Error('no record');
  return { options, round, record, task: options.synthetic.task };
}

const check = (task: RoundOptions['synthetic']['task'], value: unknown) =>
  verifyRoundRecord(suite, task, parseRoundRecord(value));
/** As it comes from a file. */
const copyOf = (record: RoundRecord) => JSON.parse(JSON.stringify(record)) as RoundRecord;

describe('a round record', () => {
  it.each([
    ['nobody drops', {}, { self: 8, revealed: 0, keys: 0 }],
    ['two drop', { kills: [before(2, 'MaskedInput'), before(5, 'UploadRequest')] }, { self: 6 }],
    ['one is silent', { kills: [before(4, 'Unmasking')] }, { self: 8, revealed: 0, keys: 0 }],
    ['one drops, one is silent', { kills: RECOVERED }, { self: 7, revealed: 6, keys: 1 }],
    [
      'all come off by shares',
      { kills: RECOVERED, unmasking: 'shares' as const },
      { self: 7, revealed: 0, keys: 1 },
    ],
  ])('opens to the plain sum: %s', (_, change, counts: Record<string, number>) => {
    const { options, round, record, task } = play({ devices: 8, dropout: 300 }, change);
    const { lanes, survivors, shared, revealedPairs, recoveredPairs } = check(task, copyOf(record));
    expect(lanes).toEqual(plainSum(options, round));
    expect(record.lanes).toEqual(lanes);
    expect(record.selfMasks).toHaveLength(counts['self']!);
    expect(revealedPairs + recoveredPairs).toBe(survivors * (shared - survivors));
    if ('revealed' in counts) expect(revealedPairs).toBe(counts['revealed']);
    if ('keys' in counts) expect(record.maskKeys).toHaveLength(counts['keys']!);
  });

  it('opens on round tables', () => {
    const kills = [before(7, 'MaskedInput'), before(50, 'MaskedInput'), before(90, 'Unmasking')];
    const { options, round, record, task } = play({ devices: 100, dropout: 50 }, { kills });
    expect(record.attested.k).toBeLessThan(99);
    expect(check(task, copyOf(record)).lanes).toEqual(plainSum(options, round));
  });

  it('is not there unless it was asked for', () => {
    const { outcome } = simulateRound({ ...fleet({ devices: 8 }), kills: RECOVERED });
    expect(outcome).toMatchObject({ kind: 'result' });
    expect(outcome.kind === 'result' && 'record' in outcome.result).toBe(false);
  });
});

describe('a record that was changed', () => {
  const { record, task } = play({ devices: 8, dropout: 300 }, { kills: RECOVERED });
  // The same task and devices; here every pair secret was revealed, and no key was needed.
  const direct = play({ devices: 8, dropout: 300 }, { kills: RECOVERED.slice(0, 1) }).record;
  const detected = (value: unknown) => {
    expect(() => check(task, value)).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^(audit-failed|record-invalid|hex-invalid)$/),
      }),
    );
  };

  const leaves = pathsOf(record);
  it.each(leaves)('%s', (_, path) => {
    const original = valueAt(record, path);
    if (typeof original === 'number') {
      for (const other of [original - 1, original + 1, 2 ** 40, -1, 0.5, `${original}`]) {
        detected(withValue(record, path, other));
      }
      return;
    }
    const text = String(original);
    for (let i = 0; i < text.length; i += Math.max(1, Math.floor(text.length / 32))) {
      const digit = text[i] === '0' ? '1' : '0';
      detected(withValue(record, path, `${text.slice(0, i)}${digit}${text.slice(i + 1)}`));
    }
    for (const other of ['', text.slice(2), `${text}00`, `${text.toUpperCase()} `, 7, null]) {
      detected(withValue(record, path, other));
    }
  });

  it.each([
    ['selfMasks', record],
    ['pairSecrets', direct],
    ['maskKeys', record],
    ['lanes', record],
  ] as const)('entries of %s removed, repeated or moved', (name, whole) => {
    const entries: readonly unknown[] = whole[name];
    expect(entries.length).toBeGreaterThan(0);
    entries.forEach((entry, i) => {
      detected({ ...whole, [name]: entries.toSpliced(i, 1) });
      detected({ ...whole, [name]: entries.toSpliced(i, 0, entry) });
      const next = entries[i + 1];
      if (next === undefined || JSON.stringify(next) === JSON.stringify(entry)) return;
      detected({ ...whole, [name]: entries.with(i, next).with(i + 1, entry) });
    });
    detected({ ...whole, [name]: [] });
    detected({ ...whole, [name]: undefined });
  });

  it('a survivor left out together with its place in U3', () => {
    const [first] = record.selfMasks;
    const byte = parseInt(record.attested.survivorSet, 16) & ~(1 << first!.index);
    const survivorSet = byte.toString(16).padStart(2, '0');
    detected({
      ...record,
      selfMasks: record.selfMasks.slice(1),
      attested: { ...record.attested, survivorSet },
    });
  });

  it('a seed and its commitment, both made up', () => {
    const other = play({ devices: 8, dropout: 300, seed: 'other' }, { kills: RECOVERED }).record;
    detected({ ...record, selfMasks: record.selfMasks.with(0, other.selfMasks[0]!) });
    detected({ ...record, maskKeys: other.maskKeys });
    detected({ ...record, pairSecrets: other.pairSecrets });
    detected({ ...record, maskedTotal: other.maskedTotal });
    detected({ ...record, attested: other.attested });
  });

  it('a key that nobody needs, and none where one is needed', () => {
    const [key] = record.maskKeys;
    expect(direct.maskKeys).toEqual([]);
    expect(() => check(task, direct)).not.toThrow();
    detected({ ...direct, maskKeys: [key] });
    detected({ ...record, maskKeys: [] });
  });

  it('names what does not hold', () => {
    const fieldOf = (value: unknown): unknown => {
      try {
        check(task, value);
      } catch (error) {
        return (error as { field?: string }).field;
      }
      return undefined;
    };
    const { selfMasks, maskKeys } = record;
    expect(fieldOf({ ...record, selfMasks: selfMasks.slice(1) })).toBe('selfMasks');
    const s = selfMasks[0]!.b;
    expect(fieldOf({ ...record, maskKeys: [{ ...maskKeys[0], s }] })).toBe('maskKeys[0].s');
    const keys = `${record.keys.slice(64)}${record.keys.slice(0, 64)}`;
    expect(fieldOf({ ...record, keys })).toBe('keys');
  });

  it('another task, or a field too many', () => {
    const { task: other } = play({ devices: 8, dropout: 300, seed: 'other' }, {});
    expect(() => check(other, record)).toThrow(
      expect.objectContaining({ code: 'audit-failed', field: 'attested.taskId' }),
    );
    detected({ ...record, note: 1 });
    detected({ ...record, attested: { ...record.attested, note: 1 } });
    detected(null);
    detected([]);
  });

  it('shows as what it is: the sum is another', () => {
    const lanes = record.lanes.with(3, record.lanes[3]! + 1);
    expect(() => check(task, { ...record, lanes })).toThrow(
      expect.objectContaining({ code: 'audit-failed', field: 'lanes[3]' }),
    );
  });

  /** The limit that docs/threat-model.md states: nobody but the coordinator vouches for the total. */
  it('is not told from a true one where total and sum were changed alike', () => {
    const { widths } = task.layout;
    expect(widths.slice(0, 2)).toEqual([4, 4]);
    const first = parseInt(record.maskedTotal.slice(0, 2), 16);
    const low = ((first & 15) + 1) & 15;
    const byte = ((first & 0xf0) | low).toString(16).padStart(2, '0');
    const maskedTotal = byte + record.maskedTotal.slice(2);
    const lanes = record.lanes.with(0, record.lanes[0]! + 1);
    expect(check(task, { ...record, maskedTotal, lanes }).lanes[0]).toBe(2);
  });
});

describe('a registrar that attests what it must not', () => {
  /** Signs a record's facts and sets anew. */
  function attest(made: ReturnType<typeof play>, change: Partial<RoundRecord['attested']>) {
    const attested = { ...made.record.attested, ...change };
    const { n } = attested;
    const bytes = (name: 'taskId' | 'round' | 'seed' | 'root', length: number) =>
      parseHex(name, attested[name], length);
    const facts = {
      ...attested,
      taskId: bytes('taskId', 32),
      round: bytes('round', 16),
      seed: bytes('seed', 32),
      root: bytes('root', 32),
    };
    const [u2, u3] = [attested.sharedSet, attested.survivorSet].map((set) =>
      parseHex('set', set, Math.ceil(n / 8)),
    ) as [Uint8Array, Uint8Array];
    const context = roundContext(suite, facts);
    const { registrarSeed } = made.options.synthetic;
    const sign = (statement: Uint8Array) => toHex(suite.ed25519Sign(registrarSeed, statement));
    return {
      ...made.record,
      attested: {
        ...attested,
        rosterSignature: sign(rosterStatement(facts)),
        sharedSetSignature: sign(sharedSetStatement(context, u2)),
        survivorSetSignature: sign(survivorSetStatement(maskContext(suite, context, u2), u3)),
      },
    };
  }
  const refused = (made: ReturnType<typeof play>, change: Partial<RoundRecord['attested']>) => {
    expect(() => check(made.task, attest(made, {}))).not.toThrow();
    try {
      check(made.task, attest(made, change));
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('not refused');
  };
  const set = (members: readonly number[], n: number) => toHex(encodeBitmap(members, n));

  it('other parameters than those of n', () => {
    const made = play({ devices: 8 }, {});
    const { t } = made.record.attested;
    expect(refused(made, { t: t - 1 })).toMatch(/^attested\.k: expected .* and t = \d/);
  });

  it('sets that are too small', () => {
    const made = play({ devices: 8 }, {});
    expect(refused(made, { survivorSet: set([0, 1, 2], 8) })).toMatch(
      /^attested\.survivorSet: expected at least 7 members, got 3$/,
    );
    expect(refused(made, { sharedSet: set([0, 1, 2], 8) })).toMatch(
      /^attested\.sharedSet: expected at least 7 members, got 3$/,
    );
  });

  it('a survivor that shared no keys', () => {
    const made = play({ devices: 8 }, { kills: [before(3, 'ShareKeys')] });
    const everyone = [0, 1, 2, 3, 4, 5, 6, 7];
    expect(refused(made, { survivorSet: set(everyone, 8) })).toMatch(
      /^attested\.survivorSet: expected a part of U2/,
    );
  });

  it('a survivor with too few neighbours', () => {
    const made = play({ devices: 200, dropout: 50 }, {});
    const { k, t, seed } = made.record.attested;
    const parameters = { graph: 'tables', n: 200, k } as const;
    const { neighbours } = drawGraph(suite, parameters, parseHex('seed', seed, 32));
    const gone = new Set(neighbours[0]!.slice(0, k - t + 1));
    const members = neighbours.flatMap((_, index) => (gone.has(index) ? [] : [index]));
    expect(refused(made, { survivorSet: set(members, 200) })).toMatch(
      /^attested\.survivorSet: expected 10 neighbours of each member in it, got 9 of 0$/,
    );
  });
});

describe('whoever has the record and every masked input', () => {
  it('opens the sum over U3, and that of no other set of devices', () => {
    const lost = 2;
    const shape = { devices: 6, dropout: 400, bounds: [1000, 1000] };
    const { options, round, record, task } = play(shape, {
      kills: [before(4, 'Unmasking')],
      // On its way to the coordinator, and never there: the device is dropped, its input is on the wire.
      intercept: ({ device, bytes }) => (device === lost && isMaskedInput(bytes) ? [] : [bytes]),
    });
    const open = opener(record, task);
    const survivors = new Set(membersOf(record));
    const vectors = vectorsOf({ ...options, ...shape }, round);
    expect(new Set(vectors.keys())).toEqual(new Set([0, 1, 2, 3, 4, 5]));
    const opened: string[] = [];
    for (let bits = 1; bits < 1 << 6; bits++) {
      const set = [0, 1, 2, 3, 4, 5].filter((index) => (bits >> index) & 1);
      const plain = task.layout.lanes.map((_, lane) =>
        set.reduce((sum, index) => sum + options.inputs[round.seats[index]!]![lane]!, 0),
      );
      const lanes = open(set, vectors);
      if (lanes.every((lane, j) => lane === plain[j])) opened.push(set.join(' '));
    }
    expect(opened).toEqual([[...survivors].join(' ')]);
  });
});

function isMaskedInput(bytes: Uint8Array): boolean {
  return decodeFrame(bytes)[0] === DEVICE_MESSAGES.MaskedInput;
}

function membersOf({ attested: { survivorSet, n } }: RoundRecord): number[] {
  return decodeBitmap(parseHex('U3', survivorSet, Math.ceil(n / 8)), n, 'U3');
}

/** By roster index: what each device put on the wire. */
function vectorsOf(options: RoundOptions, round: SimulatedRound): Map<number, Uint8Array> {
  const sent = new Map<number, Uint8Array>();
  simulateRound({
    ...options,
    intercept: (message) => {
      const { device, bytes, direction } = message;
      if (direction === 'up' && isMaskedInput(bytes)) {
        sent.set(round.seats.indexOf(device), maskedInput.parse(decodeFrame(bytes)).vector.slice());
      }
      return options.intercept?.(message) ?? [bytes];
    },
  });
  return sent;
}

/** Takes off what the record gives for the devices of a set, and for nobody else. */
function opener(record: RoundRecord, task: RoundOptions['synthetic']['task']) {
  const { facts } = check(task, record);
  const sharedSet = parseHex('U2', record.attested.sharedSet, Math.ceil(facts.n / 8));
  const context = roundContext(suite, facts);
  const context2 = maskContext(suite, context, sharedSet);
  const graph = drawGraph(suite, rosterParameters(facts.n, task.manifest.assumptions), facts.seed);
  const keys = parseHex('keys', record.keys, 64 * facts.n);
  const end = (index: number) => ({ index, s: keys.subarray(64 * index + 32, 64 * index + 64) });
  const known = new Map<string, Uint8Array>();
  const pair = (a: number, b: number) => `${Math.min(a, b)} ${Math.max(a, b)}`;
  for (const { index, s } of record.maskKeys) {
    for (const other of graph.neighbours[index]!) {
      const agreement = suite.x25519(parseHex('s', s, 32), end(other).s);
      known.set(pair(index, other), pairSecret(suite, agreement, context, end(index), end(other)));
    }
  }
  for (const { survivor, dropped, p } of record.pairSecrets) {
    known.set(pair(survivor, dropped), parseHex('p', p, 32));
  }
  return (set: readonly number[], vectors: ReadonlyMap<number, Uint8Array>): number[] => {
    const total = new Uint32Array(task.layout.lanes.length);
    for (const index of set) addPacked(total, vectors.get(index)!, task.layout.widths);
    const masks = set.flatMap((index) => [
      ...record.selfMasks
        .filter((self) => self.index === index)
        .map(({ b }) => selfMask(suite, context2, index, parseHex('b', b, 32))),
      ...graph.neighbours[index]!.flatMap((other) => {
        const p = known.get(pair(index, other));
        return p === undefined ? [] : [pairMask(suite, context2, index, other, p)];
      }),
    ]);
    removeMasks(suite, total, masks);
    return task.layout.lanes.map(({ width }, j) => total[j]! % 2 ** width);
  };
}

type Path = readonly (string | number)[];

/** Of every number and text in a value. */
function pathsOf(value: unknown, path: Path = []): [string, Path][] {
  if (typeof value !== 'object' || value === null) return [[path.join('.'), path]];
  return Object.entries(value).flatMap(([key, inner]) => {
    return pathsOf(inner, [...path, Array.isArray(value) ? Number(key) : key]);
  });
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], value);
}

function withValue(value: unknown, [key, ...rest]: Path, replacement: unknown): unknown {
  if (key === undefined) return replacement;
  const inner = withValue((value as Record<string, unknown>)[key], rest, replacement);
  if (Array.isArray(value)) return value.with(Number(key), inner);
  return { ...(value as object), [key]: inner };
}
