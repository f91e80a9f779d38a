/** What devices and logs have seen, to be held against what is in the store afterwards. */
import { closed, decodeFrame, roster, sharedSet, survivorSet } from '@onlysum/protocol';
import { toHex } from '@onlysum/crypto';
import type { Transport } from '@onlysum/client/node';

export class Witness {
  /** Rounds that a device was told are open, or whose result a log said is stored. */
  readonly reported = new Set<string>();
  /** By round: devices whose receipts say that they are in the sum. */
  readonly included = new Map<string, Set<number>>();
  /** By round and stage: what the registrar signed. */
  readonly #attested = new Map<string, Set<string>>();

  /** Attestations of one round and stage beyond the first. */
  get secondAttestations(): number {
    return [...this.#attested.values()].reduce((sum, { size }) => sum + size - 1, 0);
  }

  readLog(line: string): void {
    const entry = JSON.parse(line) as { msg?: string; round?: string };
    if (entry.msg === 'result stored' && entry.round !== undefined) this.reported.add(entry.round);
  }

  include(device: number, round: string): void {
    const devices = this.included.get(round) ?? new Set();
    this.included.set(round, devices.add(device));
  }

  /** Looks at all that comes from the coordinator. */
  transport(inner: Transport): Transport {
    return {
      connect: (url, options) =>
        inner.connect(url, {
          ...options,
          onOpen: () => options.onOpen(),
          onClose: (closing) => options.onClose(closing),
          onMessage: (bytes) => {
            this.#read(bytes);
            options.onMessage(bytes);
          },
        }),
    };
  }

  #read(bytes: Uint8Array): void {
    const raw = decodeFrame(bytes);
    switch (raw[0]) {
      case roster.type: {
        const { round, signature, root, seed } = roster.parse(raw);
        return this.#attest('roster', round, [signature, root, seed]);
      }
      case sharedSet.type: {
        const { round, signature, members } = sharedSet.parse(raw);
        return this.#attest('shared-set', round, [signature, members]);
      }
      case survivorSet.type: {
        const { round, signature, members } = survivorSet.parse(raw);
        return this.#attest('survivor-set', round, [signature, members]);
      }
      case closed.type: {
        const { round, opened } = closed.parse(raw);
        if (opened) this.reported.add(toHex(round));
        return;
      }
      default:
    }
  }

  #attest(stage: string, round: Uint8Array, parts: readonly Uint8Array[]): void {
    const key = `${toHex(round)} ${stage}`;
    const known = this.#attested.get(key) ?? new Set();
    this.#attested.set(key, known.add(parts.map(toHex).join(' ')));
  }
}
