/**
 * When a registrar changes its signing key, a newer manifest names the new one: the device has what it was
 * enrolled with certified under it, without a code. Protocol §2.5.
 * Knows: which keys follow each other, by the publisher's word. Doesn't know: enrolment, renewal.
 * Invariant: the device keeps its pseudonyms, so that it takes part as one device under all keys.
 */
import { OnlysumError, parseHex } from '@onlysum/crypto';
import { keyChangeStatement } from '@onlysum/protocol';
import type { Task } from '@onlysum/task';
import {
  checkCertificate,
  type EnrolmentPorts,
  pseudonymRecord,
  withSeed,
} from './own-certificate.js';
import {
  type ClientRecord,
  type PseudonymRecord,
  type RegistrarRecord,
  registrarOf,
  withRegistrar,
} from './record.js';
import { postRecertify } from './registrar-http.js';

/**
 * Notes which registrar attests a task. If an older manifest of it named another, the new one follows that:
 * the publisher signed both.
 */
export function takeRegistrar(record: ClientRecord, { manifest }: Task): ClientRecord {
  const { publisher, name, registrar } = manifest;
  const task = `${publisher}/${name}`;
  const own = registrarOf(record, registrar);
  if (own.tasks?.includes(task) === true) return record;
  const [before] = Object.entries(record.registrars).find(([, r]) => r.tasks?.includes(task)) ?? [];
  // A device that never enrolled for it keeps nothing of a registrar.
  if (before === undefined && !Object.hasOwn(record.registrars, registrar)) return record;
  const tasks = [...(own.tasks ?? []), task];
  const succeeds = own.succeeds ?? before;
  const change = succeeds === undefined ? { tasks } : { tasks, succeeds };
  const taken = withRegistrar(record, registrar, change);
  if (before === undefined) return taken;
  const left = registrarOf(record, before).tasks?.filter((other) => other !== task) ?? [];
  return withRegistrar(taken, before, { tasks: left });
}

/** @returns other keys of the same registrar, as far as this device knows: older and newer ones. */
export function kin(record: ClientRecord, registrar: string): string[] {
  const found = new Set([registrar]);
  const links = Object.entries(record.registrars).flatMap(([key, { succeeds }]) =>
    succeeds === undefined ? [] : [[key, succeeds] as const],
  );
  // A set shows what is added to it while it is walked.
  for (const key of found) {
    for (const [newer, older] of links) {
      if (newer === key) found.add(older);
      if (older === key) found.add(newer);
    }
  }
  found.delete(registrar);
  return [...found];
}

/** A device that gives up its enrolment gives it up under all keys. */
export function withoutKin(record: ClientRecord, registrar: string): ClientRecord {
  const newer = Object.keys(record.registrars).filter(
    (key) => registrarOf(record, key).succeeds === registrar,
  );
  return [registrar, ...newer].reduce(
    (changed, key) => withRegistrar(changed, key, { succeeds: undefined }),
    record,
  );
}

/**
 * Has pseudonyms that are newer than those under the manifest's key certified under it.
 *
 * @returns what this device has with the manifest's registrar, unchanged if there is nothing to carry over
 *   or the registrar does not know it.
 * @throws as `pseudonymFor`, but for `not-enrolled`.
 */
export async function carryOver(ports: EnrolmentPorts): Promise<RegistrarRecord> {
  const { store, task } = ports;
  const { registrar } = task.manifest;
  const before = await store.read();
  const newest = registrarOf(before, registrar).pseudonyms.at(-1)?.epoch ?? -1;
  for (const from of kin(before, registrar)) {
    const other = registrarOf(before, from);
    const newer = other.pseudonyms.filter(({ epoch }) => epoch > newest);
    const carried: PseudonymRecord[] = [];
    for (const { seed } of newer) {
      const certified = await recertified(ports, from, seed);
      if (certified !== undefined) carried.push(certified);
    }
    if (carried.length > 0) {
      await store.update((record) => [carriedInto(record, registrar, other, carried), undefined]);
    }
  }
  return registrarOf(await store.read(), registrar);
}

/** @returns undefined if the registrar has no such enrolment, or no such former key. */
async function recertified(
  ports: EnrolmentPorts,
  from: string,
  seedHex: string,
): Promise<PseudonymRecord | undefined> {
  const { suite, task, call } = ports;
  const fromKey = parseHex('from', from, 32);
  const certificate = await withSeed(seedHex, (seed) => {
    const pseudonym = suite.ed25519PublicKey(seed);
    const statement = keyChangeStatement(fromKey, task.registrarKey, pseudonym);
    const proof = suite.ed25519Sign(seed, statement);
    return postRecertify(call, task.registrarKey, { from: fromKey, pseudonym, proof });
  }).catch((error: unknown) => {
    if (error instanceof OnlysumError && NOT_KNOWN.includes(error.code)) return undefined;
    throw error;
  });
  if (certificate === undefined) return undefined;
  checkCertificate(ports, certificate, seedHex);
  return pseudonymRecord(certificate, seedHex);
}

const NOT_KNOWN = ['pseudonym-unknown', 'registrar-key-unknown'];

function carriedInto(
  record: ClientRecord,
  registrar: string,
  other: RegistrarRecord,
  carried: readonly PseudonymRecord[],
): ClientRecord {
  const own = registrarOf(record, registrar);
  const kept = own.pseudonyms.filter(({ seed }) => carried.every((each) => each.seed !== seed));
  const pseudonyms = [...kept, ...carried].sort((a, b) => a.epoch - b.epoch).slice(-2);
  // A key whose answer was lost may be the newest one.
  const asked = own.renewing ?? other.renewing;
  const isCarried = carried.some(({ seed }) => seed === asked?.seed);
  const renewing = isCarried ? null : asked;
  const code = own.code ?? other.code;
  return withRegistrar(record, registrar, { pseudonyms, renewing, code, enrolling: null });
}
