/** `npm run fuzz:manifest -- --runs N [--seed S]`: the manifest parser against N spoilt manifests. */
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { manifestProperty } from './manifest-property.js';

const { values } = parseArgs({ options: { runs: { type: 'string' }, seed: { type: 'string' } } });
const numRuns = Number(values.runs ?? 100_000);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
if (!Number.isSafeInteger(numRuns) || numRuns < 1 || !Number.isSafeInteger(seed)) {
  throw new Error(`--runs: expected an integer from 1, --seed an integer`);
}
const tally = { taken: 0, refused: 0 };
fc.assert(manifestProperty(tally), { numRuns, seed });
process.stdout.write(
  `${numRuns} runs of seed ${seed}: ${tally.taken} taken, ${tally.refused} refused\n`,
);
