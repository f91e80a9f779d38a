/** Certificates: that they hold, belong to their keys, and are for the names that devices ask for. */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { checkServerIdentity } from 'node:tls';
import { type TlsFiles, tlsOptions } from '@onlysum/coordinator';
import { certificateNames } from '../server-request.js';
import type { Deployment, NamedTask } from './deployment.js';
import { failure, type Finding, orOk, warning } from './finding.js';

const DAY_MS = 86_400_000;
/** Longer than what is left of a certificate of 90 days when it should have been renewed. */
const SOON_DAYS = 21;

/** @param nowMs - Unix time. */
export function checkCertificates(
  deployment: Deployment,
  tasks: readonly NamedTask[],
  nowMs: number,
): Finding[] {
  const { tls, admin } = deployment.configuration.coordinator;
  const all = [
    ['coordinator.tls', tls],
    ['coordinator.admin.tls', admin?.tls],
  ] as const;
  const named = all.flatMap(([field, files]) => (files === undefined ? [] : [{ field, ...files }]));
  if (named.length === 0) return [];
  const findings = [
    ...named.flatMap((each) => checkCertificate(deployment, each, nowMs)),
    ...(tls === undefined ? [] : checkNames(deployment, tls.certificate, tasks)),
  ];
  return orOk(findings, 'certificates', `${named.length} certificates hold`);
}

function checkCertificate(
  { at }: Deployment,
  { field, certificate, key }: TlsFiles & { readonly field: string },
  nowMs: number,
): Finding[] {
  const place = at(`${field}.certificate`);
  const fail = (what: string, mend: string) => [
    failure('certificates', `${field}.certificate: ${certificate} ${what}`, mend, place),
  ];
  // That a file is not there is said of all files.
  if (!existsSync(certificate) || !existsSync(key)) return [];
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(tlsOptions({ certificate, key }).cert);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^tls: /, '') : String(error);
    const mend = why.endsWith('cannot be read')
      ? "check as the coordinator's user, or let that user read it"
      : 'name a certificate and the key that it was issued for, both in PEM';
    return [failure('certificates', `${field}: ${why}`, mend, place)];
  }
  const [fromMs, toMs] = [Date.parse(parsed.validFrom), Date.parse(parsed.validTo)];
  const day = new Date(toMs).toISOString().slice(0, 10);
  if (nowMs >= toMs) return fail(`ended on ${day}`, 'renew it');
  if (nowMs < fromMs) return fail('does not hold yet', "set the machine's clock, or wait");
  const days = Math.floor((toMs - nowMs) / DAY_MS);
  if (days >= SOON_DAYS) return [];
  const message = `${field}.certificate: ${certificate} ends in ${days} days, on ${day}`;
  return [warning('certificates', message, 'renew it', place)];
}

/** A proxy that ends TLS before this listener has a certificate of its own, and is named. */
function checkNames(
  { configuration, at }: Deployment,
  certificate: string,
  tasks: readonly NamedTask[],
): Finding[] {
  const parsed = attempt(() => new X509Certificate(readFileSync(certificate)));
  if (parsed === undefined || configuration.coordinator.trustProxy !== undefined) return [];
  return tasks
    .filter(({ role, task }) => role === 'coordinator' && !isFor(parsed, task))
    .map(({ path, task }) => {
      const field = 'coordinator.tls.certificate';
      const names = certificateNames(parsed).join(', ');
      const message = `${field}: ${certificate} is for ${names}, and devices of ${path} connect to ${task.manifest.coordinator.url}`;
      const mend = 'get a certificate for the name in the URL, or name the proxy in trustProxy';
      return warning('certificates', message, mend, at(field));
    });
}

function isFor(certificate: X509Certificate, { manifest }: NamedTask['task']): boolean {
  const { hostname } = new URL(manifest.coordinator.url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return checkServerIdentity(host, certificate.toLegacyObject()) === undefined;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
