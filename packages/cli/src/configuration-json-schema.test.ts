import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseConfiguration } from './configuration.js';
import { configurationJsonSchema } from './configuration-json-schema.js';
import { configurationTemplate } from './configuration-template.js';
import { manifestTemplate } from './manifest-template.js';

const schema = configurationJsonSchema();
const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(
  schema as Record<string, unknown>,
);
const [publisher, registrar, coordinator] = ['aa', 'bb', 'cc'].map((byte) => byte.repeat(32));
const manifest = manifestTemplate(
  { publisher: publisher!, registrar: registrar!, coordinator: coordinator! },
  'ws://127.0.0.1:8787',
  0,
);

// To write it anew: npx vitest run packages/cli/src/configuration-json-schema.test.ts -u
test('docs/onlysum.schema.json is what the code gives', async () => {
  const path = '../../../docs/onlysum.schema.json';
  await expect(`${JSON.stringify(schema, undefined, 2)}\n`).toMatchFileSnapshot(path);
});

/** What the command says must be what an editor says. */
describe('the schema agrees with the parser', () => {
  it.each([
    ['the template', true, parse(configurationTemplate(manifest)) as unknown],
    ['sections left empty', true, { registrar: null, coordinator: { limits: null } }],
    ['a store by path', true, { registrar: { store: 'a' } }],
    ['a store by kind', true, { registrar: { store: { postgres: { environment: 'A' } } } }],
    ['one key source', true, { coordinator: { resultsKey: { file: 'a' } } }],
    ['key sources', true, { coordinator: { resultsKey: [{ command: ['a'] }, { file: 'b' }] } }],
    ['an unknown section', false, { registar: {} }],
    ['an unknown line', false, { registrar: { prot: 1 } }],
    ['a port that is none', false, { registrar: { port: 65_536 } }],
    ['a fraction', false, { coordinator: { durations: { gatherMs: 1.5 } } }],
    ['no manifest', false, { registrar: { manifests: [] } }],
    ['two stores', false, { registrar: { store: { lmdb: 'a', postgres: { environment: 'A' } } } }],
    ['a store of no kind', false, { registrar: { store: 7 } }],
    ['half a certificate', false, { coordinator: { tls: { certificate: 'a' } } }],
    ['a level that is none', false, { log: { level: 'loud' } }],
    ['a URL that is none', false, { coordinator: { registrarUrl: 'registrar' } }],
    ['a list for a section', false, { coordinator: [] }],
  ])('on %s', (_, isValid, value) => {
    expect(validate(value)).toBe(isValid);
    const { problems } = parseConfiguration(stringify(value), '/');
    expect(problems.length === 0).toBe(isValid);
  });

  it('with a word on every line', () => {
    const undescribed: string[] = [];
    const visit = (at: string, node: typeof schema) => {
      for (const [name, line] of Object.entries(node.properties ?? {})) {
        if (typeof line === 'boolean') continue;
        if (line.description === undefined) undescribed.push(`${at}${name}`);
        visit(`${at}${name}.`, line);
      }
    };
    visit('', schema);
    // Durations and limits have their words where they are defined.
    expect(
      undescribed.filter((line) => !/\.(durations|limits|rateLimits)(\.|$)/.test(line)),
    ).toEqual([]);
  });
});
