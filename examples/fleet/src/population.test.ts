import { expect, test } from 'vitest';
import { drawVersions, regionVersions } from './population.js';

const versions = regionVersions();

test('shares add up to one, the most common version first, each name once', () => {
  const total = versions.reduce((sum, { share }) => sum + share, 0);
  expect(total).toBeCloseTo(1, 9);
  for (let i = 1; i < versions.length; i++) {
    expect(versions[i]?.share).toBeLessThanOrEqual(versions[i - 1]?.share ?? 0);
  }
  expect(new Set(versions.map(({ name }) => name)).size).toBe(versions.length);
  expect(versions.length).toBeGreaterThan(100);
});

test('some versions are compliant and some are not, old browsers never', () => {
  expect(versions.some(({ compliant }) => compliant)).toBe(true);
  const old = versions.filter(({ name }) => name.startsWith('IE '));
  expect(old.length).toBeGreaterThan(0);
  expect(old.every(({ compliant }) => !compliant)).toBe(true);
});

test('draws follow the shares', () => {
  const some = [
    { name: 'a', share: 0.5, compliant: true },
    { name: 'b', share: 0.3, compliant: true },
    { name: 'c', share: 0.2, compliant: false },
  ];
  let i = 0;
  const drawn = drawVersions(some, 10, () => (i++ + 0.5) / 10);
  expect(drawn.map(({ name }) => name).join('')).toBe('aaaaabbbcc');
});

test('a crumb that rounding leaves beyond the last share is the last version', () => {
  const some = [{ name: 'a', share: 0.5, compliant: true }];
  expect(drawVersions(some, 1, () => 0.999).map(({ name }) => name)).toEqual(['a']);
});
