/**
 * Where a text stops being JSON: the platform's own message quotes the text, which may be a key, and not
 * every version of it says where. Knows: RFC 8259's grammar. Invariant: nothing of the text is returned.
 */

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const SCALAR = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y;

type Want = 'value' | 'key' | 'colon' | 'more';

/** @returns `line L, column C` of the first token that JSON does not allow, or of the end of the text. */
export function jsonFault(text: string): string {
  const before = text.slice(0, faultAt(text)).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

function faultAt(text: string): number {
  /** The closing bracket of each open object or array. */
  const open: string[] = [];
  let want: Want = 'value';
  /** Whether a bracket has just been opened, and may close again. */
  let isFirst = false;
  let at = 0;
  const skip = (token: RegExp): boolean => {
    token.lastIndex = at;
    const [match] = token.exec(text) ?? [];
    if (match !== undefined) at += match.length;
    return match !== undefined;
  };
  for (;;) {
    skip(SPACE);
    const character = text[at];
    const closes = character !== undefined && character === open.at(-1);
    if (closes && (want === 'more' || isFirst)) {
      open.pop();
      at++;
      want = 'more';
      isFirst = false;
      continue;
    }
    isFirst = false;
    if (want === 'more') {
      if (open.length === 0 || character !== ',') return at;
      at++;
      want = open.at(-1) === '}' ? 'key' : 'value';
    } else if (want === 'colon') {
      if (character !== ':') return at;
      at++;
      want = 'value';
    } else if (want === 'key') {
      if (!skip(STRING)) return at;
      want = 'colon';
    } else if (character === '{' || character === '[') {
      open.push(character === '{' ? '}' : ']');
      at++;
      want = character === '{' ? 'key' : 'value';
      isFirst = true;
    } else if (skip(STRING) || skip(SCALAR)) {
      want = 'more';
    } else {
      return at;
    }
  }
}
