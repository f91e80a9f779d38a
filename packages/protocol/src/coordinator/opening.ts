/**
 * §5.6, §5.8: hand over the job of taking the masks off, have the sum kept, then say goodbye.
 */
import { at } from '../at.js';
import type { SignedAuditHead } from '../audit-head.js';
import { closed } from '../messages/from-coordinator.js';
import { devicesAtFault } from './blame.js';
import { abort, present } from './cohort.js';
import type { OpenJob, OpenOutcome } from './open-sum.js';
import { packLanes } from '../packing.js';
import { type MaskedTotal, roundRecord, wipeMaskedTotal } from '../round-record.js';
import type {
  Cohort,
  CoordinatorEffect,
  CoordinatorStep,
  InStage,
  RoundParams,
  RoundResult,
} from './types.js';

/** Hands the job of taking the masks off to the host. */
export function open(
  state: InStage<'unmasking'> | InStage<'recovering'>,
  params: RoundParams,
  silent: OpenJob['silent'],
  dropped: OpenJob['dropped'],
): CoordinatorStep {
  const { cohort, tags, shared, sum, commitments, survivors, dropped: lost, reveals } = state;
  const job: OpenJob = {
    lanes: params.task.layout.lanes,
    sum,
    context: cohort.context,
    context2: shared.context2,
    threshold: cohort.parameters.t,
    selfSeeds: [...reveals.selfSeeds].map(([index, b]) => ({ index, b })),
    pairs: [...reveals.pairSecrets].flatMap(([survivor, secrets]) =>
      [...secrets].map(([other, p]) => ({ survivor, dropped: other, p })),
    ),
    silent,
    dropped,
    keepRecovered: params.keepRecord === true,
  };
  return [
    {
      stage: 'opening',
      cohort,
      tags,
      shared,
      sum,
      commitments,
      survivors,
      dropped: lost,
      reveals,
      kept: params.keepRecord === true ? maskedTotal(job, params) : undefined,
    },
    [
      { kind: 'stage', stage: 'opening', devices: survivors.members.length },
      { kind: 'open', job },
    ],
  ];
}

/** Copies: the job's own secrets and sum end with the opening. */
function maskedTotal({ sum, selfSeeds, pairs }: OpenJob, { task }: RoundParams): MaskedTotal {
  return {
    packed: packLanes(sum, task.layout.widths),
    selfSeeds: selfSeeds.map(({ index, b }) => ({ index, b: b.slice() })),
    pairs: pairs.map(({ survivor, dropped, p }) => ({ survivor, dropped, p: p.slice() })),
  };
}

/** The sum is open, and is to be kept; or it cannot be opened, and the round is over. */
export function keep(
  state: InStage<'opening'>,
  outcome: OpenOutcome,
  params: RoundParams,
): CoordinatorStep {
  const { cohort, survivors, shared } = state;
  if (outcome.kind === 'unrecoverable') {
    if (state.kept !== undefined) wipeMaskedTotal(state.kept);
    return abort(cohort, 'recovery-failed', whyUnrecoverable(cohort, outcome), false);
  }
  const isSurvivor = new Set(survivors.members);
  const losses = cohort.drops;
  const result: RoundResult = {
    window: params.window,
    facts: cohort.facts,
    devices: cohort.facts.n,
    survivors: survivors.members.length,
    dropped: losses.filter(({ index }) => !isSurvivor.has(index)),
    silent: losses.filter(
      ({ index }) => isSurvivor.has(index) && !state.reveals.selfSeeds.has(index),
    ),
    inconsistent: outcome.inconsistent,
    atFault: devicesAtFault(outcome.inconsistent, cohort.parameters.mostCorruptNeighbours),
    lanes: outcome.lanes,
    rosterSignature: cohort.rosterSignature,
    sharedSet: shared.bitmap,
    sharedSetSignature: shared.signature,
    survivorSet: survivors.bitmap,
    survivorSetSignature: survivors.signature,
    ...(state.kept === undefined
      ? {}
      : { record: roundRecord(state, state.kept, outcome.lanes, outcome.recovered) }),
  };
  return [{ stage: 'keeping', cohort, survivors }, [{ kind: 'result', result }]];
}

/** What was opened is durable: devices hear it, and with it what both audit logs have come to. */
export function sayGoodbye(
  { cohort, survivors }: InStage<'keeping'>,
  auditHead: SignedAuditHead | null,
): CoordinatorStep {
  const bytes = closed.encode({
    round: cohort.facts.round,
    opened: true,
    coordinatorHead: auditHead,
    registrarHead: survivors.auditHead,
  });
  const goodbyes = present(cohort, survivors.members).flatMap((index): CoordinatorEffect[] => {
    const { device, isConnected } = at(cohort.places, index);
    if (!isConnected) return [];
    return [
      { kind: 'send', device, bytes },
      { kind: 'release', device },
    ];
  });
  return [{ stage: 'finished' }, goodbyes];
}

/**
 * With t + 2·t₁ shares no t₁ colluding holders can make an honest dealer's secret undecodable: only then
 * is the dealer named as the one at fault. §5.7.
 */
function whyUnrecoverable(
  { parameters }: Cohort,
  outcome: OpenOutcome & { kind: 'unrecoverable' },
): string {
  const { t, mostCorruptNeighbours } = parameters;
  const isDealer = outcome.shares >= t + 2 * mostCorruptNeighbours;
  const whose = isDealer
    ? `device ${outcome.dealer} dealt shares that`
    : 'the shares of one device';
  return `${whose} do not give the ${outcome.secret} it committed to (${outcome.shares} shares, t = ${t})`;
}
