/** Task manifests: parsing, canonical form, signature, policy floor, windows and lane layout. */
export {
  addCosts,
  epsilonOf,
  GRAPH_FAILURE,
  laplaceEpsilon,
  type LaplaceReleases,
  laplaceSigma,
  NO_COST,
  type PrivacyCost,
  pureCost,
  skellamCost,
  skellamEpsilon,
  type SkellamReleases,
  skellamSigma,
  timesCost,
} from './accounting.js';
export * from './bounds.js';
export {
  type Budget,
  budgetOf,
  isWithinBudget,
  type Spent,
  spentEpsilon,
  windowsWithin,
} from './budget.js';
export { canonicalBytes, parseCanonical } from './canonical.js';
export {
  alignDecimals,
  checkedDecimal,
  compareDecimals,
  type Decimal,
  decimalOf,
} from './decimal.js';
export { compileLayout, decodeLane, type Lane, laneWidth, type Layout } from './layout.js';
export { type LogBucket, logBuckets } from './log-buckets.js';
export * from './manifest.js';
export { type JsonFragment, jsonFragment, manifestSchema } from './manifest-schema.js';
export { axesOf, centreStep, type LaneRole, rangeSteps, withOther } from './metric-lanes.js';
export type { MetricValues } from './metric-values.js';
export { type NoiseBlock, type NoisePlan, noiseShares } from './noise-plan.js';
export { type NoiseScale, noiseVariance, type Rational } from './noise-scale.js';
export { noiseTail } from './noise-tail.js';
export { parseManifest } from './parse-manifest.js';
export * from './plain-language.js';
export {
  checkManifestFloor,
  checkRosterFloor,
  DEFAULT_FLOOR,
  type PolicyFloor,
} from './policy-floor.js';
export {
  type SignedManifest,
  signManifest,
  type Task,
  verifySignedManifest,
} from './signed-manifest.js';
export { REGISTRAR_URL_FORM, registrarBase } from './url.js';
export { checkVersion } from './version-order.js';
export { checkValidity, type Window, windowAt, windowByIndex } from './window.js';
