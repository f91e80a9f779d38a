// One of two processes of a device: decides on a reservation while the other one does, over the record that
// both share. Standard input: a JSON job with the URL of the build. Standard output: the outcome.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** Far above the start of a process and a change of the record; a lone process goes on all the same. */
const PATIENCE_MS = 10_000;

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
  return reserve(record, { ...reservation, ...bytes }, '00'.repeat(32), undefined, entry);
});
writeFileSync(join(folder, `${tab}-done`), '');
await store.close();
process.stdout.write(outcome);

/** Both hold the record of before; then the first one has it written before the second one tries. */
function meet() {
  writeFileSync(join(folder, tab), '');
  waitFor(tab === 'first' ? 'second' : 'first-done');
}

/** Blocks, since a change of the record is synchronous. */
function waitFor(name) {
  const idle = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; !existsSync(join(folder, name)) && waited < PATIENCE_MS; waited += 10) {
    Atomics.wait(idle, 0, 0, 10);
  }
}
