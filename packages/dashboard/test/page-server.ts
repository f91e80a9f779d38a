/**
 * The page as a coordinator serves it, with recorded answers behind it. Built from the sources.
 */
import { mkdtemp, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import type { RecordedApi } from './recorded-api.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const LIVE_EVERY_MS = 300;
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
};
/** What a coordinator sends with the page; its own policy is in the page as well. */
const HEADERS = {
  'content-security-policy':
    "frame-ancestors 'none'; default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'x-content-type-options': 'nosniff',
};

/** Builds the page as `npm run build` does, into a folder of its own. @returns the folder. */
export async function buildPage(): Promise<string> {
  const outDir = await mkdtemp(join(tmpdir(), 'onlysum-dashboard-'));
  await build({ root, logLevel: 'error', build: { outDir, emptyOutDir: true } });
  return outDir;
}

export interface PageServer {
  readonly origin: string;
  /** Ends every stream of live rounds, as a restart would. */
  breakStreams(): void;
  close(): Promise<void>;
}

/** @param directory - of the built page; paths are trusted, as only tests ask. */
export async function servePage(directory: string, api: RecordedApi): Promise<PageServer> {
  const streams = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    void respond(directory, api, streams, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    breakStreams: () => {
      for (const stream of streams) stream.destroy();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function respond(
  directory: string,
  api: RecordedApi,
  streams: Set<ServerResponse>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (!url.pathname.startsWith('/api/')) {
    const path = url.pathname === '/' ? '/index.html' : url.pathname;
    const file = await readFile(join(directory, path)).catch(() => undefined);
    const type = TYPES[path.split('.').at(-1) ?? ''] ?? 'text/plain';
    response.writeHead(file === undefined ? 404 : 200, { ...HEADERS, 'content-type': type });
    response.end(file);
    return;
  }
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const token = (request.headers.authorization ?? '').replace('Bearer ', '');
  if (url.pathname === '/api/v1/live' && api.failing === undefined) {
    sendLive(api, streams, response);
    return;
  }
  const {
    status,
    type = 'application/json',
    body: answer,
  } = api.answer(request.method ?? 'GET', url, token, body);
  response.writeHead(status, { 'content-type': type });
  response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
}

function sendLive(api: RecordedApi, streams: Set<ServerResponse>, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (): void => {
    response.write(`event: rounds\ndata: ${JSON.stringify(api.live())}\n\n`);
  };
  send();
  const sending = setInterval(send, LIVE_EVERY_MS);
  streams.add(response);
  response.on('close', () => {
    clearInterval(sending);
    streams.delete(response);
  });
}
