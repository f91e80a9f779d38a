/**
 * The JSON Schema of onlysum.yaml, for editors. Knows: how the forms are said in JSON Schema.
 * Doesn't know: which lines there are; those come from the schema that the file is parsed with.
 */
import { REGISTRAR_URL_FORM } from '@onlysum/task';
import { type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';
import { configurationSchema } from './configuration-schema.js';

/** Draft 2020-12. */
export function configurationJsonSchema(): JsonSchema {
  const schema = toJsonSchema(configurationSchema('/'), {
    target: 'draft-2020-12',
    // What is in the file, not what becomes of it.
    typeMode: 'input',
    overrideSchema: ({ valibotSchema, jsonSchema }) => {
      if (valibotSchema.type !== 'object_with_rest') return undefined;
      const { required = [], ...rest } = jsonSchema;
      const mapping = { ...rest, additionalProperties: false };
      // A mapping that is left empty is null.
      return required.length > 0
        ? { ...mapping, required }
        : ({ ...mapping, type: ['object', 'null'] } as unknown as JsonSchema);
    },
    overrideAction: ({ valibotAction, jsonSchema }) => {
      const isUrl = 'message' in valibotAction && valibotAction.message === REGISTRAR_URL_FORM;
      return isUrl ? { ...jsonSchema, pattern: '^https?://' } : undefined;
    },
  });
  const description = 'What the servers and devices of a deployment are started with.';
  return { title: 'onlysum.yaml', description, ...schema };
}
