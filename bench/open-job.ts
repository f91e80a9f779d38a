/**
 * A job of taking masks off, as a coordinator would have it at the end of a round, made without a round:
 * the same graph, keys, secrets and shares, drawn at random.
 */
import { type Suite, splitSecret, systemRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import {
  COMPLETE_MAX,
  type Graph,
  type GraphParameters,
  type OpenJob,
  type RoundParams,
  drawGraph,
  rosterParameters,
} from '@onlysum/protocol';
import { syntheticTask } from '@onlysum/simulator';
import {
  addMasks,
  pairMask,
  pairSecret,
  selfCommitment,
  selfMask,
} from '../packages/protocol/src/masking.js';
import { CORRUPT, DROPOUT } from './recordings.js';

export interface JobOptions {
  readonly devices: number;
  readonly lanes: number;
  /** Per mille that dropped after sharing keys. */
  readonly dropped: number;
  readonly graph: GraphParameters['graph'];
  readonly unmasking: RoundParams['unmasking'];
  /** Whether the sum holds inputs under their masks, so that what is opened can be checked. */
  readonly isMasked: boolean;
}

export interface SyntheticJob {
  readonly job: OpenJob;
  /** k. */
  readonly neighbours: number;
  /** What it opens to, if the sum is masked. */
  readonly plain: number;
}

const suite: Suite = nativeSuite;
const KEY_BYTES = 32;
/** Input of every survivor in every lane. */
const INPUT = 7;

/** @param options - γ as everywhere; δ of the graph is what dropped, at least the usual one. */
export function syntheticOpenJob(options: JobOptions): SyntheticJob {
  const { devices: n, lanes, unmasking, isMasked } = options;
  const { k, threshold, graph } = drawOf(options);
  const dropped = Math.floor((n * options.dropped) / 1000);
  const isDropped = (index: number): boolean => index < dropped;
  const [context, context2] = [systemRng(KEY_BYTES), systemRng(KEY_BYTES)];
  const neighboursOf = (index: number): readonly number[] => graph.neighbours[index] ?? [];
  const survivingNeighbours = (index: number): number[] =>
    neighboursOf(index).filter((other) => !isDropped(other));
  const ends = Array.from({ length: n }, (_, index) => {
    const secret = systemRng(KEY_BYTES);
    // Only a key that is taken from shares is ever compared or agreed with.
    const s = unmasking === 'shares' ? suite.x25519PublicKey(secret) : secret;
    return { index, secret, s };
  });
  const survivors = ends.slice(dropped);
  const selfSeeds = survivors.map(({ index }) => ({ index, b: systemRng(KEY_BYTES) }));
  const pairs = ends.slice(0, dropped).flatMap((end) =>
    survivingNeighbours(end.index).map((survivor) => ({
      survivor,
      dropped: end.index,
      p: pairOf(end, ends[survivor] ?? end),
    })),
  );
  const sum = new Uint32Array(lanes).fill(INPUT * survivors.length);
  if (isMasked) {
    addMasks(suite, sum, [
      ...selfSeeds.map(({ index, b }) => selfMask(suite, context2, index, b)),
      ...pairs.map((pair) => pairMask(suite, context2, pair.survivor, pair.dropped, pair.p)),
    ]);
  }
  const sharesOf = (dealer: number, secret: Uint8Array) => {
    const holders = neighboursOf(dealer);
    const shares = splitSecret(
      secret,
      threshold,
      holders.map((index) => index + 1),
      systemRng,
    );
    return holders.flatMap((holder, i) => {
      const share = shares[i];
      return isDropped(holder) || share === undefined ? [] : [{ x: holder + 1, share }];
    });
  };
  const job: OpenJob = {
    lanes: lanesOf(n, lanes),
    sum,
    context,
    context2,
    threshold,
    ...(unmasking === 'direct'
      ? { selfSeeds, pairs, silent: [], dropped: [] }
      : {
          selfSeeds: [],
          pairs: [],
          silent: selfSeeds.map(({ index, b }) => ({
            index,
            commitment: selfCommitment(suite, context2, index, b),
            shares: sharesOf(index, b),
          })),
          dropped: ends.slice(0, dropped).map(({ index, secret, s }) => ({
            end: { index, s },
            shares: sharesOf(index, secret),
            partners: survivingNeighbours(index).flatMap((other) => ends[other] ?? []),
          })),
        }),
  };
  return { job, neighbours: k, plain: INPUT * survivors.length };

  function pairOf(end: (typeof ends)[number], other: (typeof ends)[number]): Uint8Array {
    if (unmasking === 'direct') return systemRng(KEY_BYTES);
    return pairSecret(suite, suite.x25519(end.secret, other.s), context, end, other);
  }
}

function drawOf(options: JobOptions): { k: number; threshold: number; graph: Graph } {
  const { devices: n } = options;
  const dropout = Math.max(options.dropped, DROPOUT);
  const natural = rosterParameters(n, { corrupt: CORRUPT, dropout });
  if (options.graph === natural.graph) {
    return { ...natural, threshold: natural.t, graph: drawGraph(suite, natural, systemRng(32)) };
  }
  if (options.graph !== 'complete' || n > COMPLETE_MAX) throw new RangeError('no such graph');
  const complete = { graph: 'complete', n, k: n - 1 } as const;
  const graph = drawGraph(suite, complete, systemRng(32));
  return { k: n - 1, threshold: Math.floor(n / 2), graph };
}

function lanesOf(devices: number, lanes: number): OpenJob['lanes'] {
  const { task } = syntheticTask(
    {
      cohort: { min: devices, target: devices, max: devices },
      assumptions: { corrupt: CORRUPT, dropout: DROPOUT, population: 0 },
      minSurvivors: 2,
      bounds: new Array<number>(lanes).fill(65_535),
    },
    suite,
    systemRng,
  );
  return task.layout.lanes;
}
