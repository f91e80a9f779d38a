import { expect, it } from 'vitest';
import { nearestName } from './nearest-name.js';

const KNOWN = ['host', 'port', 'manifests', 'registrarUrl', 'resultsDir', 'epochLengthMs'];

it.each([
  ['prot', 'port'],
  ['Port', 'port'],
  ['manifest', 'manifests'],
  ['registarUrl', 'registrarUrl'],
  ['resultDir', 'resultsDir'],
  ['epochLength', 'epochLengthMs'],
  ['zzz', undefined],
  ['', undefined],
  ['x', undefined],
])('%s was meant to be %s', (written, meant) => {
  expect(nearestName(written, KNOWN)).toBe(meant);
});
