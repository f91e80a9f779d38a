/** Whether a text is a well-formed XML document of elements, attributes and text, as charts are. */

const TAG = /<(\/?)([A-Za-z][\w:-]*)((?: [A-Za-z][\w:-]*="[^"<]*")*) ?(\/?)>/y;
const TEXT = /(?:[^<&]|&(?:amp|lt|gt|quot|apos|#\d+);)+/y;

/** @returns what is wrong with it, and undefined if nothing is. */
export function xmlFault(document: string): string | undefined {
  const open: string[] = [];
  let [at, roots] = [0, 0];
  const source = document.trim();
  while (at < source.length) {
    TAG.lastIndex = TEXT.lastIndex = at;
    const tag = TAG.exec(source);
    const text = tag ?? TEXT.exec(source);
    if (text === null) return `neither a tag nor text: ${source.slice(at, at + 40)}`;
    at += text[0].length;
    if (tag === null) {
      if (open.length === 0) return 'text outside the root';
      continue;
    }
    const [, slash, name = '', , selfClosing] = tag;
    if (slash === '/') {
      const last = open.pop();
      if (last !== name) return `</${name}> closes <${String(last)}>`;
      continue;
    }
    if (open.length === 0 && ++roots > 1) return 'a second root';
    if (selfClosing !== '/') open.push(name);
  }
  if (open.length > 0) return `<${open.join('><')}> left open`;
  return roots === 1 ? undefined : 'no root';
}
