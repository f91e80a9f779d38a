/**
 * For the registrar's tests: a task, a clock that the test moves, enrolled devices, and what a coordinator
 * would send. Statements are encoded here once more, apart from the code under test.
 */
import { LABELS, concatBytes, encodeLabelled, unsafeSeededRng, utf8 } from '@onlysum/crypto';
import { nativeSuite as suite } from '@onlysum/crypto/node';
import {
  type Certificate,
  type EnrolRequest,
  type RegistrarRequest,
  type RegistrarResponse,
  type RosterMember,
  type UnsignedRequest,
  encodeBitmap,
  encodeRequest,
  parseResponse,
  requestStatement,
} from '@onlysum/protocol';
import { type Manifest, type Task, signManifest, verifySignedManifest } from '@onlysum/task';
import { type Registrar, type RegistrarStore, createRegistrar, memoryStore } from '../src/index.js';

export const WINDOW_MS = 3_600_000;
export const EPOCH_MS = 86_400_000;
/** In the middle of a window in the middle of an epoch. */
export const START_MS = 20_833 * EPOCH_MS + 10 * WINDOW_MS + WINDOW_MS / 2;

export const REGISTRAR_SEED = new Uint8Array(32).fill(1);
export const COORDINATOR_SEED = new Uint8Array(32).fill(2);
const PUBLISHER_SEED = new Uint8Array(32).fill(3);

export type ManifestChanges = Partial<
  Pick<
    Manifest,
    | 'name'
    | 'registrar'
    | 'epoch'
    | 'cohort'
    | 'minSurvivors'
    | 'attempts'
    | 'assumptions'
    | 'validity'
  >
>;

/** Cohorts of 5 to 8; of 6 devices, one may drop (D = 1), and t = 3. */
export function makeTask(changes: ManifestChanges = {}): Task {
  const hex = (seed: Uint8Array) => Buffer.from(suite.ed25519PublicKey(seed)).toString('hex');
  const manifest: Manifest = {
    onlysum: 1,
    suite: 1,
    name: 'acme',
    version: 1,
    publisher: hex(PUBLISHER_SEED),
    registrar: hex(REGISTRAR_SEED),
    coordinator: { key: hex(COORDINATOR_SEED), url: 'ws://127.0.0.1:1/' },
    window: { lengthMs: WINDOW_MS },
    epoch: { lengthMs: EPOCH_MS },
    cohort: { min: 5, target: 6, max: 8 },
    minSurvivors: 3,
    attempts: 3,
    assumptions: { corrupt: 10, dropout: 200, population: 10_000 },
    minRespondents: 1,
    privacy: { mechanism: 'none' },
    validity: { notBeforeMs: 0, notAfterMs: 10 * START_MS },
    groups: [{ name: 'essential', purpose: 'licences in use', essential: true }],
    metrics: [
      {
        name: 'active',
        kind: 'flag',
        group: 'essential',
        purpose: 'licences in use',
        owner: 'sales',
        retentionDays: 90,
        access: ['analyst'],
      },
    ],
    ...changes,
  };
  return verifySignedManifest(suite, signManifest(suite, manifest, PUBLISHER_SEED));
}

export interface Device {
  readonly seed: Uint8Array;
  readonly pseudonym: Uint8Array;
  readonly certificate: Certificate;
}

export function deviceSeed(name: string): Uint8Array {
  return suite.sha256(utf8(`device ${name}`));
}

export function enrolRequest(
  registrarKey: Uint8Array,
  code: string,
  seed: Uint8Array,
): EnrolRequest {
  const pseudonym = suite.ed25519PublicKey(seed);
  const statement = encodeLabelled(LABELS.enrolment, registrarKey, code, pseudonym);
  return { code, pseudonym, proof: suite.ed25519Sign(seed, statement) };
}

export async function enrolDevices(
  registrar: Registrar,
  count: number,
  prefix = 'first',
): Promise<Device[]> {
  const codes = await registrar.makeCodes(count, 1000);
  return Promise.all(
    codes.map(async (code, i) => {
      const seed = deviceSeed(`${prefix} ${i}`);
      const request = enrolRequest(registrar.publicKey, code, seed);
      return { seed, pseudonym: request.pseudonym, certificate: await registrar.enrol(request) };
    }),
  );
}

export function signRequest(request: UnsignedRequest, seed = COORDINATOR_SEED): RegistrarRequest {
  return { ...request, signature: suite.ed25519Sign(seed, requestStatement(request)) };
}

