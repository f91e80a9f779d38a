/**
 * round.json: everything that is made, sent, signed and opened in the round of play-round.ts, secrets
 * included, so that another implementation can check each step by itself.
 */
import { type Suite, concatBytes, merkleTree, recoverSecret, splitSecret } from '@onlysum/crypto';
import { announcementStatement } from '../../packages/protocol/src/announcement.js';
import { auditHeadStatement } from '../../packages/protocol/src/audit-head.js';
import { decodeBitmap } from '../../packages/protocol/src/bitmap.js';
import { certificateStatement } from '../../packages/protocol/src/certificate.js';
import {
  maskContext,
  rosterStatement,
  roundContext,
  sharedSetStatement,
  survivorSetStatement,
} from '../../packages/protocol/src/context.js';
import { drawGraph } from '../../packages/protocol/src/graph.js';
import { rosterLeaves } from '../../packages/protocol/src/leaf.js';
import {
  addMasks,
  channelKey,
  pairMask,
  pairSecret,
  pairTag,
  selfCommitment,
  selfMask,
} from '../../packages/protocol/src/masking.js';
import { packLanes } from '../../packages/protocol/src/packing.js';
import { graphParameters } from '../../packages/protocol/src/parameters.js';
import {
  encodeRequest,
  encodeResponse,
  requestStatement,
} from '../../packages/protocol/src/registrar/requests.js';
import { hexOf } from './json.js';
import { DROPOUT, FLOOR, INPUTS, NOW_MS, SILENT } from './round-setup.js';
import { type PlayedDevice, type PlayedRound, playRound } from './play-round.js';
import { refusedByDevice } from './refused-round.js';

export function roundVectors(suite: Suite) {
  const played = playRound(suite);
  const { task, params, result, seeds } = played;
  const { facts } = result;
  const members = played.devices.map((device, index) => roundKeys(suite, device, index));
  const context = roundContext(suite, facts);
  const context2 = maskContext(suite, context, result.sharedSet);
  const { value, enrolled, population, pools, incarnation, signature } = params.announcement;
  return {
    about:
      'A whole round of four devices, bytes in hex; seeds and secrets are published on purpose. Roster ' +
      `index = device number. Device ${DROPOUT} is gone before its masked input, device ${SILENT} falls silent ` +
      'after it. `dealt`: what each device derives and deals, per neighbour. `refused`: the device is given ' +
      'the first `received` messages of the transcript that go down to it, then `hex`, and fails with `code`.',
    nowMs: NOW_MS,
    floor: FLOOR,
    signedManifest: played.signedManifest,
    taskId: hexOf(task.taskId),
    registrarSeed: hexOf(seeds.registrar),
    coordinatorSeed: hexOf(seeds.coordinator),
    lanes: task.layout.lanes.map(({ label, bound, width }) => ({ label, bound, width })),
    round: hexOf(facts.round),
    window: facts.window,
    enrolment: played.devices.map(({ code, proof, params: { pseudonymSeed, certificate } }) => ({
      pseudonymSeed: hexOf(pseudonymSeed),
      pseudonym: hexOf(certificate.pseudonym),
      code,
      proof: hexOf(proof),
      epoch: certificate.epoch,
      epochLengthMs: certificate.epochLengthMs,
      statement: hexOf(certificateStatement(task.registrarKey, certificate)),
      signature: hexOf(certificate.signature),
    })),
    announcement: {
      incarnation,
      enrolled,
      population,
      pools,
      value: hexOf(value),
      statement: hexOf(announcementStatement(task.taskId, params.announcement)),
      signature: hexOf(signature),
    },
    advertised: members.map(({ challenge, nonce, cSecret, sSecret, c, s }) => ({
      challenge: hexOf(challenge),
      nonce: hexOf(nonce),
      cSecret: hexOf(cSecret),
      sSecret: hexOf(sSecret),
      c: hexOf(c),
      s: hexOf(s),
    })),
    roster: rosterVectors(suite, played, members),
    dealt: members.map((member) => dealt(suite, member, members, context, facts.t)),
    sharedSet: {
      members: decodeBitmap(result.sharedSet, facts.n, 'U2'),
      bitmap: hexOf(result.sharedSet),
      statement: hexOf(sharedSetStatement(context, result.sharedSet)),
      signature: hexOf(result.sharedSetSignature),
      context2: hexOf(context2),
    },
    masked: members.flatMap((member) =>
      member.index === DROPOUT ? [] : [masked(suite, played, member, members, context, context2)],
    ),
    survivorSet: {
      members: decodeBitmap(result.survivorSet, facts.n, 'U3'),
      bitmap: hexOf(result.survivorSet),
      statement: hexOf(survivorSetStatement(context2, result.survivorSet)),
      signature: hexOf(result.survivorSetSignature),
    },
    opened: opened(played),
    auditHeads: auditHeads(played),
    registrar: played.asked.map(({ request, response }) => ({
      kind: request.kind,
      request: hexOf(encodeRequest(request)),
      statement: hexOf(requestStatement(request)),
      response: hexOf(encodeResponse(response)),
    })),
    transcript: played.transcript.map(({ device, direction, bytes }) => ({
      device,
      direction,
      hex: hexOf(bytes),
    })),
    refused: refusedByDevice(played),
  };
}

/** As every survivor's receipt has them. */
function auditHeads({ devices, result }: PlayedRound) {
  const receipt = devices
    .map(({ outcome }) => outcome)
    .find((outcome) => outcome?.kind === 'receipt' && outcome.receipt.opened === true);
  if (receipt?.kind !== 'receipt') throw new RangeError('no receipt');
  return (['coordinator', 'registrar'] as const).map((role) => {
    const head = receipt.receipt.auditHeads[role];
    if (head === null) throw new RangeError(`no audit head of the ${role}`);
    return {
      role,
      sequence: head.sequence,
      digest: hexOf(head.digest),
      statement: hexOf(auditHeadStatement(role, result.facts.round, head)),
      signature: hexOf(head.signature),
    };
  });
}

