/** HTTP posts by node:http(s): unlike the built-in fetch, they can be kept from holding a process. */
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { FetchInit } from '../registrar-http.js';

/** A certificate or an error takes a few hundred bytes. */
const MOST_BYTES = 64 * 1024;

/** A {@link FetchLike}. A redirect is an answer like any other, and is not followed. */
export function nodeFetch(
  url: string,
  { method, headers, body, signal, holdsProcess }: FetchInit,
): Promise<{ status: number; text(): Promise<string> }> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    // Without an agent, no idle connection is left behind.
    const request = send(url, { method, headers, signal, agent: false }, (response) => {
      const status = response.statusCode ?? 0;
      readText(response).then((text) => resolve({ status, text: async () => text }), reject);
    });
    if (!holdsProcess) request.once('socket', (socket) => socket.unref());
    request.once('error', reject);
    request.end(body);
  });
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new Error(`an answer above ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
