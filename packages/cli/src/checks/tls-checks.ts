/** Certificates: that they hold, and belong to their keys. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Deployment } from './deployment.js';
import { failure, type Finding, orOk, warning } from './finding.js';

const DAY_MS = 86_400_000;
/** Longer than what is left of a certificate of 90 days when it should have been renewed. */
const SOON_DAYS = 21;

/** @param nowMs - Unix time. */
export function checkCertificates(deployment: Deployment, nowMs: number): Finding[] {
  const { tls, admin } = deployment.configuration.coordinator;
  const all = [
    ['coordinator.tls', tls],
    ['coordinator.admin.tls', admin?.tls],
  ] as const;
  const named = all.flatMap(([field, files]) => (files === undefined ? [] : [{ field, ...files }]));
  if (named.length === 0) return [];
  const findings = named.flatMap((each) => checkCertificate(deployment, each, nowMs));
  return orOk(findings, 'certificates', `${named.length} certificates hold`);
}

function checkCertificate(
  { at }: Deployment,
  { field, certificate, key }: { field: string; certificate: string; key: string },
  nowMs: number,
): Finding[] {
  const place = at(`${field}.certificate`);
  const fail = (what: string, mend: string) => [
    failure('certificates', `${field}.certificate: ${certificate} ${what}`, mend, place),
  ];
  const parsed = attempt(() => new X509Certificate(readFileSync(certificate)));
  if (parsed === undefined) return fail('is no certificate in PEM', 'name the right file');
  const privateKey = attempt(() => createPrivateKey(readFileSync(key)));
  if (privateKey === undefined || !parsed.checkPrivateKey(privateKey)) {
    return fail(`does not belong to ${key}`, 'name the key that it was issued for');
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

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
