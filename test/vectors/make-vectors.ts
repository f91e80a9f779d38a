/**
 * Writes test/vectors/v1 anew: `npm run vectors`. A change in these files is a change of the protocol:
 * what is published there must stay true for this version.
 */
import { writeFileSync } from 'node:fs';
import { nativeSuite } from '@onlysum/crypto/node';
import { VECTOR_FILES } from './files.js';
import { fileText } from './json.js';

for (const [name, make] of Object.entries(VECTOR_FILES)) {
  writeFileSync(new URL(`v1/${name}`, import.meta.url), fileText(make(nativeSuite)));
}
