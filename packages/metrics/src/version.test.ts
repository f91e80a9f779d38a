import { expect, test } from 'vitest';
import { versionCategory, versionCompliance } from './version.js';

const categories = ['1', '1.2', '1.2.5', '1.10', '2.0.0-beta.1', '2.0'];

test.each([
  ['1.2.7', '1.2'],
  ['1.2', '1.2'],
  ['v1.2.7', '1.2'],
  ['1.2.5', '1.2.5'],
  ['1.2.5.9', '1.2.5'],
  ['1.2.50', '1.2'],
  ['1.1', '1'],
  ['1.10.3', '1.10'],
  ['1.20', '1'],
  ['1', '1'],
  ['2.0.0+build.7', '2.0'],
  ['2', '2.0'],
  ['2.1', 'other'],
  ['10.0', 'other'],
  // Below 2.0.0, so not in 2.0.
  ['2.0.0-rc.1', 'other'],
  ['2.0.0-beta.1', '2.0.0-beta.1'],
  ['2.0.0-beta.1+build.7', '2.0.0-beta.1'],
  ['2.0.0-beta.1.1', 'other'],
  ['1.2.6-alpha', 'other'],
])('%s is in %s', (version, category) => {
  expect(versionCategory(categories, version)).toBe(category);
});

test.each([
  ['', 'version'],
  ['latest', 'version'],
  ['1.x', 'version'],
  ['>=1.2', 'version'],
  ['1.2-beta', 'version'],
  ['1.2.3.4.5', 'version'],
])('%s is no version', (version, field) => {
  expect(() => versionCategory(categories, version)).toThrow(
    expect.objectContaining({ code: 'argument-invalid', field, got: JSON.stringify(version) }),
  );
  const result = { categories: [counted('1.2', 3)] };
  expect(() => versionCompliance(result, version)).toThrow(
    expect.objectContaining({ code: 'argument-invalid', field: 'minimum' }),
  );
});

test('a category that is no version is named', () => {
  const error = expect.objectContaining({
    code: 'argument-invalid',
    field: 'categories[1]',
    got: '"nightly"',
  });
  expect(() => versionCategory(['1.2', 'nightly'], '1.2.7')).toThrow(error);
  const result = { categories: [counted('nightly', 3), counted('other', 1)] };
  expect(() => versionCompliance(result, '1')).toThrow(
    expect.objectContaining({ code: 'argument-invalid', field: 'categories[0].name' }),
  );
});

const fleet = {
  categories: [
    counted('1', 1),
    counted('1.2', 2),
    counted('1.2.5', 4),
    counted('1.10', 8),
    counted('2.0.0-beta.1', 16),
    counted('2.0', 32),
    counted('other', 64),
  ],
};

test.each([
  // minimum, compliant, below, unknown
  ['0.9', 63, 0, 64],
  ['1', 63, 0, 64],
  // 1.2 has versions on both sides, and so has 1.
  ['1.2.5', 60, 0, 67],
  ['1.2', 62, 0, 65],
  ['1.2.0', 62, 0, 65],
  ['1.3', 56, 6, 65],
  ['2.0', 32, 31, 64],
  ['2.0.0-beta.1', 48, 15, 64],
  ['2.0.0-beta.2', 32, 31, 64],
  ['2.0.0-alpha', 48, 15, 64],
  ['2.0.1-rc.1', 0, 31, 96],
  ['2.1', 0, 63, 64],
])('of 127 devices at least %s: %i are, %i are not', (minimum, compliant, below, unknown) => {
  const found = versionCompliance(fleet, minimum);
  const share = (devices: number) => ({
    value: devices / 127,
    standardError: 0,
    interval: [devices / 127, devices / 127],
  });
  expect(found).toEqual({
    compliant: share(compliant),
    below: share(below),
    unknown: share(unknown),
  });
});

test('the error of a share counts noise that part and whole have in common once', () => {
  const noisy = (name: string, value: number) => ({
    ...counted(name, value),
    count: { value, standardError: 3, interval: [0, 100] as const },
  });
  const { compliant } = versionCompliance(
    { categories: [noisy('1.0', 40), noisy('1.1', 20), noisy('other', 40)] },
    '1.0',
  );
  // (9 + 9 − 2 · 0.6 · 18 + 0.36 · 27) / 100²
  expect(compliant.standardError).toBeCloseTo(Math.sqrt(18 - 21.6 + 9.72) / 100, 12);
  expect(compliant.value).toBe(0.6);
  const nobody = versionCompliance({ categories: [noisy('1.0', 3), noisy('other', -1)] }, '1.0');
  expect(nobody.compliant).toEqual({ value: null, standardError: null, interval: [0, 1] });
});

function counted(name: string, count: number) {
  const point = { value: count, standardError: 0, interval: [count, count] as const };
  return { name, count: point, share: point };
}
