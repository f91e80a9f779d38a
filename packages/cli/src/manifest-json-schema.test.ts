import { manifestSchema } from '@onlysum/task';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as v from 'valibot';
import { describe, expect, it, test } from 'vitest';
import vectors from '../../../test/vectors/v1/manifest.json' with { type: 'json' };
import { LAPLACE, SKELLAM, everyKind, withNoise } from '../test/every-kind.js';
import { manifestJsonSchema } from './manifest-json-schema.js';
import { manifestTemplate } from './manifest-template.js';

const schema = manifestJsonSchema();
const validate = new Ajv2020({ allErrors: true }).compile(schema as Record<string, unknown>);
const { publisher, registrar, coordinator } = everyKind;
const template = manifestTemplate(
  { publisher, registrar, coordinator: coordinator.key },
  'ws://127.0.0.1:8787',
  0,
);

// To write it anew: npx vitest run packages/cli/src/manifest-json-schema.test.ts -u
test('docs/manifest.schema.json is what the code gives', async () => {
  const path = '../../../docs/manifest.schema.json';
  await expect(`${JSON.stringify(schema, undefined, 2)}\n`).toMatchFileSnapshot(path);
  expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
});

describe('the schema', () => {
  it.each([
    ['template', template],
    ['example', vectors.manifest],
    ['other kinds', vectors.kinds],
    ['every kind', everyKind],
    ['skellam', withNoise(SKELLAM)],
    ['laplace', withNoise(LAPLACE)],
  ])('accepts: %s', (_, manifest) => {
    expect([validate(manifest), validate.errors]).toEqual([true, null]);
  });

  it.each(vectors.invalid)('judges as devices do, field by field: $name', ({ path, ...change }) => {
    const value = structuredClone(vectors.manifest) as never;
    let at: Record<string | number, unknown> = value;
    for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
    const last = path.at(-1) ?? '';
    if ('value' in change) at[last] = change.value;
    else delete at[last];
    // What a parser of URLs says besides their form is not in the schema.
    if (last === 'url' && validate(value)) return;
    expect(validate(value)).toBe(v.safeParse(manifestSchema, value).success);
  });

  it('says a word on every field', () => {
    const silent: string[] = [];
    const visit = (node: unknown, at: string): void => {
      if (typeof node !== 'object' || node === null) return;
      for (const [name, property] of Object.entries('properties' in node ? node.properties! : {})) {
        if (!('description' in (property as object))) silent.push(`${at}.${name}`);
        visit(property, `${at}.${name}`);
      }
      if ('items' in node) visit(node.items, at);
      for (const one of 'oneOf' in node ? (node.oneOf as unknown[]) : []) visit(one, at);
    };
    visit(schema, '');
    expect(silent).toEqual([]);
  });
});

test('an accepted URL has the form that devices ask for', () => {
  const at = (url: string) => validate({ ...everyKind, coordinator: { ...coordinator, url } });
  for (const url of vectors.validUrls) expect([url, at(url)]).toEqual([url, true]);
  for (const url of ['http://a.example', 'ws://a.example', 'wss://', 'wss://a.example/#x']) {
    expect([url, at(url)]).toEqual([url, false]);
  }
});
