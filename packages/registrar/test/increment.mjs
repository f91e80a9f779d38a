// Adds 1 to a counter in the store at argv[2] (see open-store.mjs), argv[3] times, each in a transaction of its own, and
// prints the values it wrote. With argv[4] = 'hang' it then stops inside a transaction, to be killed there.
import { writeSync } from 'node:fs';
import { openStore } from './open-store.mjs';

const [place, times, ending] = process.argv.slice(2);
const store = await openStore(place);
const written = [];
for (let i = 0; i < Number(times); i++) {
  written.push(
    await store.transact((ledger) => {
      const value = (ledger.read('count') ?? 0) + 1;
      ledger.put('count', value);
      ledger.put(`by/${process.pid}`, i);
      return value;
    }),
  );
}
writeSync(1, `${JSON.stringify(written)}\n`);
if (ending === 'hang') {
  await store.transact((ledger) => {
    ledger.put('count', -1);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
  });
}
await store.close();
