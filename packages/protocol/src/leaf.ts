/**
 * The leaf of a device in the roster's Merkle tree: its own round keys and those of its neighbours.
 * Protocol §5.2. Invariant: exactly k neighbours, ascending, distinct, none the device itself.
 */
import { LABELS, WireError, encodeLabelled, invalidField } from '@onlysum/crypto';
import { at } from './at.js';
import type { Graph } from './graph.js';
import { KEY_BYTES, NEIGHBOUR_BYTES } from './sizes.js';

/** The two public keys that a device advertises for a round. */
export interface RoundKeys {
  /** X25519, for the sealed channel. */
  readonly c: Uint8Array;
  /** X25519, for masks. */
  readonly s: Uint8Array;
}

export interface Neighbour extends RoundKeys {
  readonly index: number;
}

export function encodeLeaf(index: number, own: RoundKeys, neighbours: Uint8Array): Uint8Array {
  return encodeLabelled(LABELS.leaf, index, own.c, own.s, neighbours);
}

export function encodeNeighbours(neighbours: readonly Neighbour[]): Uint8Array {
  const out = new Uint8Array(neighbours.length * NEIGHBOUR_BYTES);
  const view = new DataView(out.buffer);
  neighbours.forEach((neighbour, i) => {
    const at = i * NEIGHBOUR_BYTES;
    view.setUint32(at, neighbour.index);
    out.set(neighbour.c, at + 4);
    out.set(neighbour.s, at + 4 + KEY_BYTES);
  });
  return out;
}

/**
 * @returns views into `bytes`.
 * @throws {WireError} `wire-invalid` unless there are exactly `k`, ascending, below n, without `self`.
 */
export function parseNeighbours(
  bytes: Uint8Array,
  self: number,
  n: number,
  k: number,
): readonly Neighbour[] {
  if (bytes.length !== k * NEIGHBOUR_BYTES) {
    const expected = `${k * NEIGHBOUR_BYTES} bytes (k = ${k})`;
    throw invalidField(WireError, 'wire-invalid', 'neighbours', expected, bytes);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let previous = -1;
  return Array.from({ length: k }, (_, i) => {
    const at = i * NEIGHBOUR_BYTES;
    const index = view.getUint32(at);
    if (index <= previous || index >= n || index === self) {
      const expected = `an index above ${previous}, below ${n}, other than ${self}`;
      throw invalidField(WireError, 'wire-invalid', `neighbours[${i}].index`, expected, index);
    }
    previous = index;
    return {
      index,
      c: bytes.subarray(at + 4, at + 4 + KEY_BYTES),
      s: bytes.subarray(at + 4 + KEY_BYTES, at + NEIGHBOUR_BYTES),
    };
  });
}

export interface RosterLeaf {
  /** The bytes that the Merkle tree hashes. */
  readonly leaf: Uint8Array;
  /** The part of it that a device cannot know itself. */
  readonly neighbours: Uint8Array;
}

/** The leaves of a roster, in order. Registrar and coordinator build the same ones. */
export function rosterLeaves(keys: readonly RoundKeys[], graph: Graph): RosterLeaf[] {
  const members = keys.map(({ c, s }, index): Neighbour => ({ index, c, s }));
  return keys.map((own, index) => {
    const neighbours = encodeNeighbours(
      at(graph.neighbours, index).map((other) => at(members, other)),
    );
    return { leaf: encodeLeaf(index, own, neighbours), neighbours };
  });
}
