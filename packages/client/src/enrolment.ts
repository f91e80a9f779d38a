/**
 * Who this device is to the registrar: a pseudonym per epoch, with its certificate. Protocol §5.0.
 * Knows: enrolment, renewal. Doesn't know: rounds, what a code or a token proves.
 * Invariant: a key is durable before the registrar hears of it, so a lost answer costs nothing, and
 * all processes of a device have the same pseudonym in an epoch.
 */
import { OnlysumError, parseHex, type Rng, toHex, UsageError, wipe } from '@onlysum/crypto';
import { type Certificate, renewalStatement } from '@onlysum/protocol';
import { checkCredential, type Credential } from './credential.js';
import { carryOver, kin, takeRegistrar, withoutKin } from './key-change.js';
import {
  certificateInvalid,
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
import { postEnrol, postRenew } from './registrar-http.js';

export type { EnrolmentPorts } from './own-certificate.js';

/** For one round; the caller wipes the seed. */
export interface Pseudonym {
  readonly seed: Uint8Array;
  readonly certificate: Certificate;
}

export interface EnrolOptions {
  /** Gives up the enrolment that this device has: to the registrar it becomes another device. */
  readonly replace?: boolean;
}

/**
 * Does nothing if this device is enrolled by this code, or this licence, already.
 *
 * @throws {UsageError} `argument-invalid`, `already-enrolled`, or the registrar's refusal
 *   (`code-invalid`, `token-invalid`, …); {@link RoundError} `registrar-unavailable`; {@link WireError}
 *   `registrar-answer`, `certificate-invalid`.
 */
export async function enrolWith(
  ports: EnrolmentPorts,
  given: Credential,
  { replace = false }: EnrolOptions,
): Promise<void> {
  const { task, store, suite, rng } = ports;
  const { registrar } = task.manifest;
  const { id, prove } = checkCredential(suite, given);
  if (!replace) await carryOver(ports);
  const fresh = freshSeed(rng);
  const seedHex = await store.update((record): [ClientRecord, string | undefined] => {
    const own = registrarOf(record, registrar);
    if (own.code === id) return [record, undefined];
    if (!replace) checkFree(own);
    const enrolling = own.enrolling?.code === id ? own.enrolling : { code: id, seed: fresh };
    const begun = withRegistrar(record, registrar, { enrolling });
    return [takeRegistrar(begun, task), enrolling.seed];
  });
  if (seedHex === undefined) return;
  const certificate = await withSeed(seedHex, (seed) =>
    postEnrol(ports.call, prove(task.registrarKey, seed)),
  );
  checkCertificate(ports, certificate, seedHex);
  await store.update((record) => {
    const own = registrarOf(record, registrar);
    // Another process may have enrolled by another code meanwhile.
    if (!replace && own.code !== id) checkFree(own);
    const pseudonyms = [pseudonymRecord(certificate, seedHex)];
    const change = { code: id, enrolling: null, renewing: null, pseudonyms };
    const enrolled = withRegistrar(record, registrar, change);
    return [replace ? withoutKin(enrolled, registrar) : enrolled, undefined];
  });
}

function checkFree({ pseudonyms }: RegistrarRecord): void {
  if (pseudonyms.length === 0) return;
  throw new UsageError(
    'already-enrolled',
    'this device is enrolled by another code already: a second enrolment would make it another device; ' +
      'to give the first one up, enrol with { replace: true }, in the command: --replace',
    { field: 'code' },
  );
}

/**
 * @returns the pseudonym for `epoch`; renewed from an earlier one if need be.
 * @throws {UsageError} `not-enrolled`, or the registrar's refusal; otherwise as {@link enrolWith}.
 */
export async function pseudonymFor(ports: EnrolmentPorts, epoch: number): Promise<Pseudonym> {
  const { task, store } = ports;
  const { registrar } = task.manifest;
  const before = registrarOf(await store.read(), registrar);
  const known =
    ofEpoch(before, epoch) ??
    ofEpoch(await carryOver(ports), epoch) ??
    (await renewFor(ports, epoch));
  return {
    seed: parseHex('seed', known.seed, 32),
    certificate: {
      epoch,
      epochLengthMs: task.manifest.epoch.lengthMs,
      pseudonym: parseHex('publicKey', known.publicKey, 32),
      signature: parseHex('signature', known.signature, 64),
    },
  };
}

/** Also under another key of the same registrar: then a certificate is fetched when it is needed. */
export function isEnrolled(record: ClientRecord, registrar: string): boolean {
  const all = [registrar, ...kin(record, registrar)];
  return all.some((key) => registrarOf(record, key).pseudonyms.length > 0);
}

/**
 * The registrar listens only to the newest key of an enrolment, which may be one whose answer was lost.
 *
 * @param enrolled - seed of a key that was asked for before, and turned out to be the newest.
 */
async function renewFor(
  ports: EnrolmentPorts,
  epoch: number,
  enrolled?: string,
): Promise<PseudonymRecord> {
  const { store, task } = ports;
  const { registrar } = task.manifest;
  const plan = await planRenewal(ports, epoch, enrolled);
  if ('done' in plan) return plan.done;
  const { previous, seed } = plan;
  const certificate = await requestRenewal(ports, epoch, previous, seed).catch((error: unknown) => {
    const isNewest = error instanceof OnlysumError && error.code === 'already-renewed';
    if (isNewest && plan.mayBeNewest) return undefined;
    throw error;
  });
  if (certificate === undefined) return renewFor(ports, epoch, seed);
  checkCertificate(ports, certificate, seed);
  if (certificate.epoch !== epoch) {
    throw certificateInvalid(`epoch ${epoch}`, `epoch ${certificate.epoch}`);
  }
  const renewed = pseudonymRecord(certificate, seed);
  return store.update((record) => {
    const own = registrarOf(record, registrar);
    const others = own.pseudonyms.filter((pseudonym) => pseudonym.epoch !== epoch);
    const pseudonyms = [...others, renewed].sort((a, b) => a.epoch - b.epoch).slice(-2);
    // Another process may be asking with a later key by now.
    const renewing = own.renewing?.seed === seed ? null : own.renewing;
    return [withRegistrar(record, registrar, { pseudonyms, renewing }), renewed];
  });
}

type RenewalPlan =
  | { readonly done: PseudonymRecord }
  | {
      /** Seed of the key that speaks for this device. */
      readonly previous: string;
      /** Seed of the key that is asked for. */
      readonly seed: string;
      /** Whether it was asked for before, for this epoch or an earlier one. */
      readonly mayBeNewest: boolean;
    };

/** Makes durable what will be asked. A key whose answer was lost is asked for again. */
function planRenewal(
  { task, store, rng }: EnrolmentPorts,
  epoch: number,
  enrolled: string | undefined,
): Promise<RenewalPlan> {
  const { registrar } = task.manifest;
  const fresh = freshSeed(rng);
  return store.update((record): [ClientRecord, RenewalPlan] => {
    const own = registrarOf(record, registrar);
    const done = ofEpoch(own, epoch);
    if (done !== undefined) return [record, { done }];
    const newest = own.pseudonyms.at(-1);
    if (newest === undefined || newest.epoch > epoch) throw notEnrolled(newest !== undefined);
    const before = own.renewing;
    const isNext = before === null || before.seed === enrolled;
    const renewing = isNext
      ? { epoch, seed: fresh, previous: before === null ? null : before.seed }
      : { ...before, epoch: Math.max(before.epoch, epoch) };
    const { seed, previous } = renewing;
    return [
      withRegistrar(record, registrar, { renewing }),
      {
        previous: previous ?? newest.seed,
        seed,
        mayBeNewest: !isNext && before.epoch <= epoch,
      },
    ];
  });
}

function requestRenewal(
  { task, suite, call }: EnrolmentPorts,
  epoch: number,
  previousSeed: string,
  seed: string,
): Promise<Certificate> {
  return withSeed(previousSeed, (old) =>
    withSeed(seed, (own) => {
      const request = {
        previous: suite.ed25519PublicKey(old),
        pseudonym: suite.ed25519PublicKey(own),
        epoch,
      };
      const statement = renewalStatement(task.registrarKey, request);
      const authorisation = suite.ed25519Sign(old, statement);
      return postRenew(call, task.registrarKey, {
        ...request,
        authorisation,
        proof: suite.ed25519Sign(own, statement),
      });
    }),
  );
}

function notEnrolled(isAhead: boolean): UsageError {
  return new UsageError(
    'not-enrolled',
    isAhead
      ? "this device's newest certificate is for a later epoch: set the clock, or wait for that epoch"
      : 'this device is not enrolled: call enrol(code) once with a code from the operator',
  );
}

function ofEpoch(own: RegistrarRecord, epoch: number): PseudonymRecord | undefined {
  return own.pseudonyms.find((pseudonym) => pseudonym.epoch === epoch);
}

function freshSeed(rng: Rng): string {
  const seed = rng(32);
  const text = toHex(seed);
  wipe(seed);
  return text;
}
