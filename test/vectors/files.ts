/** The vector files that the code makes: made again by the tests, written by make-vectors.ts. */
import type { Suite } from '@onlysum/crypto';
import { bitmapVectors } from './make-bitmap.js';
import { encodingVectors } from './make-encoding.js';
import { graphVectors } from './make-graph.js';
import { maskVectors } from './make-masks.js';
import { messageVectors } from './make-messages.js';
import { packingVectors } from './make-packing.js';
import { poolVectors } from './make-pools.js';
import { roundVectors } from './make-round.js';

export const VECTOR_FILES: Readonly<Record<string, (suite: Suite) => unknown>> = {
  'encoding.json': encodingVectors,
  'packing.json': packingVectors,
  'bitmap.json': bitmapVectors,
  'pools.json': poolVectors,
  'graph.json': graphVectors,
  'masks.json': maskVectors,
  'messages.json': messageVectors,
  'round.json': roundVectors,
};
