/** Axes from 0: a round end, and round steps to it. */

export interface Scale {
  readonly max: number;
  readonly ticks: readonly number[];
}

const STEPS = [1, 2, 2.5, 5, 10];

/**
 * @param highest - what must fit, at least 0.
 * @param most - steps, at most; 1 or more.
 */
export function scaleTo(highest: number, most = 4): Scale {
  const rough = (highest > 0 ? highest : 1) / most;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = magnitude * (STEPS.find((each) => each * magnitude >= rough * (1 - 1e-9)) ?? 10);
  const count = Math.max(1, Math.ceil(highest / step - 1e-9));
  // Multiplied, not added up: 0.1 three times is not 0.3.
  const ticks = Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
  return { max: ticks.at(-1) ?? 1, ticks };
}

/** Where `value` lies on the scale, 0 to 100; values beyond are drawn at its ends. */
export function percentOf(value: number, { max }: Scale): number {
  return Math.min(100, Math.max(0, (100 * value) / max));
}
