import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import rfc8439 from '../../../test/vectors/v1/rfc/8439.json' with { type: 'json' };
import { compileKernel } from '../kernel/compile.js';
import { parseHex } from './bytes.js';
import { KERNEL_MODULE } from './kernel-module.js';
import { type Kernel, type SignedStream, kernel } from './kernel.js';
import { scalarKernel } from './scalar-kernel.js';
import { simdKernel } from './simd-kernel.js';
import { systemRng } from './system-rng.js';

const module = new Uint8Array(Buffer.from(KERNEL_MODULE, 'base64'));
const simd = simdKernel()!;

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('the generated module', () => {
  test('is what the AssemblyScript compiles to', async () => {
    expect(Buffer.from(await compileKernel()).toString('base64')).toBe(KERNEL_MODULE);
  });

  test('is small enough to be compiled synchronously on a browser’s main thread', () => {
    expect(module.length).toBeLessThan(4096);
  });
});

describe('the choice', () => {
  test('falls on SIMD here', () => {
    expect(kernel.name).toBe('simd');
  });

  test.each<[string, unknown]>([
    ['WebAssembly is missing', undefined],
    [
      'a content security policy forbids to compile',
      {
        ...WebAssembly,
        Module: function Module() {
          throw new WebAssembly.CompileError('blocked by CSP');
        },
      },
    ],
  ])('falls on plain JavaScript where %s', async (_, replacement) => {
    vi.stubGlobal('WebAssembly', replacement);
    vi.resetModules();
    const fresh = await import('./kernel.js');
    expect(fresh.kernel.name).toBe('scalar');
  });
});

/** Node's ChaCha20, and BigInt for the arithmetic: nothing in common with either kernel. */
function added(lanes: Uint32Array, streams: readonly SignedStream[]): Uint32Array {
  const words = streams.map(({ key, sign }) => {
    const cipher = createCipheriv('chacha20', key, new Uint8Array(16));
    const bytes = cipher.update(new Uint8Array(4 * lanes.length));
    return { view: new DataView(bytes.buffer, bytes.byteOffset), sign };
  });
  return lanes.map((lane, j) => {
    let sum = BigInt(lane);
    for (const { view, sign } of words) sum += BigInt(sign * view.getUint32(4 * j, true));
    return Number(BigInt.asUintN(32, sum));
  });
}

const randomLanes = (length: number) => new Uint32Array(systemRng(4 * length).buffer);
const randomStreams = (count: number): SignedStream[] =>
  Array.from({ length: count }, (_, i) => ({ key: systemRng(32), sign: i % 3 === 1 ? -1 : 1 }));

/** The one page that the kernel has, taken as it is made. */
function spiedPage(): { kernel: Kernel; page: Uint8Array } {
  const { Module } = WebAssembly;
  let page: Uint8Array | undefined;
  vi.stubGlobal('WebAssembly', {
    Module,
    Instance: class {
      readonly exports: WebAssembly.Exports;
      constructor(compiled: WebAssembly.Module) {
        ({ exports: this.exports } = new InstanceOf(compiled));
        page = new Uint8Array((this.exports['memory'] as WebAssembly.Memory).buffer);
      }
    },
  });
  const made = simdKernel()!;
  return { kernel: made, page: page! };
}
const InstanceOf = WebAssembly.Instance;

