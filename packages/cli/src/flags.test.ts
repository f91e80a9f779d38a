import { UsageError } from '@onlysum/crypto';
import { describe, expect, it } from 'vitest';
import {
  given,
  integerFlag,
  keyFlag,
  pathFlag,
  positiveFlag,
  probabilityFlag,
  registrarUrlFlag,
  repeated,
  required,
  secondsFlag,
  settingFlag,
} from './flags.js';

function refused(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof UsageError) return `${error.code} ${error.field}`;
    throw error;
  }
  return 'taken';
}

describe('flags', () => {
  it('numbers: decimals and exponents, within their range', () => {
    const read = positiveFlag('--n');
    expect(['1', '0.5', '.5', '2.', '1e-6', '1.5E+3', '12e2'].map(read)).toEqual([
      1, 0.5, 0.5, 2, 1e-6, 1500, 1200,
    ]);
    for (const text of [
      '0',
      '-1',
      '1e',
      'e1',
      '.',
      '',
      ' 1',
      '1,5',
      '0x1',
      'NaN',
      '1e999',
      '1e-999',
    ]) {
      expect(
        refused(() => read(text)),
        text,
      ).toBe('flag-invalid --n');
    }
    expect(['0', '1e-6', '0.999'].map(probabilityFlag('--p'))).toEqual([0, 1e-6, 0.999]);
    for (const text of ['1', '-0.1', '2']) {
      expect(
        refused(() => probabilityFlag('--p')(text)),
        text,
      ).toBe('flag-invalid --p');
    }
  });

  it('integers: digits only, within their range', () => {
    const read = integerFlag('--n', 1, 10);
    expect(['1', '07', '10'].map(read)).toEqual([1, 7, 10]);
    for (const text of [
      '0',
      '11',
      '-1',
      '1.5',
      '1e1',
      '0x1',
      ' 1',
      '',
      'ten',
      '99999999999999999',
    ]) {
      expect(refused(() => read(text))).toBe('flag-invalid --n');
    }
  });

  it('seconds become milliseconds', () => {
    const read = secondsFlag('--s', 60);
    expect(['1', '0.5', '59.999', '60'].map(read)).toEqual([1000, 500, 59_999, 60_000]);
    for (const text of ['0', '0.000', '-1', '61', '60.001', '1e3', 'x', '', '1.2345']) {
      expect(refused(() => read(text))).toBe('flag-invalid --s');
    }
  });

  it('keys: 64 lower-case hex digits', () => {
    const read = keyFlag('--publisher');
    expect(read('0a'.repeat(32))).toBe('0a'.repeat(32));
    for (const text of ['0A'.repeat(32), '0a'.repeat(31), `${'0a'.repeat(32)} `, '']) {
      expect(refused(() => read(text))).toBe('flag-invalid --publisher');
    }
  });

  it('URLs of a registrar: https, or http of this machine', () => {
    const read = registrarUrlFlag('--registrar-url');
    expect(read('https://registrar.example.org')).toBe('https://registrar.example.org');
    expect(read('http://127.0.0.1:8788/')).toBe('http://127.0.0.1:8788');
    const wrong = ['registrar.example.org', 'http://x.org', 'ws://x', 'file:///etc', ''];
    for (const text of wrong) {
      expect(refused(() => read(text))).toBe('flag-invalid --registrar-url');
    }
    expect(() => read('https://me:secret@x.org')).not.toThrow(/secret/);
  });

  it('paths are made absolute', () => {
    expect(pathFlag('--key', '/home/x')('a/b')).toBe('/home/x/a/b');
    expect(pathFlag('--key', '/home/x')('/a')).toBe('/a');
    expect(refused(() => pathFlag('--key', '/')(''))).toBe('flag-invalid --key');
  });

  it('settings: split at the first sign of equality', () => {
    const read = settingFlag('--set');
    expect(read('a=b=c')).toEqual(['a', 'b=c']);
    expect(read('a=')).toEqual(['a', '']);
    for (const text of ['a', '=b', ''])
      expect(refused(() => read(text))).toBe('flag-invalid --set');
  });

  it('repeated flags add up', () => {
    const read = repeated(integerFlag('--n', 0, 9));
    expect(read('2', read('1'))).toEqual([1, 2]);
  });

  it('what was not given overwrites nothing', () => {
    expect({ port: 1, ...given({ port: undefined, host: 'h' }) }).toEqual({ port: 1, host: 'h' });
  });

  it('what is missing is named by flag and line', () => {
    expect(required(0, '--port', 'registrar.port')).toBe(0);
    expect(refused(() => required(undefined, '--key', 'registrar.key'))).toBe(
      'setting-missing --key',
    );
    expect(refused(() => required(undefined, undefined, 'registrar.key'))).toBe(
      'setting-missing registrar.key',
    );
  });
});
