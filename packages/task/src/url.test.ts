import { expect, test } from 'vitest';
import { isCoordinatorUrl, registrarBase } from './url.js';

test.each([
  ['https://r.test', 'https://r.test'],
  ['https://r.test/a//', 'https://r.test/a'],
  ['http://localhost:8788/', 'http://localhost:8788'],
  ['http://127.8.9.10:1', 'http://127.8.9.10:1'],
  ['http://[::1]:1', 'http://[::1]:1'],
])('a registrar at %s', (url, base) => {
  expect(registrarBase(url)).toBe(base);
});

test.each([
  'http://r.test',
  'http://127.0.0.1.r.test',
  'https://user@r.test',
  'https://:pass@r.test',
  'https://r.test/?a',
  'https://r.test/#',
  'https://r.te\nst',
  'ftp://127.0.0.1',
  'wss://r.test',
  'r.test',
  '',
  7,
  undefined,
])('no registrar at %s', (url) => {
  expect(registrarBase(url)).toBeUndefined();
});

test('a coordinator may have a query, but is reached over no other scheme', () => {
  expect(isCoordinatorUrl('wss://c.test/v1?a=b')).toBe(true);
  expect(isCoordinatorUrl('https://c.test')).toBe(false);
  expect(isCoordinatorUrl('ws://c.test')).toBe(false);
});
