/**
 * The JSON Schema of manifests, for editors: made from the schema that devices check by, with a word on
 * every field. Knows: what fields mean. Doesn't know: what holds between fields, which no schema says.
 */
import { jsonFragment, manifestSchema } from '@onlysum/task';
import { type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';

/** Draft 2020-12. */
export function manifestJsonSchema(): JsonSchema {
  const schema = toJsonSchema(manifestSchema, {
    target: 'draft-2020-12',
    // Everything else of valibot's is translated, or is an error.
    overrideSchema: ({ valibotSchema, jsonSchema }) => {
      const fragment = jsonFragment(valibotSchema);
      return fragment === undefined ? undefined : { ...jsonSchema, ...fragment };
    },
    overrideAction: ({ valibotAction, jsonSchema }) => {
      const fragment = jsonFragment(valibotAction);
      return fragment === undefined ? undefined : { ...jsonSchema, ...fragment };
    },
  });
  return { title: 'Onlysum task manifest', ...described(schema, '') };
}

/** A copy with the descriptions of its fields. @param at - path of names, with `[]` for what is in a list. */
function described(schema: JsonSchema, at: string): JsonSchema {
  const description = DESCRIPTIONS[at];
  const inside = (name: string): string => (at === '' ? name : `${at}.${name}`);
  const withMembers = (each: JsonSchema): JsonSchema => {
    const { properties, items, oneOf } = each;
    const fields = Object.entries(properties ?? {}).map(
      ([name, field]) => [name, describedOne(field, inside(name))] as const,
    );
    return {
      ...each,
      ...(properties === undefined ? {} : { properties: Object.fromEntries(fields) }),
      ...(items === undefined || Array.isArray(items)
        ? {}
        : { items: describedOne(items, `${at}[]`) }),
      ...(oneOf === undefined
        ? {}
        : { oneOf: oneOf.map((one) => (typeof one === 'boolean' ? one : withMembers(one))) }),
    };
  };
  return { ...(description === undefined ? {} : { description }), ...withMembers(schema) };
}

type Definition = NonNullable<JsonSchema['properties']>[string];

function describedOne(definition: Definition, at: string): Definition {
  return typeof definition === 'boolean' ? definition : described(definition, at);
}

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  '': 'What is collected, from how many devices at a time, why, and by whom. Signed with `onlysum manifest sign`.',
  onlysum: 'Version of the manifest format.',
  suite: 'Suite of cryptography.',
  name: 'Name of the task, the same in all its versions.',
  version: 'Grows with every change; devices never go back.',
  publisher: "The publisher's public key: 64 lower-case hex digits.",
  registrar: "The registrar's public key, which attests who takes part.",
  coordinator: 'Who adds the masked numbers.',
  'coordinator.key': "The coordinator's public key.",
  'coordinator.url': 'Where devices connect: wss://, or ws:// on this machine.',
  window: 'A device adds to a metric at most once in a window.',
  'window.lengthMs': 'Length of a window, in milliseconds.',
  epoch: 'A device keeps its pseudonym for an epoch.',
  'epoch.lengthMs': 'A multiple of window.lengthMs, in milliseconds.',
  cohort: 'How many devices a round has.',
  'cohort.min': 'A round does not begin with fewer devices.',
  'cohort.target': 'A round begins as soon as there are so many.',
  'cohort.max': 'A round never has more; lanes are made wide enough for so many.',
  minSurvivors: 'A round with fewer devices left opens nothing; at most cohort.min.',
  attempts: 'Rounds that a device may be in for a window.',
  assumptions: 'Against how many devices the protection must hold.',
  'assumptions.corrupt': 'Per mille of a cohort that may work with the coordinator.',
  'assumptions.dropout': 'Per mille of a cohort that may drop out of a round.',
  'assumptions.population': 'Per million of all enrolled that may work with the coordinator.',
  minRespondents: 'An estimate that fewer devices gave a value for is not shown.',
  privacy: 'Noise that devices add, and what it promises each of them.',
  'privacy.mechanism': 'none: sums are exact. skellam: (ε, δ). discrete-laplace: a pure ε.',
  'privacy.epsilon': 'ε of one window, a decimal string; smaller is more private and less exact.',
  'privacy.delta': 'δ of one window, a decimal string: the chance that ε does not hold.',
  'privacy.neighbours': "Whose vectors must look alike: a device's and zeros, or any two.",
  'privacy.budget': 'What the windows of any `days` days may cost a device together.',
  'privacy.budget.epsilon': 'ε of all of them, a decimal string.',
  'privacy.budget.delta': 'δ of all of them, a decimal string.',
  'privacy.budget.days': 'Over how many days windows are counted together.',
  validity: 'When the manifest holds.',
  'validity.notBeforeMs': 'Unix time in milliseconds.',
  'validity.notAfterMs': 'Unix time in milliseconds, later than notBeforeMs.',
  groups: 'Consent groups: their metrics are given or withheld together.',
  'groups[].name': 'What metrics name as their group.',
  'groups[].purpose': 'Why, in a sentence that users read.',
  'groups[].essential': 'true: declined only by leaving the task. false: only with consent.',
  metrics: 'What is collected. What is not here never leaves a device.',
  'metrics[].name': 'What the product records it as.',
  'metrics[].kind': 'What a value is, and what becomes known of all of them.',
  'metrics[].group': 'Name of its consent group.',
  'metrics[].purpose': 'Why, in a sentence that users read.',
  'metrics[].owner': 'Who is responsible for its results.',
  'metrics[].retentionDays': 'For how long its results may be kept.',
  'metrics[].access': 'Who may read its results.',
  'metrics[].max':
    'count: the most that counts of a device in a window. Else the upper end, a decimal string: what lies beyond is clipped.',
  'metrics[].min': 'The lower end, a decimal string: what lies below is clipped.',
  'metrics[].resolution': 'What values are rounded to, a decimal string; it divides max − min.',
  'metrics[].unit': 'Unit of its values.',
  'metrics[].categories': 'One of these, or `other`, which is always there.',
  'metrics[].options': 'Any of these, or `other`, which is always there.',
  'metrics[].most': 'How many options of a device count.',
  'metrics[].candidates': 'One of these, or `other`, which is always there.',
  'metrics[].k': 'How many of the most frequent candidates are shown.',
  'metrics[].edges': 'Ascending decimal strings: a bucket between any two of them.',
  'metrics[].relativeError': 'How far a quantile may be off, relative to itself: 0.001 to 0.99.',
  'metrics[].rows': 'Name of a category metric of the same group.',
  'metrics[].columns': 'Name of another category metric of the same group.',
};
