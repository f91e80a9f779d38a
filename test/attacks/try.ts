import { tryAttack, type Attack } from './attack.js';
import { intactBuild, weakenedBuild } from './weakened-build.js';
const file = process.argv[2]!;
const from = (process.argv[3] ?? 'src') as 'src' | 'dist';
const all = Object.values(await import(`./${file}.ts`))
  .flat()
  .filter((a) => typeof a !== 'function') as Attack[];
const intact = await intactBuild(from);
for (const attack of all) {
  console.log(attack.name);
  try {
    console.log('  intact', await tryAttack(attack, intact));
  } catch (e) {
    console.log('  intact THREW', e);
  }
  try {
    console.log(
      '  weak  ',
      await tryAttack(attack, await weakenedBuild(attack.name, attack.weaken)),
    );
  } catch (e) {
    console.log('  weak THREW', e);
  }
}
process.exit();