interface RoundMember {
  readonly index: number;
  readonly challenge: Uint8Array;
  readonly nonce: Uint8Array;
  readonly cSecret: Uint8Array;
  readonly sSecret: Uint8Array;
  readonly c: Uint8Array;
  readonly s: Uint8Array;
  readonly b: Uint8Array;
  /** Coefficients of the two polynomials, from x^1 up. */
  readonly randomOfB: Uint8Array;
  readonly randomOfS: Uint8Array;
}

function roundKeys(suite: Suite, { draws, challenge }: PlayedDevice, index: number): RoundMember {
  const [nonce, cSecret, sSecret, b, randomOfB, randomOfS] = draws as readonly [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const [c, s] = [suite.x25519PublicKey(cSecret), suite.x25519PublicKey(sSecret)];
  return { index, challenge, nonce, cSecret, sSecret, c, s, b, randomOfB, randomOfS };
}

function rosterVectors(
  suite: Suite,
  { task, result }: PlayedRound,
  members: readonly RoundMember[],
) {
  const { facts, rosterSignature } = result;
  const { corrupt, dropout } = task.manifest.assumptions;
  const parameters = graphParameters(facts.n, corrupt, dropout);
  const leaves = rosterLeaves(members, drawGraph(suite, parameters, facts.seed));
  const tree = merkleTree(
    suite,
    leaves.map(({ leaf }) => leaf),
  );
  return {
    n: facts.n,
    k: facts.k,
    t: facts.t,
    mostCorrupt: parameters.mostCorrupt,
    mostDropped: parameters.mostDropped,
    seed: hexOf(facts.seed),
    leaves: leaves.map(({ leaf }) => hexOf(leaf)),
    root: hexOf(tree.root),
    paths: members.map(({ index }) => tree.path(index).map(hexOf)),
    statement: hexOf(rosterStatement(facts)),
    signature: hexOf(rosterSignature),
    context: hexOf(roundContext(suite, facts)),
  };
}

function dealt(
  suite: Suite,
  member: RoundMember,
  members: readonly RoundMember[],
  context: Uint8Array,
  t: number,
) {
  const { index, b, sSecret, randomOfB, randomOfS } = member;
  const others = members.filter((other) => other.index !== index);
  const xs = others.map((other) => other.index + 1);
  const sharesOfB = splitSecret(b, t, xs, () => randomOfB.slice());
  const sharesOfS = splitSecret(sSecret, t, xs, () => randomOfS.slice());
  return {
    b: hexOf(b),
    randomOfB: hexOf(randomOfB),
    randomOfS: hexOf(randomOfS),
    neighbours: others.map((other, position) => {
      const channel = suite.x25519(member.cSecret, other.c);
      const key = channelKey(suite, channel, context, member, other);
      const p = pairSecret(suite, suite.x25519(sSecret, other.s), context, member, other);
      const shareOfB = sharesOfB[position] ?? new Uint8Array(0);
      const shareOfS = sharesOfS[position] ?? new Uint8Array(0);
      return {
        index: other.index,
        channelKey: hexOf(key),
        shareOfB: hexOf(shareOfB),
        shareOfS: hexOf(shareOfS),
        box: hexOf(suite.seal(key, concatBytes(shareOfB, shareOfS))),
        pairSecret: hexOf(p),
        tag: hexOf(pairTag(suite, p)),
      };
    }),
  };
}

function masked(
  suite: Suite,
  { task }: PlayedRound,
  member: RoundMember,
  members: readonly RoundMember[],
  context: Uint8Array,
  context2: Uint8Array,
) {
  const { index, b } = member;
  const input = INPUTS[index] ?? [];
  const lanes = Uint32Array.from(input);
  addMasks(suite, lanes, [selfMask(suite, context2, index, b)]);
  const afterSelfMask = [...lanes];
  for (const other of members) {
    if (other.index === index) continue;
    const agreement = suite.x25519(member.sSecret, other.s);
    const p = pairSecret(suite, agreement, context, member, other);
    addMasks(suite, lanes, [pairMask(suite, context2, index, other.index, p)]);
  }
  return {
    index,
    input,
    afterSelfMask,
    afterPairMasks: [...lanes],
    vector: hexOf(packLanes(lanes, task.layout.widths)),
    commitment: hexOf(selfCommitment(suite, context2, index, b)),
  };
}

function opened({ job, result, task }: PlayedRound) {
  return {
    sumOfMasked: task.layout.widths.map((width, j) => (job.sum[j] ?? 0) % 2 ** width),
    revealedB: job.selfSeeds.map(({ index, b }) => ({ index, b: hexOf(b) })),
    revealedPairs: job.pairs.map(({ survivor, dropped, p }) => ({
      survivor,
      dropped,
      pairSecret: hexOf(p),
    })),
    recoveredB: job.silent.map(({ index, shares }) => ({
      index,
      shares: shares.map(({ x, share }) => ({ x, share: hexOf(share) })),
      b: hexOf(recoverSecret(shares, job.threshold)),
    })),
    recoveredS: job.dropped.map(({ end, shares, partners }) => ({
      index: end.index,
      shares: shares.map(({ x, share }) => ({ x, share: hexOf(share) })),
      s: hexOf(recoverSecret(shares, job.threshold)),
      partners: partners.map(({ index }) => index),
    })),
    lanes: result.lanes,
  };
}
