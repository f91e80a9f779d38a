/**
 * Numbers and times as text: numbers in the browser's language, times in UTC and marked so.
 */
import type { Estimate, RatioEstimate } from '@onlysum/metrics';

const NO_NUMBER = '–';
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });
const scientific = new Intl.NumberFormat(undefined, {
  notation: 'scientific',
  maximumSignificantDigits: 3,
});
const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
const axisNumber = new Intl.NumberFormat(undefined, {
  notation: 'compact',
  maximumSignificantDigits: 3,
});
const dateTime = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'short',
  timeZone: 'UTC',
});
const toTheSecond = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'medium',
  timeZone: 'UTC',
});
const dayAndMonth = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  timeZone: 'UTC',
});
const hourAndMinute = new Intl.DateTimeFormat(undefined, { timeStyle: 'short', timeZone: 'UTC' });
const plurals = new Intl.PluralRules('en');

/** Whole numbers in full, others to four digits, very small ones as powers of ten. */
export function number(value: number | null): string {
  if (value === null) return NO_NUMBER;
  if (Number.isInteger(value)) return whole.format(value);
  return Math.abs(value) < 1e-4 ? scientific.format(value) : short.format(value);
}

export function share(value: number | null): string {
  return value === null ? NO_NUMBER : percent.format(value);
}

export function axisLabel(value: number): string {
  return axisNumber.format(value);
}

/** `412 devices`, `1 device`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${plurals.select(value) === 'one' ? one : many}`;
}

type Format = (value: number) => string;

/** `12 to 34`; empty for a point, which nothing is uncertain of. */
export function interval([low, high]: readonly [number, number], format: Format = number): string {
  return low === high ? '' : `${format(low)} to ${format(high)}`;
}

/**
 * The same for a table: `exact` for a point that is the value, and a word if the value is outside, since an
 * interval is cut to what is possible.
 */
export function intervalOf(
  value: number | null,
  [low, high]: readonly [number, number],
  format: Format = number,
): string {
  const text = interval([low, high], format);
  if (value === null || (value >= low && value <= high)) return text || 'exact';
  return `${text || format(low)}, cut`;
}

/**
 * `22 (95 %: 12 to 34)`, or only the value if it is exact. An interval is cut to what is possible and a value
 * never is: noise can take it out of its own interval, and then both are named.
 */
export function estimate(
  { value, interval: ends }: Estimate | RatioEstimate,
  format: (value: number | null) => string = number,
  unit = '',
): string {
  const suffix = unit === '' || unit === '1' ? '' : ` ${unit}`;
  const around = interval(ends, format);
  if (value === null) return around === '' ? NO_NUMBER : `unknown (${around}${suffix})`;
  const shown = `${format(value)}${suffix}`;
  if (value >= ends[0] && value <= ends[1]) {
    return around === '' ? shown : `${shown} (95\u00a0%: ${around})`;
  }
  const possible = around === '' ? format(ends[0]) : around;
  return `${shown} with its noise (95\u00a0%: ${possible}, cut to what is possible)`;
}

export function time(ms: number): string {
  return `${dateTime.format(ms)} UTC`;
}

export function timeToTheSecond(ms: number): string {
  return `${toTheSecond.format(ms)} UTC`;
}

/** For an axis that spans `spanMs`. */
export function axisTime(ms: number, spanMs: number): string {
  return (spanMs > 2 * DAY_MS ? dayAndMonth : hourAndMinute).format(ms);
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const UNITS = [
  [DAY_MS, 'day'],
  [HOUR_MS, 'hour'],
  [MINUTE_MS, 'minute'],
  [SECOND_MS, 'second'],
] as const;

/** `7 days`, `1 hour 30 minutes`: the two largest units. */
export function duration(ms: number): string {
  const parts: string[] = [];
  let rest = Math.max(0, Math.round(ms / SECOND_MS) * SECOND_MS);
  for (const [unitMs, name] of UNITS) {
    const count = Math.floor(rest / unitMs);
    rest -= count * unitMs;
    if (count > 0) parts.push(counted(count, name));
  }
  return parts.slice(0, 2).join(' ') || counted(0, 'second');
}

/** `4:05`, what a clock that counts down shows. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / SECOND_MS));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const padded = (part: number): string => String(part).padStart(2, '0');
  const tail = padded(seconds % 60);
  return hours > 0 ? `${hours}:${padded(minutes)}:${tail}` : `${minutes}:${tail}`;
}

/** `startup_ms` → `Startup ms`; `too-few` → `Too few`. */
export function title(name: string): string {
  const words = name.replace(/[-_]+/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
