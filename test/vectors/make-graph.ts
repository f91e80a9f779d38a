/** graph.json: words, round tables and neighbours drawn from a seed, and what has no graph. Protocol §4. */
import { LABELS, OnlysumError, type Suite, encodeLabelled } from '@onlysum/crypto';
import { drawGraph, drawTables } from '../../packages/protocol/src/graph.js';
import { graphParameters } from '../../packages/protocol/src/parameters.js';
import { hexOf } from './json.js';

const filled = (byte: number) => new Uint8Array(32).fill(byte);

/** Found by trying seeds: a word of its first table is passed over. */
const PASSED_OVER = new Uint8Array(32);
PASSED_OVER.set([942 >> 8, 942 & 0xff], 30);

export function graphVectors(suite: Suite) {
  return {
    about:
      'words: the first ones of the ChaCha20 stream of key = SHA-256(labelled encoding of "onlysum/1 graph" and ' +
      'seed). drawn: the order of each table once it is repaired, and all neighbours; n and k are free here, ' +
      'so that a restart happens with few devices. large: SHA-256 over all neighbours as u32, big-endian, ' +
      'device after device. refused: code of parameters that do not exist, and of tables for which there is ' +
      'no room. The parameters themselves: graph-parameters.json.',
    words: [0, 1, 255].map((byte) => {
      const key = suite.sha256(encodeLabelled(LABELS.graph, filled(byte)));
      const stream = suite.stream(key, 64);
      const view = new DataView(stream.buffer, stream.byteOffset);
      const words = Array.from({ length: 16 }, (_, i) => view.getUint32(4 * i, true));
      return { seed: hexOf(filled(byte)), key: hexOf(key), words };
    }),
    drawn: (
      [
        ['nothing to repair', 16, 2, 1],
        ['repairs', 16, 4, 2],
        ['restarts', 5, 4, 0],
        ['repairs and restarts', 9, 6, 1],
        ['more repairs', 24, 6, 3],
      ] as const
    ).map(([name, n, k, byte]) => {
      const seed = filled(byte);
      const { neighbours } = drawGraph(suite, tableGraph(n, k), seed);
      return {
        name,
        seed: hexOf(seed),
        n,
        k,
        tables: drawTables(suite, n, k / 2, seed),
        neighbours,
      };
    }),
    large: (
      [
        ['γ = 10 ‰, δ = 50 ‰', 1000, graphParameters(1000, 10, 50).k, filled(9)],
        ['a word passed over', 3000, 4, PASSED_OVER],
      ] as const
    ).map(([name, n, k, seed]) => {
      const { neighbours } = drawGraph(suite, tableGraph(n, k), seed);
      const all = new DataView(new ArrayBuffer(4 * n * k));
      neighbours.flat().forEach((index, i) => all.setUint32(4 * i, index));
      return {
        name,
        seed: hexOf(seed),
        n,
        k,
        hash: hexOf(suite.sha256(new Uint8Array(all.buffer))),
      };
    }),
    refused: {
      parameters: (
        [
          ['too many drop', 10, 10, 500],
          ['too many are corrupt', 20, 900, 50],
          ['too many drop from a large one', 2000, 100, 501],
        ] as const
      ).map(([name, n, corruptPerMille, dropoutPerMille]) => ({
        name,
        n,
        corruptPerMille,
        dropoutPerMille,
        code: codeOf(() => graphParameters(n, corruptPerMille, dropoutPerMille)),
      })),
      tables: ([['six pairs, two tables of four', 4, 4]] as const).map(([name, n, k]) => ({
        name,
        seed: hexOf(filled(0)),
        n,
        k,
        code: codeOf(() => drawTables(suite, n, k / 2, filled(0))),
      })),
    },
  };
}

/** How tables are drawn depends on n and k alone, also on those that no roster has. */
function tableGraph(n: number, k: number) {
  return { ...graphParameters(n, 0, 0), graph: 'tables', k } as const;
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof OnlysumError) return error.code;
    throw error;
  }
  throw new RangeError('it was not refused');
}
