// A registrar on lmdb, of the build whose URL it is given. Standard input: one JSON line of options.
// Standard output: the address. It ends when standard input does.
import { createInterface } from 'node:readline';
import { destination, pino } from 'pino';

const lines = createInterface({ input: process.stdin });
for await (const line of lines) {
  const { url, path, manifest, seed, nowMs } = JSON.parse(line);
  const { nativeSuite, registrarSide, verifySignedManifest } = await import(url);
  const task = verifySignedManifest(nativeSuite, manifest);
  const running = await registrarSide.startRegistrar({
    seed: Buffer.from(seed, 'hex'),
    tasks: [task],
    epochLengthMs: task.manifest.epoch.lengthMs,
    store: registrarSide.lmdbStore(path),
    now: () => nowMs,
    host: '127.0.0.1',
    port: 0,
    logger: pino({ level: 'error' }, destination(2)),
  });
  process.stdout.write(`${running.url}\n`);
}
process.exit();
