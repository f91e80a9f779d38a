import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('.', import.meta.url));

// Tests run against the sources; the processes that end-to-end tests start run the build.
export default defineConfig({
  resolve: {
    alias: [
      { find: /^@onlysum\/fleet$/, replacement: `${root}examples/fleet/src/index.ts` },
      { find: /^@onlysum\/(\w+)\/node$/, replacement: `${root}packages/$1/src/node/index.ts` },
      { find: /^@onlysum\/(\w+)$/, replacement: `${root}packages/$1/src/index.ts` },
    ],
  },
  test: {
    globalSetup: ['test/postgres/global-setup.ts'],
    include: [
      'packages/*/{src,test}/**/*.test.ts',
      'examples/*/{src,test}/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
