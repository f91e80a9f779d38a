/**
 * §5.2: check this device's place in the attested roster before anything is derived from it.
 * The registrar's signature covers the root; the path ties this device's own keys and those of its
 * neighbours to that root.
 */
import { type DeriveOp, PeerError, merkleVerify } from '@onlysum/crypto';
import { checkRosterFloor } from '@onlysum/task';
import { type RosterFacts, rosterStatement, roundContext } from '../context.js';
import { encodeLeaf, parseNeighbours } from '../leaf.js';
import { channelKeyInfo, pairSecretInfo } from '../masking.js';
import type { Roster } from '../messages/from-coordinator.js';
import { type GraphParameters, rosterParameters } from '../parameters.js';
import { currentWindow } from '../window-clock.js';
import type { DeviceParams, DeviceStep, InPhase, MachineContext } from './types.js';

export function checkRoster(
  state: InPhase<'advertised'>,
  message: Roster,
  params: DeviceParams,
  context: MachineContext,
): DeviceStep {
  const { task, floor } = params;
  const { keys, ...rest } = state;
  const { offered, secrets } = state;
  const { suite } = context;
  if (currentWindow(task.manifest, offered.window.index, context.nowMs) === undefined) {
    throw new PeerError(
      'window-not-now',
      `window ${offered.window.index} is over on this device's clock: nothing was sent, try again`,
      { retryable: true },
    );
  }
  const parameters = expectedParameters(message, params);
  checkRosterFloor({ n: message.n, ...task.manifest.assumptions }, floor);
  const neighbours = parseNeighbours(message.neighbours, message.index, message.n, message.k);
  const leaf = encodeLeaf(message.index, keys, message.neighbours);
  const proof = { root: message.root, leaf, index: message.index, size: message.n };
  if (!merkleVerify(suite, { ...proof, path: message.path })) {
    throw new PeerError(
      'roster-proof',
      "this device's own keys and its neighbours' are not in the attested roster: the coordinator " +
        'showed a changed roster, or made a mistake',
    );
  }
  const facts: RosterFacts = {
    taskId: task.taskId,
    window: offered.window.index,
    incarnation: offered.announcement.incarnation,
    round: offered.round,
    n: message.n,
    k: message.k,
    t: message.t,
    seed: message.seed,
    root: message.root,
  };
  const salt = roundContext(suite, facts);
  const own = { index: message.index, ...keys };
  const seat = {
    facts,
    parameters,
    index: message.index,
    neighbours,
    context: salt,
    rosterSignature: message.signature,
  };
  return [
    { ...rest, phase: 'checking-roster', seat },
    [
      {
        kind: 'derive',
        batch: [
          {
            op: 'ed25519-verify',
            publicKey: task.registrarKey,
            message: rosterStatement(facts),
            signature: message.signature,
          },
          ...neighbours.map((neighbour): DeriveOp => {
            const infos = [channelKeyInfo(own, neighbour), channelKeyInfo(neighbour, own)];
            return { op: 'agree', secret: secrets.cSecret, publicKey: neighbour.c, salt, infos };
          }),
          ...neighbours.map((neighbour): DeriveOp => {
            const infos = [pairSecretInfo(own, neighbour)];
            return { op: 'agree', secret: secrets.sSecret, publicKey: neighbour.s, salt, infos };
          }),
        ],
      },
    ],
  ];
}

/** The device recomputes (k, t) from its own manifest: it never takes a threshold on trust. */
function expectedParameters(message: Roster, params: DeviceParams): GraphParameters {
  const { cohort, assumptions } = params.task.manifest;
  if (message.n < cohort.min || message.n > cohort.max || message.index >= message.n) {
    throw new PeerError(
      'roster-parameters',
      `roster.n: expected ${cohort.min} to ${cohort.max} devices and an index below, got ` +
        `n = ${message.n}, index = ${message.index}`,
    );
  }
  const parameters = rosterParameters(message.n, assumptions);
  if (message.k !== parameters.k || message.t !== parameters.t) {
    throw new PeerError(
      'roster-parameters',
      `roster: expected k = ${parameters.k}, t = ${parameters.t} for ${message.n} devices, got ` +
        `k = ${message.k}, t = ${message.t}`,
    );
  }
  return parameters;
}
