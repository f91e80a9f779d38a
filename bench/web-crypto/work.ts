/** What is to be measured, and how it travels to where it is: as JSON, with typed arrays in it. */
import type { RecordedDevice } from '@onlysum/simulator';
import type { ReplayedService } from '../replay/device-replay.js';

export type Runner = 'portable' | 'WebCrypto';

export interface Work {
  /** `first keys`: what nothing ran before, as many as a round needs; once. */
  readonly what: 'first keys' | 'operations' | 'rounds';
  readonly runner: Runner;
  readonly service: ReplayedService;
  readonly device: RecordedDevice;
  /** Rounds after the first one, or passes over the operations. */
  readonly times: number;
}

export function packWork(work: Work): string {
  return JSON.stringify(work, (_, value: unknown) => {
    // The shape that a Buffer gives itself.
    if (value instanceof Uint8Array) return { type: 'Buffer', data: [...value] };
    if (value instanceof Uint32Array) return { type: 'lanes', data: [...value] };
    return value;
  });
}

export function unpackWork(text: string): Work {
  return JSON.parse(text, (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('data' in value)) return value;
    const data = value.data as number[];
    return 'type' in value && value.type === 'lanes'
      ? Uint32Array.from(data)
      : Uint8Array.from(data);
  }) as Work;
}
