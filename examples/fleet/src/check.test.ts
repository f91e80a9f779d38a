import { expect, test } from 'vitest';
import { compareLanes, type DeviceRecord, falsify, includedDevices } from './check.js';

const layout = {
  lanes: ['a', 'b'].map((label, index) => ({
    index,
    label,
    metric: label,
    group: 'g',
    role: 'value' as const,
    bound: 9,
    noise: undefined,
    tail: 0,
    width: 8,
  })),
};

function device(index: number, place: number | undefined, lanes: number[]): DeviceRecord {
  return { index, place, lanes, vector: '00' };
}

test('the devices at the attested places count, whatever their index', () => {
  const records = [device(0, 2, [1, 0]), device(1, 0, [2, 5]), device(2, 1, [4, 1])];
  const { devices, problems } = includedDevices(records, [0, 2]);
  expect(devices.map(({ index }) => index)).toEqual([1, 0]);
  expect(problems).toEqual([]);
  expect(compareLanes(layout, [3, 5], devices)).toEqual([]);
});

test('a sum that is one off, or holds a device too few, is a mismatch in its lane', () => {
  const devices = [device(0, 0, [1, 0]), device(1, 1, [2, 5])];
  expect(compareLanes(layout, [3, 6], devices)).toEqual([
    { lane: 1, label: 'b', opened: 6, expected: 5 },
  ]);
  expect(compareLanes(layout, [3, 5], devices.slice(1)).map(({ lane }) => lane)).toEqual([0]);
});

test('a lane that is missing on either side is a mismatch', () => {
  expect(compareLanes(layout, [1], [device(0, 0, [1, 0])])).toHaveLength(1);
  expect(compareLanes(layout, [1, 0], [device(0, 0, [1])])).toHaveLength(1);
  expect(compareLanes(layout, [1, 0], [{ lanes: undefined }])).toHaveLength(2);
});

test('an attested place without a device, or of one that sent nothing, is a problem', () => {
  const silent = { ...device(1, 1, [0, 0]), vector: undefined };
  const { devices, problems } = includedDevices([device(0, 0, [0, 0]), silent], [0, 1, 2]);
  expect(devices).toHaveLength(2);
  expect(problems).toEqual([
    'device 1 is in the attested set, but sent no masked input',
    'place 2 of the attested set is that of 0 devices, not 1',
  ]);
});

test('two devices in one place are a problem', () => {
  const twins = [device(0, 0, [0, 0]), device(1, 0, [0, 0])];
  expect(includedDevices(twins, [0]).problems).toEqual([
    'place 0 of the attested set is that of 2 devices, not 1',
  ]);
});

test('falsify changes one lane of one device', () => {
  const one = device(0, 0, [1, 4]);
  falsify(one, 1);
  expect(one.lanes).toEqual([1, 5]);
});