describe.each([simd, scalarKernel])('the $name kernel', (each) => {
  test.each(rfc8439.blocks)('makes the RFC 8439 block $name', ({ key, counter, block }) => {
    const expected = parseHex('block', block, 64);
    const lanes = new Uint32Array(16 * (counter + 1));
    const secret = parseHex('key', key, 32);
    each.addStreams(lanes, [{ key: secret, sign: 1 }]);
    const bytes = new Uint8Array(lanes.buffer);
    expect(bytes.subarray(64 * counter)).toEqual(expected);
    expect(each.stream(secret, 64 * (counter + 1)).subarray(64 * counter)).toEqual(expected);
  });

  // Around a block, a quad, a chunk of the page and a batch of streams.
  const lengths = [0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 129, 6143, 6144, 6145, 12_289];
  test.each(lengths)('adds streams of either sign to %i lanes', (length) => {
    for (const count of [0, 1, 2, 3]) {
      const [lanes, streams] = [randomLanes(length), randomStreams(count)];
      const expected = added(lanes, streams);
      each.addStreams(lanes, streams);
      expect(lanes).toEqual(expected);
    }
  });

  test.each([63, 64, 65, 129])('adds %i streams', (count) => {
    const [lanes, streams] = [randomLanes(70), randomStreams(count)];
    const expected = added(lanes, streams);
    each.addStreams(lanes, streams);
    expect(lanes).toEqual(expected);
  });

  test('adds to any length, any number of streams, within a larger array', () => {
    const shape = fc.tuple(fc.nat(300), fc.nat(9), fc.nat(5));
    fc.assert(
      fc.property(shape, ([length, count, before]) => {
        const whole = randomLanes(before + length + 70);
        const expected = whole.slice();
        const streams = randomStreams(count);
        expected.set(added(whole.subarray(before, before + length), streams), before);
        each.addStreams(whole.subarray(before, before + length), streams);
        expect(whole).toEqual(expected);
      }),
    );
  });

  test.each([0, 1, 2, 3, 4, 5, 255, 1000, 70_001])('makes %i bytes of stream', (length) => {
    const key = systemRng(32);
    const cipher = createCipheriv('chacha20', key, new Uint8Array(16));
    const expected = new Uint8Array(cipher.update(new Uint8Array(length)));
    expect(each.stream(key, length)).toEqual(expected);
  });

  test('leaves the keys to their owner', () => {
    const streams = [{ key: new Uint8Array(32).fill(5), sign: 1 as const }];
    each.addStreams(new Uint32Array(3), streams);
    expect(streams[0]!.key).toEqual(new Uint8Array(32).fill(5));
  });
});

describe('on shares', () => {
  const row = fc.uint32Array({ minLength: 8, maxLength: 8 });
  const x = fc.integer({ min: 1, max: 0xffff });
  const rowsOf = (rows: readonly Uint32Array[]) => Uint32Array.from(rows.flatMap((r) => [...r]));

  test('both kernels evaluate alike', () => {
    const some = fc.tuple(
      fc.array(row, { minLength: 1, maxLength: 9 }),
      fc.array(x, { maxLength: 9 }),
    );
    fc.assert(
      fc.property(some, ([rows, xs]) => {
        const coefficients = rowsOf(rows);
        expect(simd.evaluate(coefficients, xs)).toEqual(scalarKernel.evaluate(coefficients, xs));
        expect(coefficients).toEqual(rowsOf(rows));
      }),
    );
  });

  test('both kernels sum powers alike', () => {
    const some = fc.tuple(fc.array(fc.tuple(row, x, x), { maxLength: 9 }), fc.nat(9));
    fc.assert(
      fc.property(some, ([terms, count]) => {
        const rows = rowsOf(terms.map(([r]) => r));
        const weights = terms.map(([, weight]) => weight);
        const xs = terms.map(([, , each]) => each);
        const expected = scalarKernel.powerSums(rows.slice(), weights, xs, count);
        expect(simd.powerSums(rows, weights, xs, count)).toEqual(expected);
      }),
    );
  });

  test.each([255, 256, 257, 600])('alike across the page’s chunks: %i', (count) => {
    const coefficients = randomLanes(8 * count);
    const xs = Array.from({ length: count }, (_, i) => 1 + 97 * i);
    const few = coefficients.subarray(0, 16);
    expect(simd.evaluate(coefficients, [3, 500])).toEqual(
      scalarKernel.evaluate(coefficients, [3, 500]),
    );
    expect(simd.evaluate(few, xs)).toEqual(scalarKernel.evaluate(few, xs));
    const sums = scalarKernel.powerSums(few.slice(), [9, 2], [5, 77], count);
    expect(simd.powerSums(few.slice(), [9, 2], [5, 77], count)).toEqual(sums);
  });
});

describe('the page is all zeros after', () => {
  const key = new Uint8Array(32).fill(255);
  const lanes = (count: number) => new Uint32Array(count).fill(0xffff_ffff);
  const rows = () => lanes(8 * 300);
  const points = Array.from({ length: 300 }, (_, i) => i + 1);
  test.each<[string, (made: Kernel) => unknown]>([
    ['a stream', (made) => made.addStreams(lanes(60), [{ key, sign: -1 }])],
    [
      'many streams',
      (made) => {
        const streams = Array.from({ length: 130 }, () => ({ key, sign: -1 as const }));
        made.addStreams(lanes(7000), streams);
      },
    ],
    ['a key stream', (made) => made.stream(key, 40_000)],
    ['splitting', (made) => made.evaluate(rows(), points)],
    ['recovery', (made) => made.powerSums(rows(), points, points, 300)],
  ])('%s', (_, use) => {
    const { kernel: made, page } = spiedPage();
    use(made);
    expect(page.every((byte) => byte === 0)).toBe(true);
  });
});
