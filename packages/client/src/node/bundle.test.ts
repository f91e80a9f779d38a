import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

/**
 * gzip. Raise it only with a reason: it is what every page that embeds the client pays. Some 6 kB are
 * the mask kernel, which takes most of a round's time off the page; some 8 kB are noise and its account,
 * and some 3 kB the sentences of `describe`, which only a page that imports it pays.
 */
const MOST_BYTES = 88 * 1024;

it('bundles for browsers without Node or ws, and stays small', async () => {
  const result = await build({
    entryPoints: [fileURLToPath(new URL('../../dist/index.js', import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    write: false,
    metafile: true,
  });
  const inputs = Object.keys(result.metafile.inputs);
  expect(inputs.some((path) => path.endsWith('client/dist/client.js'))).toBe(true);
  expect(inputs.filter((path) => /node_modules\/ws\/|\/dist\/node\//.test(path))).toEqual([]);
  const [output] = result.outputFiles;
  const text = output?.text ?? '';
  expect(text).not.toMatch(/["']node:/);
  const bytes = gzipSync(text).length;
  expect(bytes).toBeLessThan(MOST_BYTES);
  process.stderr.write(`@onlysum/client for browsers: ${text.length} bytes, ${bytes} with gzip\n`);
});
