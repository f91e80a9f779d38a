/** encoding.json: the labelled encoding of everything that is hashed, signed or used as HKDF info. */
import { type Field, LABELS, type Label, encodeLabelled, toHex } from '@onlysum/crypto';
import { hexOf } from './json.js';

export function encodingVectors() {
  return {
    about:
      'The labelled encoding: u16 length of the label, label, then for each field u32 length, field; ' +
      'all big-endian. Bytes are given in hex; an integer is a field of 8 bytes, text is UTF-8.',
    labels: LABELS,
    cases: [
      encoded('no fields', LABELS.roster),
      encoded('one empty field', LABELS.roster, new Uint8Array(0)),
      encoded('two empty fields are not one', LABELS.roster, new Uint8Array(0), new Uint8Array(0)),
      encoded('bytes', LABELS.leaf, Uint8Array.of(0x00, 0xff, 0x10)),
      encoded(
        'the same bytes cut elsewhere',
        LABELS.leaf,
        Uint8Array.of(0x00),
        Uint8Array.of(0xff, 0x10),
      ),
      encoded('integers', LABELS.context, 0, 1, 255, 256, 2 ** 32, Number.MAX_SAFE_INTEGER),
      encoded('an integer is not its bytes cut short', LABELS.context, Uint8Array.of(1), 1),
      encoded('text', LABELS.hello, 'wss://sum.example/v1', '', 'ä€😀'),
      encoded('a long field', LABELS.pool, new Uint8Array(300).fill(0xab)),
    ],
  };
}

function encoded(name: string, label: Label, ...fields: readonly Field[]) {
  return {
    name,
    label,
    fields: fields.map((field) => {
      if (typeof field === 'number') return { kind: 'integer', value: field };
      if (typeof field === 'string') return { kind: 'text', value: field };
      return { kind: 'bytes', value: toHex(field) };
    }),
    encoded: hexOf(encodeLabelled(label, ...fields)),
  };
}
