/** The published vectors are what the code makes now, whichever suite makes them. */
import { readFileSync } from 'node:fs';
import { portableSuite } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { describe, expect, test } from 'vitest';
import { VECTOR_FILES } from './files.js';
import { fileText } from './json.js';

describe.each([portableSuite, nativeSuite])('the $name suite makes', (suite) => {
  test.each(Object.keys(VECTOR_FILES))('%s as it is published', (name) => {
    const published = readFileSync(new URL(`v1/${name}`, import.meta.url), 'utf8');
    // Parsed first, for an error that shows where they differ.
    const made = fileText(VECTOR_FILES[name]?.(suite));
    expect(JSON.parse(made)).toEqual(JSON.parse(published));
    expect(made).toBe(published);
  });
});
