// One of two processes of a device: decides on a reservation while the other one does, over the record that
// both share. Standard input: a JSON job with the URL of the build. Standard output: the outcome.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** Far above the start of a process; without the other one it goes on alone. */
const PATIENCE_MS = 5_000;
const HEAD_START_MS = 500;

const { url, folder, tab, reservation, entry } = JSON.parse(await text(process.stdin));
const { clientSide, reserve } = await import(url);
const bytes = {
  publisher: Uint8Array.from(reservation.publisher),
  round: Uint8Array.from(reservation.round),
};
const store = clientSide.fileStore(join(folder, 'record'));
let isFirstCall = true;
const outcome = await store.update((record) => {
  if (isFirstCall) meet();
  isFirstCall = false;
  return reserve(record, { ...reservation, ...bytes }, '00'.repeat(32), entry);
});
await store.close();
process.stdout.write(outcome);

/** Both hold the record of before; then the first one writes first. */
function meet() {
  writeFileSync(join(folder, tab), '');
  const other = join(folder, tab === 'first' ? 'second' : 'first');
  for (let waited = 0; !existsSync(other) && waited < PATIENCE_MS; waited += 10) sleep(10);
  if (tab === 'second') sleep(HEAD_START_MS);
}

function sleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
