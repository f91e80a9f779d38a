/**
 * Why a server could not be asked, and how to mend it.
 * Knows: the codes of sockets and of TLS. Doesn't know: what was to be asked.
 */
import { printable } from '@onlysum/crypto';
import type { PeerCertificate } from 'node:tls';
import type { ServerAddress } from './server-request.js';

export interface ServerProblem {
  readonly problem: string;
  /** Of a server that is there, whose TLS is at fault. */
  readonly mend?: string;
}

const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
]);

/** @param error - of `getJson`. */
export function serverProblem(server: ServerAddress, error: unknown): ServerProblem {
  if (!(error instanceof Error)) return { problem: 'no answer' };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const { certificate } = server;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return nameProblem(error, server);
  if (code === 'CERT_HAS_EXPIRED') {
    const mend = 'renew it; a coordinator reads its files again within seconds, or at SIGHUP';
    return { problem: 'its certificate has expired', mend };
  }
  if (code === 'CERT_NOT_YET_VALID') {
    const mend = 'set the clocks of both machines, or wait';
    return { problem: 'its certificate does not hold yet', mend };
  }
  if (UNTRUSTED.has(code)) {
    const mend =
      certificate === undefined
        ? 'set NODE_EXTRA_CA_CERTS to a PEM file with the certificate of its authority, here and for programs that connect to it'
        : `let it read ${certificate} again (SIGHUP), or name the file that it was started with`;
    const where = certificate === undefined ? '' : ` nor that of ${certificate}`;
    return { problem: `its certificate is not trusted here${where}: ${code}`, mend };
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) {
    const mend = 'start the server again with its tls lines, or correct them or the URL';
    return { problem: `it does not speak TLS as it should: ${code}`, mend };
  }
  return { problem: code || error.message };
}

/** Node's error has the certificate that was shown. */
function nameProblem(error: Error, { url, certificate }: ServerAddress): ServerProblem {
  const { cert, host } = error as Error & {
    readonly cert?: PeerCertificate;
    readonly host?: string;
  };
  const names = printable(cert?.subjectaltname ?? `CN=${String(cert?.subject?.CN ?? '')}`);
  const problem = `its certificate is for ${names}, not for ${printable(host ?? new URL(url).hostname)}`;
  const mend =
    certificate === undefined
      ? 'name the server as its certificate does, or get a certificate for this name'
      : `get a certificate for this name, or let it read ${certificate} again (SIGHUP)`;
  return { problem, mend };
}
