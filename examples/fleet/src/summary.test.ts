import type { SubmitReceipt } from '@onlysum/client';
import { expect, test } from 'vitest';
import { summarise } from './summary.js';

const report = { device: 0, problem: undefined, submitMs: 1, resumes: 0 };
const receipt = {} as SubmitReceipt;

test('counts drops by stage, and bytes of those that stayed to the end', () => {
  const summary = summarise(
    {
      devices: 10,
      survivors: 7,
      dropped: [
        { stage: 'masked-input', count: 1 },
        { stage: 'masked-input', count: 2 },
      ],
      silentAfterMasked: 1,
      lanes: [1, 2, 3],
      roundMs: 100.04,
      cpuMs: 20.06,
      attested: { t: 5, survivorSet: '7f00' },
    },
    {
      reports: [
        { ...report, receipt, bytesUp: 100, bytesDown: 30 },
        { ...report, receipt, bytesUp: 201, bytesDown: 40, resumes: 1 },
        { ...report, receipt: undefined, bytesUp: 5, bytesDown: 5 },
      ],
      workerCpuMs: 50,
      workerDevices: 9,
      mismatchedLanes: 2,
    },
  );
  expect(summary).toEqual({
    devices: 10,
    survivors: 7,
    dropped: { 'share-keys': 0, 'masked-input': 3, total: 3 },
    silentAfterMasked: 1,
    resumed: 1,
    lanes: 3,
    mismatchedLanes: 2,
    bytesUpPerDevice: 151,
    bytesDownPerDevice: 35,
    deviceCpuMs: 5.6,
    coordinatorCpuMs: 20.1,
    roundMs: 100,
  });
});
