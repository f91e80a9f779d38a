/**
 * Builds of the packages for attacks: as they are, or with one check removed. A weakened build is a
 * bundle in a temporary folder, made when a test asks for it and removed afterwards: there is
 * nothing in any package that could be shipped or switched on.
 * Invariant: a weakened build differs from the sources in the texts named, each of which occurs exactly once.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Plugin, build as bundle } from 'esbuild';

export type Build = typeof import('./surface.js');

/** One check, and what stands in its place once it is removed. Where another stands behind it, both. */
export interface Weakening {
  /** Under packages/, e.g. `protocol/src/device/roster.ts`. */
  readonly file: string;
  /** Must occur exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface LoadedBuild {
  readonly build: Build;
  /** For child processes, which import it themselves. */
  readonly url: string;
}

const here = fileURLToPath(new URL('.', import.meta.url));
const packages = resolve(here, '../../packages');
let folder: string | undefined;

/** @param from - `dist` is what ships; `src` what it was built from. */
export function intactBuild(from: 'dist' | 'src'): Promise<LoadedBuild> {
  return load(`intact-${from}`, packagesFrom(from));
}

/** @throws {RangeError} unless each text occurs exactly once. */
export function weakenedBuild(
  name: string,
  weakening: Weakening | readonly Weakening[],
): Promise<LoadedBuild> {
  return load(name.replace(/\W+/g, '-'), packagesFrom('src', [weakening].flat()));
}

/** For a process that may be ended without an exit, as test runners do. */
export function removeBuilds(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
}

async function load(name: string, plugin: Plugin): Promise<LoadedBuild> {
  folder ??= temporaryFolder();
  // Test runners import what lies under this name as it is.
  const outfile = join(folder, 'node_modules', `${name}.mjs`);
  await bundle({
    entryPoints: [join(here, 'surface.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'es2023',
    outfile,
    logLevel: 'silent',
    plugins: [plugin],
  });
  const { href } = pathToFileURL(outfile);
  return { build: (await import(/* @vite-ignore */ href)) as Build, url: href };
}

function temporaryFolder(): string {
  const made = mkdtempSync(join(tmpdir(), 'onlysum-attacks-'));
  process.once('exit', removeBuilds);
  return made;
}

/** Bundles the packages of this repository; everything else is imported from where it is installed. */
function packagesFrom(from: 'dist' | 'src', weakenings: readonly Weakening[] = []): Plugin {
  const extension = from === 'src' ? 'ts' : 'js';
  return {
    name: 'packages',
    setup(build) {
      build.onResolve({ filter: /^@onlysum\// }, ({ path }) => {
        const [, name = '', part] = path.split('/');
        const entry = part === undefined ? 'index' : `${part}/index`;
        return { path: resolve(packages, name, from, `${entry}.${extension}`) };
      });
      build.onResolve({ filter: /^\.\.\/\.\.\/packages\// }, ({ path, resolveDir }) => {
        const [name = '', , ...rest] = relative(packages, resolve(resolveDir, path)).split('/');
        return { path: resolve(packages, name, from, rest.join('/').replace(/js$/, extension)) };
      });
      build.onResolve({ filter: /^[^./]/ }, async ({ path, resolveDir, kind, pluginData }) => {
        if (pluginData === 'resolving' || path.startsWith('node:')) return undefined;
        const found = await build.resolve(path, { resolveDir, kind, pluginData: 'resolving' });
        if (found.errors.length > 0 || !found.path.startsWith('/')) return undefined;
        return { path: pathToFileURL(found.path).href, external: true };
      });
      const left = new Set(weakenings);
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const here = weakenings.filter(({ file }) => path === resolve(packages, file));
        if (here.length === 0) return undefined;
        let contents = readFileSync(path, 'utf8');
        for (const weakening of here) {
          contents = replaced(contents, weakening);
          left.delete(weakening);
        }
        return { contents, loader: 'ts' };
      });
      build.onEnd(() => {
        for (const { file } of left) throw new RangeError(`${file}: not part of the bundle`);
      });
    },
  };
}

function replaced(source: string, { file, find, replace }: Weakening): string {
  const parts = source.split(find);
  if (parts.length === 2) return parts.join(replace);
  throw new RangeError(
    `${file}: expected exactly one ${JSON.stringify(find)}, got ${parts.length - 1}`,
  );
}
