/** Compiles the AssemblyScript of the kernel, in memory: for build.ts, and for the test of its output. */
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const FLAGS = [
  ...['--runtime', 'stub', '--noAssert', '-O3', '--converge', '--enable', 'simd'],
  ...['--initialMemory', '1', '--maximumMemory', '1', '--memoryBase', '0'],
];

/** @returns the module's bytes, the same on every machine. */
export async function compileKernel(): Promise<Uint8Array> {
  const baseDir = fileURLToPath(new URL('.', import.meta.url));
  let module: Uint8Array | undefined;
  const { error } = await asc.main(
    ['assembly/index.ts', '--outFile', 'kernel.wasm', '--baseDir', baseDir, ...FLAGS],
    {
      writeFile: (_name, contents) => {
        module = typeof contents === 'string' ? undefined : contents;
      },
    },
  );
  if (error !== null || module === undefined) {
    throw new Error('asc did not compile packages/crypto/kernel/assembly', { cause: error });
  }
  return module;
}
