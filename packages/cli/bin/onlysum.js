#!/usr/bin/env node
// Checked in, so that npm finds a bin to link before anything is built.
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  const { main: runMain } = await import(main.href);
  await runMain();
} else {
  process.stderr.write('onlysum is not built: run `npm run build` in the project folder first\n');
  process.exitCode = 1;
}
