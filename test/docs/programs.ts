/** Programs of others that the guide is tried with. CI installs them all, and must not skip. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** @throws {Error} in CI, if it is not there. */
export function isMissing(program: string): boolean {
  if (pathOf(program) !== undefined) return false;
  if (process.env['CI'] === 'true') throw new Error(`${program} is missing`);
  process.stderr.write(`${program} is missing: what the guide says of it is not tried\n`);
  return true;
}

/** Debian has nginx where only root looks. */
export function pathOf(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin'];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}
