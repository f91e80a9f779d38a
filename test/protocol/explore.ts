/** `npm run explore -- --devices 4 --faults 3`: the long form of exploration.test.ts. docs/exploration.md. */
import { parseArgs } from 'node:util';
import { nativeSuite } from '@onlysum/crypto/node';
import { type Adversary, explore } from '@onlysum/simulator';

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '3' },
    faults: { type: 'string', default: '2' },
    adversary: { type: 'string', default: 'network' },
    states: { type: 'string', default: '2000000' },
  },
});

const bounds = {
  devices: whole('devices', 3, 5),
  faults: whole('faults', 0, 10),
  adversary: adversary(),
  mostStates: whole('states', 1, 100_000_000),
};
const startMs = performance.now();
const report = explore({ suite: nativeSuite, ...bounds });
const seconds = (performance.now() - startMs) / 1000;
const { states, steps, ends, longest, isComplete, outcomes, localStates, finding } = report;
print(
  `${bounds.devices} devices, up to ${bounds.faults} faults, adversary: ${bounds.adversary}`,
  `${states} states${isComplete ? ', all there are' : ', stopped there'}; ${steps} steps; ` +
    `${ends} ends; longest history ${longest}; ${seconds.toFixed(1)} s`,
  `local states: ${JSON.stringify(localStates)}`,
  ...[...outcomes].map(([outcome, count]) => `  ${outcome}: ${count}`),
);
if (finding !== undefined) {
  print(
    `broken: ${finding.rule}`,
    ...finding.history.map((action) => `  ${JSON.stringify(action)}`),
  );
  process.exitCode = 1;
}

function print(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

function whole(name: 'devices' | 'faults' | 'states', min: number, max: number): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`--${name}: expected ${min} to ${max}, got ${values[name]}`);
}

function adversary(): Adversary {
  const { adversary: name } = values;
  if (name === 'network' || name === 'coordinator') return name;
  throw new RangeError(`--adversary: expected network or coordinator, got ${name}`);
}
