/** Noise over the shipped coordinator: what opens with dropouts, and what is said of tasks without any. */
import { maskedInput, unmasking } from '@onlysum/protocol';
import { describe, expect, it } from 'vitest';
import { enrolDevices, runDevices, startFleet, until } from './wire-fleet.js';
import { lanesOf } from './wire-task.js';

const DEVICES = 12;
const DROPOUT = 3;
const SILENT = 5;
const PROMISES = [
  {
    mechanism: 'skellam',
    epsilon: '1',
    delta: '0.000001',
    neighbours: 'zero',
    budget: { epsilon: '5', delta: '0.00001', days: 30 },
  },
  {
    mechanism: 'discrete-laplace',
    epsilon: '1',
    neighbours: 'replace',
    budget: { epsilon: '5', delta: '0', days: 30 },
  },
] as const;

describe.each(PROMISES)('a cohort whose devices add $mechanism noise', (privacy) => {
  it('opens the survivors’ sum but for noise within the tails', async () => {
    const fleet = await startFleet({
      cohort: { min: 3, target: DEVICES, max: DEVICES },
      privacy,
    });
    const identities = await enrolDevices(fleet, DEVICES);
    await runDevices(fleet, identities, (i) => ({
      tamper: (type, bytes, { socket }) => {
        const isGone =
          (i === DROPOUT && type === maskedInput.type) || (i === SILENT && type === unmasking.type);
        if (isGone) socket.terminate();
        return isGone ? [] : [bytes];
      },
    }));
    await until(() => fleet.results.length === 1);
    await fleet.coordinator.close();
    const [result] = fleet.results;
    expect(result).toMatchObject({ devices: DEVICES, survivors: DEVICES - 1, privacy });
    const { lanes } = fleet.task.layout;
    const inputs = identities.map((_, i) => lanesOf(fleet.task, i));
    const noise = lanes.map((lane, j) => {
      const plain = inputs.reduce((sum, put, i) => sum + (i === DROPOUT ? 0 : (put[j] ?? 0)), 0);
      const drawn = (result?.lanes[j] ?? Number.NaN) - plain;
      expect(Math.abs(drawn)).toBeLessThanOrEqual(lane.tail);
      return drawn;
    });
    expect(noise.some((drawn) => drawn !== 0)).toBe(true);
    expect(fleet.log.lines.join('')).not.toContain('noise-off');
  });
});

describe('a task without noise', () => {
  it('is named in a warning at start', async () => {
    const fleet = await startFleet({
      name: 'exact',
      moreTasks: [{ name: 'noisy', privacy: PROMISES[0] }],
    });
    const warnings = fleet.log.lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ code }) => code === 'noise-off');
    expect(warnings).toMatchObject([
      { level: 40, task: { name: 'exact', version: 1 }, msg: expect.stringContaining('exact') },
    ]);
    await fleet.coordinator.close();
  });
});
