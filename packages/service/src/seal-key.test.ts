import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadSealKey } from './seal-key.js';

const folder = mkdtempSync(join(tmpdir(), 'onlysum-seal-key-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KEY = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
const HEX = Buffer.from(KEY).toString('hex');
const BASE64 = Buffer.from(KEY).toString('base64');
let files = 0;
const file = (text: string, mode = 0o600): string => {
  const path = join(folder, `key-${files++}`);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
};
const command = (script: string) => ({ command: [process.execPath, '-e', script] });
const failure = async (attempt: Promise<unknown>) => {
  const error: unknown = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const shown = `${String(error)} ${JSON.stringify(error)}`;
  for (const secret of [HEX, BASE64]) expect(shown).not.toContain(secret.slice(0, 8));
  return error;
};

describe('seal keys', () => {
  it.each([HEX, `${HEX}\n`, HEX.toUpperCase(), BASE64, `${BASE64}\r\n`, BASE64.slice(0, -1)])(
    'come in hex or base64: %j',
    async (text) => {
      const environment = { SEAL_KEY: text };
      expect(await loadSealKey({ file: file(text) })).toEqual(KEY);
      expect(await loadSealKey({ environment: 'SEAL_KEY' }, { environment })).toEqual(KEY);
      const printed = command('process.stdout.write(process.env.SEAL_KEY)');
      expect(await loadSealKey(printed, { environment })).toEqual(KEY);
    },
  );

  it.each(['', HEX.slice(1), `${HEX}0`, BASE64.slice(2), `${HEX} ${HEX}`, 'g'.repeat(64)])(
    'are nothing else: %j',
    async (text) => {
      expect(await failure(loadSealKey({ file: file(text) }))).toMatchObject({
        code: 'seal-key-invalid',
      });
    },
  );

  it.each([0o604, 0o640, 0o660, 0o620, 0o777])(
    'are not read from a file of mode %o',
    async (mode) => {
      expect(await failure(loadSealKey({ file: file(HEX, mode) }))).toMatchObject({
        code: 'seal-key-unavailable',
        got: `mode 0${mode.toString(8)}`,
      });
    },
  );

  it('are not read from a folder, or from nowhere', async () => {
    mkdirSync(join(folder, 'sub'), { mode: 0o700 });
    expect(await failure(loadSealKey({ file: join(folder, 'sub') }))).toMatchObject({
      code: 'seal-key-unavailable',
      got: 'something that is no file',
    });
    for (const source of [
      { file: join(folder, 'none') },
      { environment: 'NONE' },
      { command: [] },
      { command: [join(folder, 'none')] },
    ]) {
      expect(await failure(loadSealKey(source, { environment: {} }))).toMatchObject({
        code: 'seal-key-unavailable',
      });
    }
  });

  it.each([
    [
      'fails',
      `console.log("${HEX}"); console.error("${HEX}"); process.exitCode = 3`,
      'exit code 3',
    ],
    ['prints too much', `process.stdout.write("${HEX}".repeat(100))`, 'more than 1024 bytes'],
  ])('do not come from a command that %s', async (_, script, got) => {
    expect(await failure(loadSealKey(command(script)))).toMatchObject({
      code: 'seal-key-unavailable',
      got,
    });
  });

  it('do not come from a command that never ends', async () => {
    const endless = command('setInterval(() => {}, 1000)');
    expect(await failure(loadSealKey(endless, { commandMs: 200 }))).toMatchObject({
      code: 'seal-key-unavailable',
      got: 'none in time',
    });
  });

  it('come from a program without a shell', async () => {
    const echo = [process.execPath, '-p', 'process.argv[1]', '$(id)'];
    expect(await failure(loadSealKey({ command: echo }))).toMatchObject({
      code: 'seal-key-invalid',
      got: '5 characters that are not',
    });
  });
});
