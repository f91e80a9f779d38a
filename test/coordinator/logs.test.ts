import { toHex } from '@onlysum/crypto';
import {
  decodeFrame,
  hello,
  maskedInput,
  revealShares,
  shareKeys,
  unmasking,
} from '@onlysum/protocol';
import { describe, expect, it } from 'vitest';
import { enrolDevices, runDevices, startFleet, until } from './wire-fleet.js';

/** Lengths of the records inside a message's concatenated fields, by type of message. */
const RECORD_BYTES = new Map([
  [shareKeys.type, 16],
  [unmasking.type, 32],
  [revealShares.type, 36],
]);

/** Every byte string of a frame, and every record within one. */
function secretsOf(bytes: Uint8Array): Uint8Array[] {
  const raw = decodeFrame(bytes);
  const record = RECORD_BYTES.get(Number(raw[0]));
  // A message's first field is its round's id, which is public.
  const fields = raw[0] === hello.type ? raw.slice(3) : raw.slice(2);
  return fields
    .flat()
    .filter((field) => field instanceof Uint8Array)
    .flatMap((field) => [field, ...(record === undefined ? [] : records(field, record))])
    .filter((field) => field.length >= 12);
}

function records(field: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.floor(field.length / size) }, (_, i) =>
    field.subarray(i * size, (i + 1) * size),
  );
}

/** How the start of a secret would look in a log line. */
function spellings(secret: Uint8Array): string[] {
  const head = secret.subarray(0, 12);
  const base64 = Buffer.from(head).toString('base64');
  return [
    toHex(head),
    toHex(head).toUpperCase(),
    base64,
    base64.replaceAll('+', '-').replaceAll('/', '_'),
    [...head].join(','),
    [...head].map((byte, i) => `"${i}":${byte}`).join(','),
  ];
}

function found(text: string, secrets: readonly Uint8Array[]): string[] {
  return secrets.flatMap(spellings).filter((spelling) => text.includes(spelling));
}

describe('logs at the finest level', () => {
  it('hold no vector, share, seed, key or certificate of anything that passed', async () => {
    const secrets: Uint8Array[] = [];
    const types = new Set<number>();
    const fleet = await startFleet({ cohort: { min: 3, target: 6, max: 6 } });
    const identities = await enrolDevices(fleet, 6);
    const { seed } = identities[0]!;
    for (const identity of identities) {
      const { pseudonym, signature } = identity.certificate;
      secrets.push(identity.seed, pseudonym, signature);
    }
    secrets.push(fleet.keys.coordinator, fleet.keys.registrar, fleet.keys.publisher);
    // One is lost after its masked input, one garbles its reveal: recovery and errors are logged too.
    await runDevices(fleet, identities, (i) => ({
      tap: (direction, bytes) => {
        types.add(Number(decodeFrame(bytes)[0]));
        if (direction === 'up') secrets.push(...secretsOf(bytes));
      },
      tamper: (type, bytes, { socket }) => {
        if (i === 2 && type === unmasking.type) {
          socket.terminate();
          return [];
        }
        if (i === 3 && type === maskedInput.type) {
          const message = maskedInput.parse(decodeFrame(bytes));
          return [maskedInput.encode({ ...message, vector: message.vector.subarray(1) })];
        }
        return [bytes];
      },
    }));
    await until(() => fleet.results.length === 1);
    await fleet.coordinator.close();
    for (const type of [hello, shareKeys, maskedInput, unmasking, revealShares]) {
      expect(types).toContain(type.type);
    }
    const text = fleet.log.lines.join('');
    expect(text).toContain('sum opened');
    expect(text).toContain('device sent away');
    expect(secrets.length).toBeGreaterThan(100);
    expect(found(text, secrets)).toEqual([]);
    // The search does find what is there.
    for (const planted of spellings(seed))
      expect(found(`${text}${planted}`, secrets)).toContain(planted);
  });
});
