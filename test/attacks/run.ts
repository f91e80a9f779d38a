/**
 * `npm run attacks`: every attack against what ships, where it must be stopped, and against a build with
 * the one check removed, where it must succeed. Exit 1 if either is not so.
 */
import { attacks } from './all-attacks.js';
import { isStopped, tryAttack } from './attack.js';
import { intactBuild, weakenedBuild } from './weakened-build.js';

const intact = await intactBuild('dist');
let stopped = 0;
let succeeded = 0;
print('| attack | stopped by | error when stopped | with the check removed |');
print('| --- | --- | --- | --- |');
for (const attack of attacks) {
  const shipped = await tryAttack(attack, intact);
  const weakened = await tryAttack(attack, await weakenedBuild(attack.name, attack.weaken));
  const wasStopped = isStopped(attack, shipped);
  if (wasStopped) stopped++;
  if (weakened.succeeded) succeeded++;
  const before = wasStopped
    ? (attack.refusal ?? shipped.detail)
    : `NOT STOPPED AS IT SHOULD: ${shipped.error ?? shipped.detail}`;
  const after = weakened.succeeded ? weakened.detail : `STOPPED: ${weakened.error ?? ''}`;
  print(`| ${[attack.name, attack.stoppedBy, before, after].join(' | ')} |`);
}
const n = attacks.length;
print(`\n${n} attacks: ${stopped} stopped, ${succeeded} succeed with the check removed`);
process.exit(stopped === n && succeeded === n ? 0 : 1);

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
