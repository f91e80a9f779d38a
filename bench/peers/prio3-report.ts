/**
 * One metric in Prio3 (draft-irtf-cfrg-vdaf-08) with two aggregators, as `@divviup/prio3` has it.
 * Knows: reports, their bytes, their verification. Doesn't know: DAP's envelope, HPKE, sockets. What the
 * package leaves to its user is in no figure: that the second aggregator expands its share from a seed.
 */
import type { Prio3 } from '@divviup/prio3';
import { systemRng } from '@onlysum/crypto';

export interface Prio3Metric {
  /** Makes one report: the client's whole work. @returns bytes of the public share and both input shares. */
  report(): Promise<number>;
  /**
   * Makes a report and hands it to both aggregators.
   *
   * @returns has them verify it and open the sum over it. @throws {Error} if that is not what was put in.
   */
  receivedReport(): Promise<() => Promise<void>>;
}

/** Two servers, the fewest that there can be. */
const AGGREGATORS = 2;
const NONCE_BYTES = 16;
/** Prio3 has none. */
const AGGREGATION_PARAMETER = null;

/**
 * @param create - the instance for so many aggregators.
 * @param measurement - what each report carries; the sum of one report as well, in Prio3's own types.
 */
export function prio3Metric<Measurement, Result>(
  create: (shares: number) => Prio3<Measurement, Result>,
  measurement: Measurement,
  sum: Result,
): Prio3Metric {
  const vdaf = create(AGGREGATORS);
  const random = (bytes: number): Buffer => Buffer.from(systemRng(bytes));
  return {
    async report() {
      const { publicShare, inputShares } = await vdaf.shardEncoded(
        measurement,
        random(NONCE_BYTES),
        random(vdaf.randSize),
      );
      return inputShares.reduce((bytes, share) => bytes + share.length, publicShare.length);
    },
    async receivedReport() {
      const nonce = random(NONCE_BYTES);
      const verifyKey = random(vdaf.verifyKeySize);
      const { publicShare, inputShares } = await vdaf.shard(
        measurement,
        nonce,
        random(vdaf.randSize),
      );
      return async () => {
        const prepared = await Promise.all(
          inputShares.map((share, aggregator) =>
            vdaf.prepareInit(
              verifyKey,
              aggregator,
              AGGREGATION_PARAMETER,
              nonce,
              publicShare,
              share,
            ),
          ),
        );
        const message = await vdaf.unshardPreparationShares(
          AGGREGATION_PARAMETER,
          prepared.map(({ preparationShare }) => preparationShare),
        );
        const aggregates = prepared.map(({ preparationState }) => {
          const next = vdaf.prepareNext(preparationState, message);
          // Prio3 verifies in one round.
          if (!('outputShare' in next)) throw new Error('Prio3 wants another round');
          return vdaf.aggregate(AGGREGATION_PARAMETER, [next.outputShare]);
        });
        const opened = vdaf.unshard(AGGREGATION_PARAMETER, aggregates, 1);
        if (String(opened) !== String(sum)) {
          throw new Error('Prio3 opened another sum than was put in');
        }
      };
    },
  };
}
