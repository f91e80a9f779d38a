/** @onlysum/client/node: the client with defaults for Node, and a durable store in files. */
import { nativeSuite } from '@onlysum/crypto/node';
import { type Client, createClient as create } from '../client.js';
import type { AnyMetrics, MetricTypes } from '../metric-types.js';
import type { ClientOptions } from '../options.js';
import { nodeFetch } from './node-fetch.js';
import { nodeTransport } from './ws-transport.js';

export * from '../index.js';
export { type FileStoreOptions, fileStore } from './file-store.js';
export { nativeSuite, nodeFetch, nodeTransport };

/** As `createClient` of `@onlysum/client`, with native cryptography, `ws`, and background requests that do not hold the process. */
export function createClient<Metrics extends MetricTypes<Metrics> = AnyMetrics>(
  options: ClientOptions,
): Promise<Client<Metrics>> {
  return create<Metrics>({
    suite: nativeSuite,
    transport: nodeTransport,
    fetch: nodeFetch,
    ...options,
  });
}
