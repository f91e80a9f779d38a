/** Writes docs/graph-study.md: `npm run study:graph`. The same seeds give the same page. */
import { writeFileSync } from 'node:fs';
import { unsafeSeededRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { type GraphParameters, drawGraph, rosterParameters } from '@onlysum/protocol';
import {
  type SeparatedSet,
  type Tail,
  type TailComparison,
  randomSubset,
  searchCut,
  studyInwardPairs,
  studyNeighbours,
  uniformBelow,
} from '@onlysum/simulator';

const SEED = 'graph study 1';
const STEPS = 20_000;
const GRAPHS_PER_CUT_ROW = 3;

/** n, γ and δ per mille, graphs drawn. */
const NEIGHBOUR_ROWS = [
  [100, 10, 50, 1000],
  [200, 50, 50, 1000],
  [1000, 10, 50, 200],
  [1000, 50, 100, 200],
  [1000, 100, 200, 200],
  [5000, 50, 100, 20],
] as const;
const SETS_PER_GRAPH = 20;

/** n, γ, δ, graphs. */
const INWARD_ROWS = [
  [200, 50, 50, 1000],
  [1000, 50, 100, 200],
  [1000, 100, 200, 200],
] as const;
const INWARD_SETS_PER_GRAPH = 100;

const CUT_ROWS = [
  [100, 10, 50],
  [200, 50, 50],
  [500, 50, 100],
  [1000, 50, 50],
  [1000, 50, 100],
  [1000, 100, 100],
  [1000, 100, 200],
  [2000, 50, 100],
] as const;

const WEIGHTS = [
  { drop: 1, neighbour: 1 },
  { drop: 10, neighbour: 1 },
  { drop: 1, neighbour: 10 },
];

const startMs = performance.now();
const page = `# Drawn graphs against the model behind their parameters

k and t of a cohort (protocol [§4.1](protocol.md)) come from a model: neighbours are drawn like balls from an
urn (rules 1 and 3), and seats are filled independently (rule 4). The tables that are really drawn are
repaired, so that nobody sits beside somebody twice. This page holds the one against the other, and
lets a coordinator search for cuts.

Command: \`npm run study:graph\` (seed "${SEED}", native suite; it writes this page, the same each time). A short form
runs with the tests (\`packages/simulator/src/graph-study.test.ts\`), with controls: a fattened tail is
noticed, and the search does find the cut through a ring.

## Neighbours of a device: rules 1 and 3

Devices to corrupt (A) and to drop (D) are drawn at random, ${SETS_PER_GRAPH} times on each drawn graph. Counted are the
corrupted neighbours of each honest device and the surviving neighbours of each survivor. "Largest
drawn/model" is over all tails from the mean outwards (x or more corrupted, x or fewer surviving) with at least
100 samples or 100 expected ones; with 100 samples it strays by a tenth or two by chance.

${table(
  [
    'n',
    'γ ‰',
    'δ ‰',
    'k',
    't',
    'graphs',
    'corrupted: mean drawn',
    'model',
    'largest drawn/model',
    'most seen',
    't₁',
    'surviving: mean drawn',
    'model',
    'largest drawn/model',
    'fewest seen',
  ],
  NEIGHBOUR_ROWS.map(([n, gamma, delta, graphs]) => {
    const parameters = rosterParameters(n, { corrupt: gamma, dropout: delta });
    const size = { graphs, setsPerGraph: SETS_PER_GRAPH, seed: `${SEED} ${n} ${gamma} ${delta}` };
    const { corrupt, surviving } = studyNeighbours(nativeSuite, parameters, size);
    const { k, t, mostCorruptNeighbours } = parameters;
    return [
      n,
      gamma,
      delta,
      k,
      t,
      graphs,
      ...tailCells(corrupt),
      mostCorruptNeighbours,
      ...tailCells(surviving),
    ];
  }),
)}

By symmetry they have to agree: places are exchanged without regard to who sits there, so that a device's
neighbours are a uniformly random set of k others, and for devices corrupted before the seed is drawn the
hypergeometric distribution of rules 1 and 3 is exact. The table shows that the code has this symmetry.

## Pairs inside a set: rule 4

Random sets of s devices, ${INWARD_SETS_PER_GRAPH} on each drawn graph. Counted are the pairs of neighbours inside the set; the
model has s·k/2 seats, each beside another of the set with probability (s − 1)/(n − 1), independently. The tails
are "e pairs or more", from the mean up.

${table(
  [
    'n',
    'γ ‰',
    'δ ‰',
    'k',
    's',
    'graphs',
    'mean drawn',
    'model',
    'largest drawn/model',
    'furthest tail: e',
    'model',
    'drawn/model',
    'most seen',
  ],
  INWARD_ROWS.flatMap(([n, gamma, delta, graphs]) => {
    const parameters = rosterParameters(n, { corrupt: gamma, dropout: delta });
    return setSizes(parameters, [5, 20, 50, 100]).map((s) => {
      const seed = `${SEED} ${n} ${gamma} ${delta} ${s}`;
      const size = { graphs, setsPerGraph: INWARD_SETS_PER_GRAPH, seed };
      const found = studyInwardPairs(nativeSuite, parameters, s, size);
      const { furthest } = found;
      const [mean, model, ratio, extreme] = tailCells(found);
      const far = [furthest.bound, furthest.model.toExponential(1), ratioText(furthest)];
      return [n, gamma, delta, parameters.k, s, graphs, mean, model, ratio, ...far, extreme];
    });
  }),
)}

A set is more inward than the model has it where a ratio is above 1 by more than chance (a tenth or two in the
furthest tails), and less where it is below: the circle is closed and no pair counts twice, so large sets are
drawn closer to their mean. Rule 4 needs this far beyond what can be counted, and uses a bound, C(sk/2, e)·p^e,
that is above the tail shown here.

## A search for cuts

The coordinator knows the whole graph and its A random colluders, and drops up to D honest devices of its
choice. To cut off a set S it has to drop all honest neighbours that S has outside, and the round goes on only
if every member of S keeps t neighbours in S and among colluders. That the rest must keep t as well is left
out, in the coordinator's favour. For each size s of S (from 2 to half of the fewest honest survivors): greedy
growth from the most surrounded device, then ${STEPS.toLocaleString('en')} steps of simulated annealing, on ${GRAPHS_PER_CUT_ROW} graphs a row, with
three weights: drops and missing neighbours alike, drops ten times as dear, and missing neighbours ten times as
dear. Shown is how near it came from either side:

- **within D**: of the sets that D drops do cut off, the fewest neighbours that a member misses to t, on average.
  The registrar does not attest such a round, and no device of S goes on with it.
- **keeping t**: of the sets whose members all keep t, the fewest drops that cut one off, to be held against D.

${table(
  [
    'n',
    'γ ‰',
    'δ ‰',
    'k',
    't',
    'D',
    'sizes s tried',
    'cuts found',
    'within D: fewest missing',
    'with s =',
    'keeping t: fewest drops',
    'with s =',
  ],
  CUT_ROWS.map(([n, gamma, delta]) => {
    const parameters = rosterParameters(n, { corrupt: gamma, dropout: delta });
    const { k, t, mostDropped } = parameters;
    const sizes = setSizes(parameters, [2, 3, 5, 10, 20, 50, 100, 200]);
    const sets = Array.from({ length: GRAPHS_PER_CUT_ROW }, (_, i) =>
      searchedSets(parameters, sizes, `${SEED} ${n} ${gamma} ${delta} ${i}`),
    ).flat();
    const missing = (set: SeparatedSet) => set.lacking / set.members.length;
    const within = least(
      sets.filter(({ toDrop }) => toDrop.length <= mostDropped),
      missing,
    );
    const keeping = least(
      sets.filter(({ lacking }) => lacking === 0),
      ({ toDrop }) => toDrop.length,
    );
    return [
      n,
      gamma,
      delta,
      k,
      t,
      mostDropped,
      sizes.join(', '),
      sets.filter(({ cost }) => cost === 0).length,
      within === undefined ? 'none found' : missing(within).toFixed(2),
      within?.members.length ?? '',
      keeping?.toDrop.length ?? 'none found',
      keeping?.members.length ?? '',
    ];
  }),
)}

Where no cut is found, the only component of a round that could be attested is all of its honest survivors.

## What this shows, and what not

- The model is not refuted where it can be counted: down to about 10^-5 for neighbours, 10^-3 for pairs.
- It says nothing about probabilities like 2^-60. These rest on the union bound of rule 4, in which seats are
  independent; that repairs keep it true that far out is argued, not proved and not measured.
- The search for cuts is a heuristic on a few graphs, and not for every s. It could miss a cut. It cannot find
  what happens once in 2^60 graphs.
- Colluders are random here, as they are when the seed is drawn after the roster is fixed. A registrar that
  chooses the seed, or colluders chosen after it, are outside the model.
`;
writeFileSync(new URL('../../docs/graph-study.md', import.meta.url), page);
process.stdout.write(
  `docs/graph-study.md in ${Math.round((performance.now() - startMs) / 1000)} s\n`,
);

function searchedSets(
  parameters: GraphParameters,
  sizes: readonly number[],
  seed: string,
): readonly SeparatedSet[] {
  const { n, t, mostCorrupt, mostDropped } = parameters;
  const graph = drawGraph(nativeSuite, parameters, unsafeSeededRng(seed)(32));
  const corrupt = randomSubset(n, mostCorrupt, uniformBelow(seed));
  return sizes.flatMap((size) =>
    WEIGHTS.map((weights) =>
      searchCut({ graph, corrupt, mostDropped, t, weights }, size, STEPS, seed),
    ),
  );
}

function least<T>(all: readonly T[], value: (one: T) => number): T | undefined {
  return all.reduce<T | undefined>(
    (best, one) => (best === undefined || value(one) < value(best) ? one : best),
    undefined,
  );
}

/** Of some sizes those below half of the fewest honest survivors, and that half itself: as rule 4 has them. */
function setSizes(parameters: GraphParameters, some: readonly number[]): readonly number[] {
  const { n, mostCorrupt, mostDropped } = parameters;
  const half = Math.floor((n - mostCorrupt - mostDropped) / 2);
  return [...some.filter((size) => size < half), half];
}

function tailCells({ meanDrawn, meanModel, worst, extreme }: TailComparison) {
  return [meanDrawn.toFixed(4), meanModel.toFixed(4), ratioText(worst), extreme] as const;
}

function ratioText({ drawn, model }: Tail): string {
  return (drawn / model).toFixed(3);
}

function table(
  head: readonly string[],
  rows: readonly (readonly (string | number | undefined)[])[],
): string {
  const line = (cells: readonly unknown[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---:')), ...rows.map(line)].join('\n');
}
