/**
 * How many bytes a device will send in a round, before there is one. Knows: messages. Doesn't know: their
 * content, retries, TLS.
 */
import { type Task, type Window } from '@onlysum/task';
import {
  advertiseKeys,
  hello,
  maskedInput,
  PROTOCOL_VERSION,
  shareKeys,
  unmasking,
  uploadRequest,
} from '../messages/from-device.js';
import { rosterParameters } from '../parameters.js';
import { BOX_BYTES, DIGEST_BYTES, KEY_BYTES, NONCE_BYTES, PAIR_TAG_BYTES } from '../sizes.js';
import { ROUND_ID_BYTES, SIGNATURE_BYTES } from '../sizes.js';

/**
 * Every message of a device, in order, in a round in which nobody is lost; for each neighbour that is,
 * 32 bytes more, and 36 if shares of it are needed.
 *
 * @param n - devices in the roster.
 * @returns name and size of each, without what WebSocket and TLS add.
 */
export function messageBytes(
  { manifest, layout }: Pick<Task, 'manifest' | 'layout'>,
  window: Window,
  n: number,
): readonly { readonly message: string; readonly bytes: number }[] {
  const { k } = rosterParameters(n, manifest.assumptions);
  const round = new Uint8Array(ROUND_ID_BYTES);
  const key = new Uint8Array(KEY_BYTES);
  const signature = new Uint8Array(SIGNATURE_BYTES);
  const digest = new Uint8Array(DIGEST_BYTES);
  const certificate = {
    epoch: window.epoch,
    epochLengthMs: manifest.epoch.lengthMs,
    pseudonym: key,
    signature,
  };
  const sent: [string, Uint8Array][] = [
    [
      hello.name,
      hello.encode({
        version: PROTOCOL_VERSION,
        taskId: digest,
        nonce: new Uint8Array(NONCE_BYTES),
        certificate,
        signature,
      }),
    ],
    [advertiseKeys.name, advertiseKeys.encode({ round, c: key, s: key, signature })],
    [
      shareKeys.name,
      shareKeys.encode({
        round,
        boxes: new Uint8Array(k * BOX_BYTES),
        tags: new Uint8Array(k * PAIR_TAG_BYTES),
      }),
    ],
    [uploadRequest.name, uploadRequest.encode({ round })],
    [
      maskedInput.name,
      maskedInput.encode({
        round,
        vector: new Uint8Array(layout.vectorBytes),
        commitment: digest,
      }),
    ],
    [unmasking.name, unmasking.encode({ round, b: key, pairSecrets: new Uint8Array(0) })],
  ];
  return sent.map(([message, { length: bytes }]) => ({ message, bytes }));
}
