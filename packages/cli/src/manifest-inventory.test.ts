import { compileLayout } from '@onlysum/task';
import { expect, test } from 'vitest';
import { SKELLAM, everyKind, withNoise } from '../test/every-kind.js';
import { inventoryCsv, inventoryOf } from './manifest-inventory.js';

/** RFC 4180, by its grammar. */
function parseCsv(text: string): string[][] {
  const field = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n)/y;
  const rows: string[][] = [[]];
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (match === null) throw new Error('not RFC 4180');
    const [, raw = '', end] = match;
    const value = raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw;
    rows.at(-1)?.push(value);
    if (end === '\r\n') rows.push([]);
  }
  return rows.slice(0, -1);
}

test('everything that leaves a device is an element, and nothing else', () => {
  const elements = inventoryOf(everyKind);
  const names = everyKind.metrics.map(({ name }) => name as string);
  const groups = ['essential.respondents', 'performance.respondents'];
  expect(elements.map(({ name }) => name).sort()).toEqual([...names, ...groups].sort());
  const lanes = elements.map(({ leaves }) => Number(/^\d+/.exec(leaves)?.[0]));
  const { lanes: all, vectorBytes } = compileLayout(everyKind);
  expect(lanes.reduce((a, b) => a + b, 0)).toBe(all.length);
  const bits = elements.map(({ leaves }) => Number(/(\d+) bits$/.exec(leaves)?.[1]));
  expect(Math.ceil(bits.reduce((a, b) => a + b, 0) / 8)).toBe(vectorBytes);
});

test('an element has what the manifest says of it', () => {
  expect(inventoryOf(everyKind).find(({ name }) => name === 'crashes')).toEqual({
    name: 'crashes',
    kind: 'count',
    description:
      'How often it happens; beyond 100 it counts as 100. The result tells how often on all devices together.',
    purpose: 'Notice that it crashes.',
    owner: 'Desktop team <desktop@acme.example>',
    retentionDays: 90,
    group: 'performance',
    essential: false,
    access: ['analyst'],
    leaves: '3 masked numbers of 0 to 100, 39 bits',
    noise: 'none',
  });
  const essential = inventoryOf(everyKind)[0];
  expect(essential).toMatchObject({ essential: true, access: ['analyst', 'privacy-officer'] });
  const noisy = inventoryOf(withNoise(SKELLAM)).find(({ name }) => name === 'active');
  expect(noisy?.noise).toMatch(/^skellam of deviation [\d.]+$/);
});

test('the CSV is RFC 4180 with one row an element', () => {
  const [head, ...rows] = parseCsv(inventoryCsv(inventoryOf(everyKind)));
  expect(head).toEqual([
    ...['name', 'kind', 'description', 'purpose', 'owner', 'retentionDays', 'group'],
    ...['essential', 'access', 'leaves', 'noise'],
  ]);
  expect(rows).toHaveLength(everyKind.metrics.length + 2);
  for (const row of rows) expect(row).toHaveLength(11);
  expect(rows[1]?.slice(0, 2)).toEqual(['active', 'flag']);
  expect(rows[1]?.slice(7, 9)).toEqual(['yes', 'analyst, privacy-officer']);
});

test('what a spreadsheet would calculate is text in it', () => {
  const texts = ['=1+1', '+1', '-1', '@a', '"q", said', 'a,b', `='a'!A1`, 'plain'];
  const metrics = texts.map((text, i) => ({
    ...everyKind.metrics[0],
    name: `m${i}`,
    purpose: text,
    owner: text,
  }));
  const groups = [everyKind.groups[0]];
  const [, , ...rows] = parseCsv(inventoryCsv(inventoryOf({ ...everyKind, metrics, groups })));
  expect(rows.map((row) => row[3])).toEqual([
    ...["'=1+1", "'+1", "'-1", "'@a", '"q", said', 'a,b', `'='a'!A1`, 'plain'],
  ]);
  expect(rows.map((row) => row[4])).toEqual(rows.map((row) => row[3]));
});
