import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { Capture, runCaptured } from '../test/captured-run.js';
import { simulationProgress } from './simulation-progress.js';
import type { Terminal } from './terminal.js';

const simulate = (...args: string[]) => runCaptured(tmpdir(), ['simulate', ...args]);
const SMALL = ['--devices', '12', '--lanes', '5', '--corrupt', '10', '--dropout', '250'];
const STAGES = [
  'gathering',
  'attesting-roster',
  'sharing',
  'attesting-shared-set',
  'masking',
  'attesting-survivor-set',
  'unmasking',
  'recovering',
  'opening',
  'keeping',
  'finished',
];

describe('onlysum simulate', () => {
  it('prints one JSON object, with every stage', async () => {
    const { code, out } = await simulate(...SMALL, '--json', '--seed', 'a');
    expect(code).toBe(0);
    expect(out.indexOf('\n')).toBe(out.length - 1);
    const spread = { median: expect.any(Number), total: expect.any(Number) };
    const cost = {
      devices: expect.any(Number),
      deviceMs: spread,
      coordinatorMs: expect.any(Number),
      registrarMs: expect.any(Number),
      bytesUp: spread,
      bytesDown: spread,
    };
    const report = JSON.parse(out) as { stages: { stage: string; deviceMs: { total: number } }[] };
    expect(report).toEqual({
      seed: 'a',
      devices: 12,
      lanes: 5,
      graph: 'complete',
      k: 11,
      t: 6,
      assumptions: { corrupt: 10, dropout: 250 },
      unmasking: 'direct',
      vectorBytes: Math.ceil((5 * 20) / 8),
      survivors: 10,
      dropped: { 'share-keys': 1, 'masked-input': 1, unmasking: 1, recovery: 0 },
      isExact: true,
      transcript: expect.stringMatching(/^[0-9a-f]{64}$/),
      stages: STAGES.map((stage) => ({ stage, ...cost })),
      round: cost,
    });
    // A real clock is behind it: agreeing on eleven keys takes some of it.
    expect(report.stages[2]?.deviceMs.total).toBeGreaterThan(0);
  });

  it('prints one CSV row a stage, the same bytes for the same flags', async () => {
    const rowsOf = async (...args: string[]) => {
      const { code, out } = await simulate(...SMALL, '--csv', ...args);
      expect(code).toBe(0);
      return out
        .trimEnd()
        .split('\n')
        .map((line) => line.split(','));
    };
    const [head = [], ...rows] = await rowsOf();
    expect(rows.map(([stage]) => stage)).toEqual(STAGES);
    for (const row of rows) expect(row).toHaveLength(head.length);
    const bytes = (row: string[]) => row.filter((_, i) => head[i]?.startsWith('bytes_'));
    expect(rows.flatMap(bytes)).toHaveLength(44);
    expect(rows.flatMap(bytes).every((cell) => /^[0-9]+$/.test(cell))).toBe(true);
    const [, ...again] = await rowsOf();
    expect(again.map(bytes)).toEqual(rows.map(bytes));
    const [, ...byShares] = await rowsOf('--unmasking', 'shares', '--drop-at', 'masked-input');
    const recovering = (all: string[][]) => all.find(([stage]) => stage === 'recovering') ?? [];
    expect(bytes(recovering(byShares))).not.toEqual(bytes(recovering(rows)));
  });

  it('says in a table that the sum is exact', async () => {
    const { code, out } = await simulate(...SMALL);
    expect(code).toBe(0);
    expect(out).toContain('exact: every lane is the plain sum of 10 survivors');
    expect(out).toMatch(/│ sharing +│ +12 │/);
    expect(out).toMatch(/│ round +│ +12 │/);
  });

  it.each([[], ['--json'], ['--csv']])(
    'shows what it found and fails where the sum is another: %s',
    async (...format) => {
      const { code, out, err } = await simulate(...SMALL, '--tamper-lane', '4', ...format);
      expect(code).toBe(1);
      expect(err).toContain('[simulation-failed]');
      expect(err).toMatch(/not the plain sum of the 10 survivors/);
      expect(out).not.toContain('exact:');
      if (format[0] === '--json') expect(JSON.parse(out)).toMatchObject({ isExact: false });
      if (format[0] === undefined) expect(out).toContain('WRONG: ');
    },
  );

  it.each<[string[], RegExp]>([
    [[], /required option '--devices <N>'/],
    [['--devices', '2'], /--devices: expected an integer from 3/],
    [['--devices', '12', '--lanes', '0'], /--lanes: expected an integer from 1/],
    [['--devices', '12', '--dropout', '1000'], /--dropout: .*from 0 to 999/],
    [['--devices', '12', '--seed', ''], /--seed: expected a text/],
    [['--devices', '12', '--graph', 'ring'], /'ring' is invalid/],
    [['--devices', '12', '--drop-at', 'hello'], /'hello' is invalid/],
    [['--devices', '12', '--csv', '--json'], /cannot be used with/],
    [['--devices', '12', '--lanes', '4', '--tamper-lane', '4'], /a lane below --lanes 4/],
    [['--devices', '12', '--graph', 'tables'], /--graph: .*no k from 4 to n\/4 = 3/],
    [['--devices', '1001', '--graph', 'complete'], /complete graph of more than 1000/],
    [['--devices', '12', '--dropout', '900'], /--devices: .*threshold 6 exceeds/],
  ])('refuses %j', async (args, message) => {
    const { code, out, err } = await simulate(...args);
    expect({ code, out }).toEqual({ code: 2, out: args.includes('--json') ? out : '' });
    expect(err).toMatch(message);
    expect(err).toContain('[flag-invalid]');
    expect(err.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('the progress of a simulation', () => {
  it('is silent for two seconds, then a line each two seconds where there is something new', () => {
    const err = new Capture();
    const terminal: Terminal = { out: new Capture(), err, env: {}, cwd: '/' };
    let nowMs = 5000;
    const tell = simulationProgress(terminal, 40, () => nowMs);
    const at = (ms: number, devices: number): void => {
      nowMs = 5000 + ms;
      tell({ stage: 'sharing', devices });
    };
    at(10, 1);
    at(1999, 2);
    expect(err.text).toBe('');
    at(2000, 3);
    at(2001, 4);
    at(4000, 5);
    at(6500, 5);
    at(8600, 6);
    const said = [3, 5, 6].map((devices) => `sharing: ${devices} of 40 devices\n`);
    expect(err.text).toBe(said.join(''));
  });
});
