/** `privacy sigma` and `privacy epsilon`, as they are called. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { caseFolders, runCaptured } from '../test/captured-run.js';

const folders = caseFolders('onlysum-privacy-');
let cwd: string;

beforeEach(() => {
  cwd = folders.make();
});
afterAll(() => folders.remove());

const privacy = (text: string) => runCaptured(cwd, ['privacy', ...text.split(' ')]);

describe('onlysum privacy sigma', () => {
  it.each([
    ['--epsilon 1 --delta 1e-6', 4.65],
    ['--epsilon .5 --delta 0.000001 --mechanism skellam --l1 1 --l2 1 --windows 1', 8.74],
    ['--epsilon 1 --delta 1E-6 --l1 2 --l2 1.4142135623730951', 6.49],
    ['--mechanism discrete-laplace --epsilon 6.931471805599453e-1', 2],
    ['--mechanism discrete-laplace --epsilon 6.931471805599453 --l1 2 --windows 5', 2],
    ['--mechanism discrete-laplace --epsilon 0.6931471805599453 --delta 0 --l2 1', 2],
  ])('%s', async (flags, expected) => {
    const { code, out } = await privacy(`sigma ${flags} --json`);
    const answer = JSON.parse(out) as { sigma: number };
    expect([code, Object.keys(answer)]).toEqual([0, ['sigma']]);
    expect(answer.sigma).toBeCloseTo(expected, 2);
  });

  it('takes the 2-norm for that of the 1-norm where it is not given', async () => {
    const { out } = await privacy('sigma --epsilon 1 --delta 1e-6 --l1 3 --json');
    expect((await privacy('sigma --epsilon 1 --delta 1e-6 --l1 3 --l2 3 --json')).out).toBe(out);
    expect((await privacy('sigma --epsilon 1 --delta 1e-6 --l1 3 --l2 2 --json')).out).not.toBe(
      out,
    );
  });

  it('says what it means', async () => {
    const { code, out } = await privacy('sigma --epsilon 1 --delta 1e-6 --windows 7');
    expect(code).toBe(0);
    expect(out).toMatch(/^sigma \d+\.\d+: the standard deviation of the skellam noise/);
    expect(out).toContain('for epsilon 1, delta 0.000001 over 7 windows\n');
  });
});

describe('onlysum privacy epsilon', () => {
  it.each(['', ' --l1 5 --l2 3', ' --windows 30'])('is the way back:%s', async (rest) => {
    for (const flags of [`--delta 1e-6${rest}`, '--mechanism discrete-laplace']) {
      const { out } = await privacy(`sigma --epsilon 1.25 ${flags} --json`);
      const { sigma } = JSON.parse(out) as { sigma: number };
      const back = await privacy(`epsilon --sigma ${sigma} ${flags} --json`);
      const answer = JSON.parse(back.out) as { epsilon: number };
      expect([back.code, Object.keys(answer)]).toEqual([0, ['epsilon']]);
      expect(answer.epsilon).toBeCloseTo(1.25, 9);
    }
  });

  it('says what it means', async () => {
    const { code, out } = await privacy('epsilon --sigma 2 --mechanism discrete-laplace');
    expect(code).toBe(0);
    expect(out).toMatch(/^epsilon 0\.693147 over one window: what one device's data can change,\n/);
  });
});

describe('refuses', () => {
  it.each([
    ['sigma --epsilon 1', '--delta'],
    ['sigma --epsilon 0 --delta 1e-6', '--epsilon'],
    ['sigma --epsilon -1 --delta 1e-6', '--epsilon'],
    ['sigma --epsilon 1e400 --delta 1e-6', '--epsilon'],
    ['sigma --epsilon 0x1 --delta 1e-6', '--epsilon'],
    ['sigma --epsilon 0.001 --delta 1e-6', '--epsilon'],
    ['sigma --epsilon 1 --delta 1', '--delta'],
    ['sigma --epsilon 1 --delta 1e-30', '--delta'],
    ['sigma --epsilon 1 --delta 1e-6 --l2 2', '--l2'],
    ['sigma --epsilon 1 --delta 1e-6 --l1 none', '--l1'],
    ['sigma --epsilon 1 --delta 1e-6 --windows 1.5', '--windows'],
    ['sigma --epsilon 1 --delta 1e-6 --mechanism gauss', '--mechanism'],
    ['sigma --epsilon 1 --delta 0', '--delta'],
    ['sigma --epsilon 1 --delta -1e-6', '--delta'],
    ['sigma --delta 1e-6', '--epsilon'],
    ['epsilon --delta 1e-6', '--sigma'],
    ['epsilon --sigma 0 --delta 1e-6', '--sigma'],
    ['epsilon --sigma 1', '--delta'],
  ])('%s', async (flags, named) => {
    const { code, err } = await privacy(flags);
    expect([code, err]).toEqual([2, expect.stringContaining('[flag-invalid]')]);
    expect(err).toContain(named);
  });
});
