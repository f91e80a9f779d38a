/**
 * What benches report. Knows: numbers, targets, settings. Doesn't know: what was measured.
 * Invariant: a figure is a median of its run, and a ratio divides two medians of the same run.
 */

export interface Figure {
  readonly bench: string;
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  readonly target?: Target;
  /** Of the repetitions that the value is the median of. */
  readonly spread?: Spread;
  /** What it was measured at; figures with the same name and other settings make a curve. */
  readonly setting?: Setting;
}

export type Target = { readonly min: number } | { readonly max: number };

export interface Spread {
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

/** n, m, k and the like, in the terms of docs/research.md. */
export type Setting = Readonly<Record<string, number | string>>;

/** Repeated measurements of one thing, in the unit of the figure. */
export type Samples = readonly number[];

export interface Bench {
  (run: BenchRun): Promise<readonly Figure[]>;
}

export interface BenchRun {
  /** Without the complete graph, the 30 % row and n = 10,000, and with fewer repetitions. */
  readonly isQuick: boolean;
  /** Tells people what is being measured. */
  readonly progress: (text: string) => void;
}

/** @returns makes figures of one bench from single values or from repetitions. */
export function figuresOf(bench: string) {
  return (
    figure: string,
    value: number | Samples,
    unit: string,
    more: { readonly target?: Target; readonly setting?: Setting } = {},
  ): Figure => ({
    bench,
    figure,
    value: rounded(typeof value === 'number' ? value : median(value)),
    unit,
    ...more,
    ...(typeof value === 'number' ? {} : { spread: spreadOf(value) }),
  });
}

/** @throws {RangeError} of nothing. */
export function median(samples: Samples): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) throw new RangeError('a median of nothing');
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}

/** The exponent b of y ≈ a·x^b by least squares on logarithms: 0 is flat, 1 is linear. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (of: 0 | 1): number => logs.reduce((sum, log) => sum + log[of], 0) / logs.length;
  const [mx, my] = [mean(0), mean(1)];
  const covariance = logs.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  return covariance / logs.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}

/** Its name with what it was measured at: one of a kind in a run. */
export function describe({ figure, setting }: Figure): string {
  if (setting === undefined) return figure;
  const at = Object.entries(setting).map(([name, value]) => `${name} = ${value}`);
  return `${figure} (${at.join(', ')})`;
}

/** undefined if there is no target. */
export function isMet({ value, target }: Figure): boolean | undefined {
  if (target === undefined) return undefined;
  return 'min' in target ? value >= target.min : value <= target.max;
}

export function targetText(target: Target): string {
  return 'min' in target ? `≥ ${target.min}` : `≤ ${target.max}`;
}

function spreadOf(samples: Samples): Spread {
  const [min, max] = [Math.min(...samples), Math.max(...samples)];
  return { min: rounded(min), max: rounded(max), runs: samples.length };
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
