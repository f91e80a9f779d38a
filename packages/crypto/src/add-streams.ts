/** Adding key streams into lanes, as every suite does it: checked, then by the kernel. */
import { type SignedStream, kernel } from './kernel.js';
import { checkSecretLength, checkStreamLength } from './lengths.js';

/** `addStreams` of a suite. */
export function addStreams(lanes: Uint32Array, streams: readonly SignedStream[]): void {
  for (const { key } of streams) checkSecretLength('key', key);
  checkStreamLength(4 * lanes.length);
  kernel.addStreams(lanes, streams);
}