export function roundId(name: string): Uint8Array {
  return suite.sha256(utf8(`round ${name}`)).slice(0, 16);
}

export interface AdvertiseChanges {
  readonly c?: Uint8Array;
  readonly s?: Uint8Array;
  readonly incarnation?: number;
}

export function advertise(
  { seed, certificate }: Device,
  facts: { taskId: Uint8Array; window: number; incarnation: number; round: Uint8Array },
  changes: AdvertiseChanges = {},
): RosterMember {
  const { taskId, window, round } = facts;
  const key = (kind: string) =>
    suite.x25519PublicKey(suite.sha256(concatBytes(utf8(kind), seed, round)));
  const { c = key('c'), s = key('s'), incarnation = facts.incarnation } = changes;
  const statement = encodeLabelled(LABELS.advertise, taskId, window, incarnation, round, c, s);
  return { certificate, c, s, signature: suite.ed25519Sign(seed, statement) };
}

export type Ask = (request: RegistrarRequest) => Promise<RegistrarResponse>;

/** How a request reaches the registrar. */
export function askAttest(registrar: Registrar): Ask {
  return async (request) => parseResponse(await registrar.attest(encodeRequest(request)));
}

export function askHttp(url: string): Ask {
  return async (request) => {
    const answer = await fetch(`${url}/v1/attest`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: new Uint8Array(encodeRequest(request)),
    });
    if (answer.status !== 200) throw new Error(`status ${answer.status}: ${await answer.text()}`);
    return parseResponse(new Uint8Array(await answer.arrayBuffer()));
  };
}

export interface Clock {
  nowMs: number;
}

export async function openRegistrar(
  tasks: readonly Task[],
  store: RegistrarStore = memoryStore(),
  withSuite = suite,
): Promise<{ readonly registrar: Registrar; readonly clock: Clock }> {
  const clock = { nowMs: START_MS };
  const registrar = await createRegistrar({
    seed: REGISTRAR_SEED,
    tasks,
    epochLengthMs: tasks[0]?.manifest.epoch.lengthMs ?? EPOCH_MS,
    store,
    suite: withSuite,
    rng: unsafeSeededRng('registrar test'),
    now: () => clock.nowMs,
  });
  return { registrar, clock };
}

/** A coordinator's side of one task: it makes requests, and asks. */
export class Coordinator {
  readonly task: Task;
  readonly clock: Clock;
  readonly ask: Ask;
  incarnation = 0;

  constructor(task: Task, clock: Clock, ask: Ask) {
    this.task = task;
    this.clock = clock;
    this.ask = ask;
  }

  get window(): number {
    return Math.floor(this.clock.nowMs / this.task.manifest.window.lengthMs);
  }

  async openWindow(window = this.window): Promise<RegistrarResponse> {
    const { taskId } = this.task;
    const answer = await this.ask(signRequest({ kind: 'window', taskId, window }));
    if (answer.kind === 'window') this.incarnation = answer.announcement.incarnation;
    return answer;
  }

  members(
    name: string,
    devices: readonly Device[],
    changes: Readonly<Record<number, AdvertiseChanges>> = {},
  ): RosterMember[] {
    const { window, incarnation } = this;
    const facts = { taskId: this.task.taskId, window, incarnation, round: roundId(name) };
    return devices.map((device, i) => advertise(device, facts, changes[i]));
  }

  rosterRequest(
    name: string,
    members: readonly RosterMember[],
    { window = this.window, lifetimeMs = 60_000 } = {},
  ): RegistrarRequest {
    const { taskId } = this.task;
    const round = roundId(name);
    return signRequest({ kind: 'roster', taskId, window, round, lifetimeMs, members });
  }

  roster(name: string, devices: readonly Device[]): Promise<RegistrarResponse> {
    return this.ask(this.rosterRequest(name, this.members(name, devices)));
  }

  set(
    kind: 'shared-set' | 'survivor-set',
    name: string,
    n: number,
    members: readonly number[],
  ): Promise<RegistrarResponse> {
    const bitmap = encodeBitmap(members, n);
    return this.ask(signRequest({ kind, round: roundId(name), members: bitmap }));
  }

  close(name: string): Promise<RegistrarResponse> {
    return this.ask(signRequest({ kind: 'close', round: roundId(name) }));
  }
}
