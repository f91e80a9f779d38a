/**
 * What a registrar was started with, in the entry of its start: whose tasks, whose tokens, which limits.
 * Knows: options. Doesn't know: the chain. Invariant: public keys and their digests, no secret.
 */
import { toHex } from '@onlysum/crypto';
import type { Ledger } from '@onlysum/protocol';
import type { AuditEvent } from '@onlysum/service';
import type { Task } from '@onlysum/task';
import type { KeyRing } from './key-ring.js';
import { type TokenIssuer, issuerKeyPrints } from './licence-token.js';

/** Flat, as an entry has it. */
export type AuditedSettings = NonNullable<AuditEvent['details']>;

/** @throws {UsageError} `argument-invalid` for an issuer's key that lacks what its kind must have. */
export async function startSettings(
  tasks: readonly Task[],
  issuers: readonly TokenIssuer[],
  { present, previous }: KeyRing,
  limits: AuditedSettings,
): Promise<AuditedSettings> {
  const named = await Promise.all(
    issuers.map(async (issuer, i) => {
      const prints = await issuerKeyPrints(`tokenIssuers[${i}]`, issuer);
      return [issuer.issuer, issuer.audience, ...issuer.algorithms, ...prints].join(' ');
    }),
  );
  return {
    publicKey: toHex(present.publicKey),
    previousKeys: previous.map(({ publicKey }) => toHex(publicKey)).join(', '),
    tasks: tasks
      .map(({ manifest: { name, version }, taskId }) => {
        return `${name} version ${version} ${toHex(taskId)}`;
      })
      .join(', '),
    tokenIssuers: named.join(', '),
    ...limits,
  };
}

/** `{ a: 1 }` as `{ 'limits.a': 1 }`. */
export function prefixed<T extends { readonly [Name in keyof T]: number }>(
  name: string,
  limits: T,
): AuditedSettings {
  const entries = Object.entries<number>(limits);
  return Object.fromEntries(entries.map(([limit, value]) => [`${name}.${limit}`, value]));
}

const SETTINGS_KEY = 'settings';

/** Keeps them for the next start. @returns names of those that the last start had otherwise. */
export function changedSettings(ledger: Ledger, settings: AuditedSettings): readonly string[] {
  const before = ledger.read(SETTINGS_KEY) as AuditedSettings | undefined;
  ledger.put(SETTINGS_KEY, { ...settings });
  if (before === undefined) return [];
  const names = new Set([...Object.keys(before), ...Object.keys(settings)]);
  return [...names].filter((name) => before[name] !== settings[name]);
}
