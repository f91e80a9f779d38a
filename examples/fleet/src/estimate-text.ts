/** Estimates in a table: the number, and how far noise may have moved it. */
import type { Estimate, RatioEstimate, Suppressed } from '@onlysum/metrics';

/** Such as `412`, or `412 ± 9`: two standard errors. */
export function countText(count: Estimate): string {
  return withError(String(count.value), count);
}

/** One digit after the point; a dash where too little is known. */
export function estimateText(estimate: RatioEstimate): string {
  return estimate.value === null ? '–' : withError(rounded(estimate.value), estimate);
}

export function suppressedText({ suppressed }: Suppressed): string {
  return `not shown: fewer than ${suppressed.required} gave it`;
}

export function rounded(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function withError(text: string, { standardError }: Estimate): string {
  return standardError === 0 ? text : `${text} ± ${rounded(2 * standardError)}`;
}
