/** What the types let pass is checked by `npm run typecheck`: an unused @ts-expect-error fails it. */
import { expect, it } from 'vitest';
import { type Client, createClient, memoryStore } from './index.js';
import { createClient as createNodeClient, nodeTransport } from './node/index.js';
import { manifest, publisherKey, REGISTRAR_URL, signed, START_MS } from '../test/rig.js';

interface Metrics {
  active: boolean;
  crashes: number;
  edition: 'free' | 'pro' | 'other';
}

const options = {
  manifest: signed(manifest('wss://sum.test/v1')),
  publisherKey,
  registrarUrl: REGISTRAR_URL,
  now: () => START_MS,
};

it('a typed client takes the names and values of its metrics only', async () => {
  const problems: string[] = [];
  const client: Client<Metrics> = await createNodeClient<Metrics>({
    ...options,
    store: memoryStore(),
    onProblem: ({ code }) => problems.push(code),
  });
  client.record('active', true);
  client.record('edition', 'pro');
  expect(problems).toEqual([]);
  // @ts-expect-error - a typo in the name
  client.record('crashs', 1);
  // @ts-expect-error - a wrong type of value
  client.record('crashes', true);
  // @ts-expect-error - not one of the categories
  client.record('edition', 'enterprise');
  expect(problems).toEqual(['metric-unknown', 'value-type']);
  // @ts-expect-error - no metric takes a date
  const impossible = (): Promise<unknown> => createClient<{ at: Date }>(options as never);
  expect(impossible).toBeTypeOf('function');
});

it('without a type argument any name and value is left to the check at run time', async () => {
  const client: Client = await createClient({
    ...options,
    store: memoryStore(),
    transport: nodeTransport,
  });
  client.record('crashs', 1);
  client.record('edition', 'enterprise');
  // @ts-expect-error - what no metric takes
  client.record('crashes', new Date(0));
  expect(client.preview().metrics.filter(({ included }) => included)).toHaveLength(1);
});
