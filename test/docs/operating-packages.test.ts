/**
 * The packages as the guide packs and installs them, in a folder far from the checkout: the command runs there,
 * and a round with it. It needs the registry that npm has, so it is run in CI or when it is asked for.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PublishedResult } from '@onlysum/coordinator';
import { afterAll, describe, expect, it } from 'vitest';
import { freePort } from '../e2e/free-port.js';
import { guideBlock, REPOSITORY, substitute, succeed } from './guide.js';

const LIMIT_MS = 240_000;
const root = mkdtempSync(join(tmpdir(), 'onlysum-packages-'));
const isAsked = process.env['CI'] === 'true' || process.env['ONLYSUM_GUIDE'] === 'all';
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe.runIf(isAsked)('the packages, packed and installed', () => {
  it(
    'make a round',
    async () => {
      const [packs, installed, cwd] = [
        join(root, 'packs'),
        join(root, 'onlysum'),
        join(root, 'run'),
      ];
      mkdirSync(cwd);
      const block = guideBlock('sh', 'npm pack');
      const script = substitute(block, {
        'mkdir packs': `mkdir ${packs}`,
        '--pack-destination packs': `--pack-destination ${packs} --silent`,
        './packs/': `${packs}/`,
        '/opt/onlysum': installed,
      });
      await succeed(script, { cwd: REPOSITORY, limitMs: LIMIT_MS / 2 });
      const env = { COORDINATOR: `${await freePort()}`, REGISTRAR: `${await freePort()}` };
      const commands = join(installed, 'node_modules/.bin');
      const out = await succeed(ROUND, { cwd, limitMs: LIMIT_MS / 3, commands, env });
      const { version } = JSON.parse(
        readFileSync(join(REPOSITORY, 'packages/cli/package.json'), 'utf8'),
      ) as { version: string };
      expect(out.split('\n')[0]).toBe(version);
      expect(out.match(/"included":true/g)).toHaveLength(3);
      const results = join(cwd, 'app/results');
      const [file = ''] = readdirSync(results);
      const { estimates } = JSON.parse(
        readFileSync(join(results, file), 'utf8'),
      ) as PublishedResult;
      expect(estimates.metrics['startup_ms']).toMatchObject({ reported: { value: 3 } });
    },
    LIMIT_MS,
  );
});

/** As in README.md, on other ports; no window ends in the middle of it. */
const ROUND = `
onlysum --version
onlysum init app > /dev/null
cd app
sed -i "s/8787/$COORDINATOR/; s/8788/$REGISTRAR/" manifest.json onlysum.yaml
sed -i 's/"lengthMs": 600000/"lengthMs": 86400000/' manifest.json
onlysum manifest sign > /dev/null
onlysum registrar > /dev/null 2> registrar.log &
onlysum coordinator > /dev/null 2> coordinator.log &
for port in $REGISTRAR $COORDINATOR; do
  curl --silent --show-error --fail --retry 30 --retry-delay 1 --retry-all-errors \
    --output ready http://127.0.0.1:$port/readyz
done
onlysum registrar codes --count 3 > codes
for i in 1 2 3; do onlysum device enrol "$(sed -n \${i}p codes)" --store d$i > /dev/null; done
submits=()
for i in 1 2 3; do
  onlysum device submit --store d$i --opt-in performance --set startup_ms=300 --json &
  submits+=($!)
done
for submit in "\${submits[@]}"; do wait $submit; done
`;
