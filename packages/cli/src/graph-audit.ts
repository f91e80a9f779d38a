/**
 * The graph of a round, drawn again from its seed, and what the registrar attested held against it.
 * Knows: the rules of protocol §4, §5.4, §5.5. Doesn't know: files, how it is shown.
 */
import { RoundError, type Suite, equalBytes } from '@onlysum/crypto';
import {
  type Graph,
  type GraphParameters,
  countNeighbours,
  drawGraph,
  maskContext,
  rosterParameters,
  rosterStatement,
  roundContext,
  sharedSetStatement,
  survivorSetStatement,
} from '@onlysum/protocol';
import type { Assumptions, Task } from '@onlysum/task';
import type { AttestedRound } from './result-file.js';

/** Smallest, mean and largest of a count over devices. */
export interface Spread {
  readonly least: number;
  readonly mean: number;
  readonly most: number;
}

export interface GraphSummary {
  readonly graph: 'tables' | 'complete';
  readonly n: number;
  readonly k: number;
  readonly t: number;
  readonly seed: Uint8Array;
  /** SHA-256 over all neighbours as u32, big-endian, device after device: to compare implementations. */
  readonly hash: Uint8Array;
  /** Of every device: its distinct neighbours. */
  readonly degree: Spread;
}

export interface Check {
  readonly what: string;
  readonly holds: boolean;
  /** Why it does not hold. */
  readonly detail?: string;
}

export interface GraphAudit extends GraphSummary {
  /** Neighbours in U2 of the members of U2, and in U3 of those of U3. */
  readonly inSharedSet: Spread;
  readonly inSurvivorSet: Spread;
  readonly checks: readonly Check[];
  readonly unchecked: readonly string[];
}

/** @param seed - 32 bytes. */
export function summariseGraph(
  suite: Suite,
  parameters: Pick<GraphParameters, 'graph' | 'n' | 'k' | 't'>,
  graph: Graph,
  seed: Uint8Array,
): GraphSummary {
  const { n, k, t } = parameters;
  const listed = new DataView(new ArrayBuffer(4 * graph.neighbours.flat().length));
  graph.neighbours.flat().forEach((index, i) => listed.setUint32(4 * i, index));
  return {
    graph: parameters.graph,
    n,
    k,
    t,
    seed,
    hash: suite.sha256(new Uint8Array(listed.buffer)),
    degree: spread(graph.neighbours.map((list) => new Set(list).size)),
  };
}

/**
 * @param task - of a manifest whose publisher is trusted; without it no signature can be checked, and
 *   (k, t) are taken as they stand.
 */
export function auditRound(suite: Suite, round: AttestedRound, task: Task | undefined): GraphAudit {
  const { facts } = round;
  const parameters = {
    n: facts.n,
    k: facts.k,
    t: facts.t,
    graph: facts.k === facts.n - 1 ? ('complete' as const) : ('tables' as const),
  };
  const drawn = drawGraph(suite, parameters, facts.seed);
  const [shared, survivors] = [round.sharedSet.members, round.survivorSet.members];
  const within = (set: ReadonlySet<number>) =>
    spread([...set].map((index) => countNeighbours(drawn, index, set)));
  const [inSharedSet, inSurvivorSet] = [within(shared), within(survivors)];
  return {
    ...summariseGraph(suite, parameters, drawn, facts.seed),
    inSharedSet,
    inSurvivorSet,
    checks: [
      ...(task === undefined ? [] : taskChecks(suite, round, task)),
      check('every member of U2 has t neighbours in U2', inSharedSet.least >= facts.t, () =>
        fewest(inSharedSet, facts.t),
      ),
      check('every member of U3 has t neighbours in U3', inSurvivorSet.least >= facts.t, () =>
        fewest(inSurvivorSet, facts.t),
      ),
      check(
        'U3 is part of U2',
        [...survivors].every((index) => shared.has(index)),
        () => `${[...survivors].filter((index) => !shared.has(index)).length} members are not`,
      ),
      check(
        'the counts of the result are those of roster and U3',
        round.devices === facts.n && round.survivors === survivors.size,
        () =>
          `${round.survivors} of ${round.devices} said, ${survivors.size} of ${facts.n} attested`,
      ),
    ],
    unchecked: [
      ...(task === undefined ? ['signatures, k and t: give --manifest and --publisher'] : []),
      'that the leaves under the root list these neighbours: the keys in them are not in a result',
    ],
  };
}

function taskChecks(suite: Suite, round: AttestedRound, task: Task): Check[] {
  const { facts, sharedSet, survivorSet } = round;
  const { minSurvivors, assumptions } = task.manifest;
  const context = roundContext(suite, facts);
  const context2 = maskContext(suite, context, sharedSet.bitmap);
  const signed = (what: string, statement: Uint8Array, signature: Uint8Array): Check =>
    check(
      `the registrar signed ${what}`,
      suite.ed25519Verify(task.registrarKey, statement, signature),
      () => 'the signature is not its own, or over something else',
    );
  const sized = (what: string, members: ReadonlySet<number>, least: number): Check =>
    check(`${what} has at least ${least} members`, members.size >= least, () => `${members.size}`);
  const expected = parametersOrReason(facts.n, assumptions);
  // Without parameters the check of k and t fails, and says why.
  const fewestPresent = typeof expected === 'string' ? facts.n : expected.fewestPresent;
  return [
    check(
      'the round is of this task',
      equalBytes(task.taskId, facts.taskId),
      () => 'the manifest is that of another task or version',
    ),
    check(
      'k and t are those of n and the assumptions',
      typeof expected !== 'string' && expected.k === facts.k && expected.t === facts.t,
      () =>
        typeof expected === 'string'
          ? expected
          : `k = ${facts.k}, t = ${facts.t}; expected ${expected.k} and ${expected.t}`,
    ),
    signed('the roster, with n, k, t and seed', rosterStatement(facts), round.rosterSignature),
    signed('U2', sharedSetStatement(context, sharedSet.bitmap), sharedSet.signature),
    signed('U3', survivorSetStatement(context2, survivorSet.bitmap), survivorSet.signature),
    sized('U2', sharedSet.members, fewestPresent),
    sized('U3', survivorSet.members, Math.max(minSurvivors, fewestPresent)),
  ];
}

function parametersOrReason(n: number, assumptions: Assumptions): GraphParameters | string {
  try {
    return rosterParameters(n, assumptions);
  } catch (error) {
    if (error instanceof RoundError) return error.message;
    throw error;
  }
}

function check(what: string, holds: boolean, whyNot: () => string): Check {
  return holds ? { what, holds } : { what, holds, detail: whyNot() };
}

function fewest({ least }: Spread, t: number): string {
  return `one has ${least}, and t = ${t}`;
}

function spread(counts: readonly number[]): Spread {
  if (counts.length === 0) return { least: 0, mean: 0, most: 0 };
  const sum = counts.reduce((total, count) => total + count, 0);
  // Not Math.min(...counts): a roster can have more members than a call has room for arguments.
  return {
    least: counts.reduce((a, b) => Math.min(a, b)),
    mean: Math.round((1000 * sum) / counts.length) / 1000,
    most: counts.reduce((a, b) => Math.max(a, b)),
  };
}
