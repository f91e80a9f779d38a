/**
 * Copies an lmdb store while servers use it: node deploy/copy-store.mjs registrar-store backups/2031-05-04
 * Knows: lmdb's own copy, which sees one committed state. Doesn't know: what is stored.
 * Invariant: nothing is overwritten, and the copy is readable by its owner only.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';

const [from, to, ...others] = process.argv.slice(2);
if (from === undefined || to === undefined || others.length > 0) {
  throw new Error('expected two folders: node deploy/copy-store.mjs STORE COPY');
}
// lmdb would make an empty store of a name with a typing error.
if (!existsSync(join(from, 'data.mdb'))) throw new Error(`${from}: expected an lmdb store`);
if (existsSync(to)) throw new Error(`${to}: expected no such folder yet`);

process.umask(0o077);
mkdirSync(to, { recursive: true });
const store = open({ path: from, noSubdir: false, readOnly: true });
try {
  await store.backup(to, false);
} finally {
  await store.close();
}
