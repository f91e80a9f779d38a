/**
 * The graph and the threshold of a cohort. Protocol §4.
 * Knows: n, γ (corrupt, per mille), δ (dropout, per mille). This version uses the complete graph only.
 *
 * Legend: n devices; A = ⌈γn⌉ corrupted; D = ⌊δn⌋ dropped; k neighbours; t threshold; t₁ the most
 * corrupted neighbours an honest device has.
 */
import { RoundError } from '@onlysum/crypto';
import { corruptBound, dropoutBound } from '@onlysum/task';

export interface GraphParameters {
  readonly graph: 'complete';
  readonly n: number;
  readonly k: number;
  readonly t: number;
  /** t₁: more disputed pairs than this cannot happen to an honest device. */
  readonly mostCorruptNeighbours: number;
  /** A. */
  readonly mostCorrupt: number;
  /** D. */
  readonly mostDropped: number;
  /** n − D: the smallest U2 and U3 that may be attested. */
  readonly fewestPresent: number;
}

/** Above this a complete graph costs the devices too much; the registrar refuses it. */
export const COMPLETE_MAX = 1000;

/**
 * Parameters become valid together, here: k = n − 1, t = max(A + 1, ⌊k/2⌋ + 1) ≤ k − D.
 *
 * @throws {RoundError} `parameters-infeasible` that says which of n, corrupt, dropout to change.
 */
export function graphParameters(
  n: number,
  corruptPerMille: number,
  dropoutPerMille: number,
): GraphParameters {
  const corrupt = corruptBound(n, corruptPerMille);
  const dropout = dropoutBound(n, dropoutPerMille);
  const k = n - 1;
  const t = Math.max(corrupt + 1, Math.floor(k / 2) + 1);
  if (n > COMPLETE_MAX) {
    throw infeasible(n, `a complete graph has at most ${COMPLETE_MAX} devices: lower cohort.max`);
  }
  if (t > k - dropout) {
    throw infeasible(
      n,
      `threshold ${t} exceeds k − D = ${k - dropout}: lower assumptions.corrupt (${corruptPerMille}) or ` +
        `assumptions.dropout (${dropoutPerMille} per mille), or raise cohort.min`,
    );
  }
  return {
    graph: 'complete',
    n,
    k,
    t,
    mostCorruptNeighbours: corrupt,
    mostCorrupt: corrupt,
    mostDropped: dropout,
    fewestPresent: n - dropout,
  };
}

function infeasible(n: number, why: string): RoundError {
  return new RoundError('parameters-infeasible', `no safe graph for ${n} devices: ${why}`);
}
