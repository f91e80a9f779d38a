/** The shipped registrar machine over a ledger in memory. It sees requests, never a device's messages. */
import { runDerive, toHex } from '@onlysum/crypto';
import {
  type Announcement,
  type Certificate,
  MemoryLedger,
  type RegistrarParams,
  type RegistrarRequest,
  type RegistrarResponse,
  type UnsignedRequest,
  answerRequest,
  checkRequest,
  enrol,
  enrolChecks,
  enrolmentStatement,
  makeCodes,
  newIncarnation,
  refusal,
  requestSigning,
} from '@onlysum/protocol';
import { SIMULATED_EPOCH_MS } from './synthetic-task.js';
import type { World } from './world.js';

/** A device as the registrar has enrolled it. */
export interface EnrolledDevice {
  readonly pseudonymSeed: Uint8Array;
  readonly certificate: Certificate;
}

export class SimulatedRegistrar {
  readonly #ledger = new MemoryLedger();
  readonly #params: RegistrarParams;

  constructor(private readonly world: World) {
    const { task, registrarSeed } = world.options.synthetic;
    this.#params = {
      seed: registrarSeed,
      publicKey: task.registrarKey,
      epochLengthMs: SIMULATED_EPOCH_MS,
      tasks: new Map([[toHex(task.taskId), task]]),
    };
    newIncarnation(this.#ledger, world.context());
  }

  enrol(device: number, pseudonymSeed: Uint8Array): EnrolledDevice {
    const { world } = this;
    const { suite } = world.options;
    const codes = world.work('registrar', () => {
      return makeCodes(this.#ledger, 1, 1000, world.context());
    });
    const [code = ''] = codes;
    const request = world.work(device, () => {
      const pseudonym = suite.ed25519PublicKey(pseudonymSeed);
      const statement = enrolmentStatement(this.#params.publicKey, code, pseudonym);
      const proof = suite.ed25519Sign(pseudonymSeed, statement);
      return { code, pseudonym, proof };
    });
    const certificate = world.work('registrar', () => {
      const results = runDerive(suite, enrolChecks(request, this.#params));
      return enrol(this.#ledger, request, results, this.#params, world.context());
    });
    return { pseudonymSeed, certificate };
  }

  /** @throws {RangeError} if the registrar refuses: nothing can be simulated then. */
  announce(taskId: Uint8Array, window: number): Announcement {
    const answer = this.ask({ kind: 'window', taskId, window });
    if (answer.kind === 'window') return answer.announcement;
    throw new RangeError(`no announcement: ${JSON.stringify(answer)}`);
  }

  /** A request that the coordinator signs. */
  ask(unsigned: UnsignedRequest): RegistrarResponse {
    const { world } = this;
    const { suite, synthetic } = world.options;
    const [signature] = world.work('coordinator', () =>
      runDerive(suite, [requestSigning(unsigned, synthetic.coordinatorSeed)]),
    );
    if (!(signature instanceof Uint8Array)) throw new RangeError('no signature');
    const response = world.work('registrar', () => this.#answer({ ...unsigned, signature }));
    world.options.observer?.answer?.(response);
    return response;
  }

  #answer(request: RegistrarRequest): RegistrarResponse {
    const { suite } = this.world.options;
    const checks = checkRequest(this.#ledger, request, this.#params);
    if ('kind' in checks) return checks;
    const results = runDerive(suite, [checks.own, ...checks.members()]);
    try {
      const context = this.world.context();
      return answerRequest(this.#ledger, request, checks, results, this.#params, context);
    } catch (error) {
      return refusal(error);
    }
  }
}
