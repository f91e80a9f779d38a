/**
 * One GET of JSON from a server of ours, bounded in time and size.
 * Knows: HTTP, TLS, whom a certificate must be for. Doesn't know: what a server says.
 * Invariant: over TLS nothing is taken from a server whose certificate was not verified: by the system's
 * authorities or the listener's own file, for the name by which it is known.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { get as getSecurely, type RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import { checkServerIdentity, rootCertificates } from 'node:tls';

export interface ServerAddress {
  /** Without a slash at its end. */
  readonly url: string;
  /** Of a listener that the configuration has: the PEM file that it shows. */
  readonly certificate?: string;
}

const MOST_BODY_BYTES = 2 ** 20;
const ANSWER_MS = 5000;
const SILENT = `no answer within ${ANSWER_MS} ms`;

export interface Answer {
  readonly status: number;
  /** Undefined for what is no JSON, or more than any server of ours says. */
  readonly json: unknown;
}

/** As {@link getAnswer}: its body, whatever the status. */
export async function getJson(server: ServerAddress, path: string): Promise<unknown> {
  return (await getAnswer(server, path)).json;
}

/**
 * Whatever the status: 503 has a body as well. Follows nothing.
 *
 * @throws Error as Node's, with its `code`.
 */
export function getAnswer(server: ServerAddress, path: string): Promise<Answer> {
  const url = new URL(`${server.url}${path}`);
  return new Promise((resolve, reject) => {
    const onResponse = (response: IncomingMessage) => {
      const { statusCode: status = 0 } = response;
      textOf(response).then((text) => resolve({ status, json: parsed(text) }), reject);
    };
    // One connection a request: none is left that would keep the process.
    const request =
      url.protocol === 'https:'
        ? getSecurely(url, { agent: false, ...trust(url, server.certificate) }, onResponse)
        : get(url, { agent: false }, onResponse);
    const timer = setTimeout(() => request.destroy(new Error(SILENT)), ANSWER_MS);
    request.on('error', reject);
    request.on('close', () => {
      clearTimeout(timer);
      // Of no effect if it has been answered.
      reject(new Error('the connection ended before the answer did'));
    });
  });
}

/** @param file - of the listener's own certificate. */
function trust(url: URL, file: string | undefined): RequestOptions {
  const own = file === undefined ? undefined : readCertificate(file);
  if (own === undefined) return {};
  const name = expectedName(own.certificate, url.hostname.replace(/^\[|\]$/g, ''));
  return {
    ca: [...rootCertificates, own.pem],
    // A certificate that somebody else has signed is trusted as well, if the file has it.
    allowPartialTrustChain: true,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_, shown) => checkServerIdentity(name, shown),
  };
}

/** @returns undefined if there is none: then the system's authorities decide. */
function readCertificate(file: string) {
  try {
    const pem = readFileSync(file, 'utf8');
    return { pem, certificate: new X509Certificate(pem) };
  } catch {
    return undefined;
  }
}

/**
 * Whom a listener's certificate must be for. An address of this machine is only how it is reached from
 * here; others know it by the name in its own certificate, so that is the one it must show.
 */
export function expectedName(certificate: X509Certificate, host: string): string {
  if (isIP(host) === 0 && host !== 'localhost') return host;
  const names = certificateNames(certificate);
  return names.includes(host) ? host : (names[0]?.replace('*', 'any') ?? host);
}

/** DNS names and addresses of a certificate; the common name if it has none. */
export function certificateNames({ subjectAltName, subject }: X509Certificate): string[] {
  const names = (subjectAltName ?? '').split(', ').flatMap((entry) => {
    const [, name] = /^(?:DNS|IP Address):(.+)$/.exec(entry) ?? [];
    return name === undefined ? [] : [name];
  });
  const [, common] = /^CN=(.+)$/m.exec(subject ?? '') ?? [];
  return names.length > 0 || common === undefined ? names : [common];
}

/** @returns undefined for more than any server of ours says. */
async function textOf(response: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MOST_BODY_BYTES) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}
