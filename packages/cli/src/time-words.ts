/** Times and lengths of time as a person says them. */
const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
] as const;

/** @returns in the largest unit of which `ms` is a multiple, e.g. `10 minutes`. */
export function duration(ms: number): string {
  const [name, unitMs] = UNITS.find(([, unit]) => ms % unit === 0) ?? (['ms', 1] as const);
  const count = ms / unitMs;
  return `${count} ${name}${count === 1 || name === 'ms' ? '' : 's'}`;
}

export function days(count: number): string {
  return `${count} ${count === 1 ? 'day' : 'days'}`;
}

/** @param ms - Unix time; a manifest may name one after all dates. @returns `2030-01-15`. */
export function day(ms: number): string {
  return instant(ms).split('T', 1)[0] ?? '';
}

/** @param ms - Unix time. @returns `2030-01-15T12:00:00.000Z`. */
export function instant(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? 'the end of time' : date.toISOString();
}
