/**
 * A part of a job on its way to a thread: thousands of secrets of 32 bytes in one buffer, which moves
 * instead of being copied. Cloned one by one, the shares of 900 silent devices stall the event loop nine
 * times as long (24 ms against 3 ms at best), and a view is cloned with the whole message it came in.
 * Invariant: unpacking gives what was packed, as views of `secrets`, which is all there is to wipe.
 */
import { KEY_BYTES, type OpenPart } from '@onlysum/protocol';

type Lists = Pick<OpenPart, 'selfSeeds' | 'pairs' | 'silent' | 'dropped'>;
type Shares = OpenPart['silent'][number]['shares'];
type End = OpenPart['dropped'][number]['end'];

export interface PackedPart extends Omit<OpenPart, keyof Lists> {
  /** Lengths of lists, indices and x, in the order in which they are read. */
  readonly numbers: Uint32Array<ArrayBuffer>;
  /** Everything of KEY_BYTES, in that order. */
  readonly secrets: Uint8Array<ArrayBuffer>;
}

/** @returns a copy of its own; both arrays are to be transferred. */
export function packPart(part: OpenPart): PackedPart {
  const { selfSeeds, pairs, silent, dropped, ...rest } = part;
  const { numbers, secrets } = emptyFor(part);
  let nextNumber = 0;
  let nextSecret = 0;
  const number = (value: number): void => {
    numbers[nextNumber++] = value;
  };
  const keyed = (value: number, secret: Uint8Array): void => {
    number(value);
    secrets.set(secret, KEY_BYTES * nextSecret++);
  };
  number(selfSeeds.length);
  for (const { index, b } of selfSeeds) keyed(index, b);
  number(pairs.length);
  for (const { survivor, dropped: dropout, p } of pairs) {
    number(survivor);
    keyed(dropout, p);
  }
  number(silent.length);
  for (const { index, commitment, shares } of silent) {
    keyed(index, commitment);
    number(shares.length);
    for (const { x, share } of shares) keyed(x, share);
  }
  number(dropped.length);
  for (const { end, shares, partners } of dropped) {
    keyed(end.index, end.s);
    number(shares.length);
    for (const { x, share } of shares) keyed(x, share);
    number(partners.length);
    for (const { index, s } of partners) keyed(index, s);
  }
  return { ...rest, numbers, secrets };
}

/** Counted first: lists that grow to a hundred thousand entries take five times as long. */
function emptyFor(part: OpenPart): Pick<PackedPart, 'numbers' | 'secrets'> {
  const { selfSeeds, pairs, silent, dropped } = part;
  const lists = 4 + silent.length + 2 * dropped.length;
  let secrets = selfSeeds.length + pairs.length + silent.length + dropped.length;
  for (const { shares } of silent) secrets += shares.length;
  for (const { shares, partners } of dropped) secrets += shares.length + partners.length;
  return {
    numbers: new Uint32Array(lists + secrets + pairs.length),
    secrets: new Uint8Array(KEY_BYTES * secrets),
  };
}

export function unpackPart(packed: PackedPart): OpenPart {
  const { numbers, secrets, ...rest } = packed;
  let nextNumber = 0;
  let nextSecret = 0;
  const number = (): number => numbers[nextNumber++]!;
  const secret = (): Uint8Array => {
    const from = KEY_BYTES * nextSecret++;
    return secrets.subarray(from, from + KEY_BYTES);
  };
  const list = <T>(unpack: () => T): T[] => Array.from({ length: number() }, unpack);
  const end = (): End => ({ index: number(), s: secret() });
  const shares = (): Shares => list(() => ({ x: number(), share: secret() }));
  // Properties are evaluated in the order in which they are written, which is that of packing.
  return {
    ...rest,
    selfSeeds: list(() => ({ index: number(), b: secret() })),
    pairs: list(() => ({ survivor: number(), dropped: number(), p: secret() })),
    silent: list(() => ({ index: number(), commitment: secret(), shares: shares() })),
    dropped: list(() => ({ end: end(), shares: shares(), partners: list(end) })),
  };
}
