/**
 * The registrar with its ledger, as plain data. Each request is one transaction: refused ones leave
 * nothing behind. Knows: what it has signed, over its whole life.
 */
import { runDerive, toHex } from '@onlysum/crypto';
import {
  type Ledger,
  type MachineContext,
  type RegistrarResponse,
  type UnsignedRequest,
  checkRequest,
  newIncarnation,
  refusal,
  requestSigning,
  MemoryLedger,
} from '@onlysum/protocol';
import { CountedRng } from './counted-rng.js';
import type { Setup } from './setup.js';

export interface RegistrarNode {
  readonly records: MemoryLedger['records'];
  readonly draws: number;
  /** Hex bitmaps of every U2 and U3 that it signed. */
  readonly sharedSets: readonly string[];
  readonly survivorSets: readonly string[];
}

export function newRegistrar(setup: Setup): RegistrarNode {
  return { records: setup.ledger, draws: 0, sharedSets: [], survivorSets: [] };
}

/** @returns the answer, and the registrar afterwards: as it was, if it refuses. */
export function askRegistrar(
  setup: Setup,
  node: RegistrarNode,
  unsigned: UnsignedRequest,
  nowMs: number,
): { readonly node: RegistrarNode; readonly response: RegistrarResponse } {
  const ledger = new MemoryLedger(node.records);
  const counted = new CountedRng('explore/draw/registrar', node.draws);
  const context = { suite: setup.suite, rng: counted.rng, nowMs };
  const response = answerIn(ledger, unsigned, setup, context);
  if (response.kind === 'refused') return { node, response };
  const after = { ...node, records: ledger.records, draws: counted.draws };
  return { node: withSigned(after, unsigned), response };
}

/** One transaction, of which a refusal must leave nothing. @param unsigned - is signed here. */
export function answerIn(
  ledger: Ledger,
  unsigned: UnsignedRequest,
  {
    registrar,
    coordinatorSeed,
    machines,
  }: Pick<Setup, 'registrar' | 'coordinatorSeed' | 'machines'>,
  context: MachineContext,
): RegistrarResponse {
  const { suite } = context;
  const [signature] = runDerive(suite, [requestSigning(unsigned, coordinatorSeed)]);
  if (!(signature instanceof Uint8Array)) throw new RangeError('no signature');
  const request = { ...unsigned, signature };
  const checks = checkRequest(ledger, request, registrar);
  if ('kind' in checks) return checks;
  try {
    const results = runDerive(suite, [checks.own, ...checks.members()]);
    return machines.registrar(ledger, request, checks, results, registrar, context);
  } catch (error) {
    return refusal(error);
  }
}

/** A doubt about continuity: every open round is dead. */
export function beginIncarnation(setup: Setup, node: RegistrarNode, nowMs: number): RegistrarNode {
  const ledger = new MemoryLedger(node.records);
  const { rng } = new CountedRng('explore/draw/registrar', node.draws);
  newIncarnation(ledger, { suite: setup.suite, rng, nowMs });
  return { ...node, records: ledger.records };
}

function withSigned(node: RegistrarNode, request: UnsignedRequest): RegistrarNode {
  switch (request.kind) {
    case 'shared-set':
      return { ...node, sharedSets: withSet(node.sharedSets, toHex(request.members)) };
    case 'survivor-set':
      return { ...node, survivorSets: withSet(node.survivorSets, toHex(request.members)) };
    case 'roster':
    case 'window':
    case 'close':
      return node;
  }
}

function withSet(known: readonly string[], item: string): readonly string[] {
  return known.includes(item) ? known : [...known, item];
}
