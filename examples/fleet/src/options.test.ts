import { expect, test } from 'vitest';
import { checkCorruptLane, checkDevices } from './options.js';

test.each([4, 5, 100, 5000])('%i devices are taken', (devices) => {
  expect(() => checkDevices(devices)).not.toThrow();
});

test.each([3, 0, -1])('%i devices are too few, and the error says why', (devices) => {
  expect(() => checkDevices(devices)).toThrow(/at least 4, got -?\d: with fewer the threshold/);
});

test.each([5001, 4.5, Number.NaN, Number.POSITIVE_INFINITY])(
  '%d devices are refused',
  (devices) => {
    expect(() => checkDevices(devices)).toThrow('devices: expected an integer from 4 to 5000');
  },
);

test('a lane to corrupt must be one of the vector', () => {
  for (const lane of [undefined, 0, 38]) expect(() => checkCorruptLane(lane, 39)).not.toThrow();
  for (const lane of [-1, 39, 1.5, Number.NaN]) {
    expect(() => checkCorruptLane(lane, 39)).toThrow('corruptLane: expected a lane of the vector');
  }
});
