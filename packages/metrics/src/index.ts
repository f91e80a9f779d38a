/** Metrics: recorded values to lanes, a device's noise, and opened sums to estimates. */
export { encodeLanes } from './encode.js';
export { estimateTotals, type GroupResult, type WindowResult } from './estimate.js';
export type { Estimate, RatioEstimate } from './estimated.js';
export { quantiles } from './estimate-distribution.js';
export type { Participation } from './lane-sums.js';
export type * from './metric-result.js';
export { shownLanes } from './suppression.js';
export { drawNoise } from './noise/noise.js';
export { accumulate, findMetric, type RecordedValue } from './value.js';
export { versionCategory, versionCompliance, type VersionCompliance } from './version.js';
