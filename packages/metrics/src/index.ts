/** Metrics: recorded values to lanes, and opened sums to estimates. */
export { encodeLanes } from './encode.js';
export { estimateTotals, type MetricResult, type WindowResult } from './estimate.js';
export { accumulate, findMetric, type RecordedValue } from './value.js';
