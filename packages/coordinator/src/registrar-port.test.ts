import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { httpRegistrar } from './registrar-port.js';

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

const quiet = new AbortController().signal;

async function serve(
  answer: (body: Buffer, path: string) => { status: number; body: string | Uint8Array } | undefined,
): Promise<string> {
  const listening = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const said = answer(Buffer.concat(parts), request.url ?? '');
      if (said !== undefined) response.writeHead(said.status, { location: '/' }).end(said.body);
    });
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

describe('httpRegistrar', () => {
  it('quotes an error so that it cannot steer a terminal', async () => {
    const url = await serve(() => ({ status: 400, body: 'no\u001b[2K\u009b1A\r\nforged \u202ex' }));
    await expect(httpRegistrar(url).attest(Uint8Array.of(1), quiet)).rejects.toMatchObject({
      code: 'registrar-answer',
      message: `the registrar at ${url} answered HTTP 400: no[2K1A forged x`,
    });
  });

  it('posts the bytes and gives the answer’s bytes', async () => {
    const url = await serve((body, path) => ({
      status: 200,
      body: Buffer.concat([Buffer.from(path), body]),
    }));
    const answer = await httpRegistrar(`${url}/registrar/`).attest(Uint8Array.of(1, 2), quiet);
    expect(answer).toEqual(Uint8Array.from([...Buffer.from('/registrar/v1/attest'), 1, 2]));
  });

  it.each([
    { status: 400, retryable: false },
    { status: 404, retryable: false },
    { status: 429, retryable: true },
    { status: 503, retryable: true },
  ])(
    'gives HTTP $status with what was said: retryable $retryable',
    async ({ status, retryable }) => {
      const url = await serve(() => ({ status, body: '{"error":{"code":"wire-invalid"}}' }));
      await expect(httpRegistrar(url).attest(new Uint8Array(1), quiet)).rejects.toMatchObject({
        code: 'registrar-answer',
        retryable,
        message: `the registrar at ${url} answered HTTP ${status}: {"error":{"code":"wire-invalid"}}`,
      });
    },
  );

  it('does not read an answer without end', async () => {
    const url = await serve(() => ({ status: 200, body: new Uint8Array(1_001) }));
    const port = httpRegistrar(url, { responseBytes: 1_000 });
    await expect(port.attest(new Uint8Array(1), quiet)).rejects.toMatchObject({
      code: 'registrar-answer',
    });
  });

  it('gives up after timeoutMs, or when it is told to', async () => {
    const url = await serve(() => undefined);
    const slow = httpRegistrar(url, { timeoutMs: 100 }).attest(new Uint8Array(1), quiet);
    await expect(slow).rejects.toThrow(/timeout/);
    const stopped = httpRegistrar(url).attest(new Uint8Array(1), AbortSignal.timeout(100));
    await expect(stopped).rejects.toThrow(/timeout/);
  });

  it('says where it looked, and why nobody answers', async () => {
    const url = await serve(() => undefined);
    server?.close();
    await expect(httpRegistrar(`${url}/`).attest(new Uint8Array(1), quiet)).rejects.toMatchObject({
      code: 'registrar-unavailable',
      retryable: true,
      message: `the registrar at ${url} does not answer: ECONNREFUSED`,
    });
  });

  it.each([
    [200, '{"publicKey":"00"}', undefined],
    [200, '<html>', 'is no registrar'],
    [404, '', 'answered HTTP 404'],
  ])('looks whether what is there is a registrar: %i %s', async (status, body, message) => {
    const asked: string[] = [];
    const url = await serve((_, path) => {
      asked.push(path);
      return { status, body };
    });
    const greeting = httpRegistrar(url).greet?.(quiet);
    if (message === undefined) await greeting;
    else await expect(greeting).rejects.toThrow(new RegExp(`${url} ${message}`));
    expect(asked).toEqual(['/v1/key']);
  });

  it('follows no redirect', async () => {
    const url = await serve(() => ({ status: 307, body: '' }));
    await expect(httpRegistrar(url).attest(new Uint8Array(1), quiet)).rejects.toThrow();
  });

  it.each([
    'http://registrar.example',
    'ftp://127.0.0.1',
    'https://user:pass@registrar.example',
    'https://registrar.example/?a=1',
    'not a url',
  ])('refuses %s', (url) => {
    expect(() => httpRegistrar(url)).toThrow(expect.objectContaining({ field: 'url' }));
  });

  it('never shows the password of a URL', () => {
    expect(() => httpRegistrar('https://user:pass@registrar.example')).not.toThrow(/pass/);
    expect(() => httpRegistrar('https://user:pass@registrar.example')).toThrow(/with a user/);
  });

  it('takes https:// of any host', () => {
    expect(() => httpRegistrar('https://registrar.example/base')).not.toThrow();
  });
});
