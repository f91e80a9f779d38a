/** Metrics: recorded values to lanes, a device's noise, and opened sums to estimates. */
export { encodeLanes } from './encode.js';
export { estimateTotals, type MetricResult, type WindowResult } from './estimate.js';
export { drawNoise } from './noise/noise.js';
export { accumulate, findMetric, type RecordedValue } from './value.js';
