/** Every stable error code in the sources, found by reading them: where an error is made. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** @returns codes with the classes they are thrown as. */
export function errorCodesIn(root: string): Map<string, Set<string>> {
  const codes = new Map<string, Set<string>>();
  for (const file of sourceFiles(root)) {
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2023);
    const visit = (node: ts.Node): void => {
      const found = codeIn(node, source);
      if (found !== undefined) {
        const [code, name] = found;
        codes.set(code, (codes.get(code) ?? new Set()).add(name));
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return codes;
}

/** `new SomeError('code', …)`, `new RefusedRequest('code', …)`, `invalidField(SomeError, 'code', …)`. */
function codeIn(node: ts.Node, source: ts.SourceFile): [code: string, name: string] | undefined {
  if (ts.isNewExpression(node)) {
    const name = node.expression.getText(source);
    const [code] = node.arguments ?? [];
    const isError = /^(Onlysum|Usage|Wire|Peer|Round|Internal)Error$|^RefusedRequest$/.test(name);
    return isError && code !== undefined && ts.isStringLiteral(code)
      ? [code.text, name]
      : undefined;
  }
  if (ts.isCallExpression(node) && node.expression.getText(source) === 'invalidField') {
    const [name, code] = node.arguments;
    if (name === undefined || code === undefined || !ts.isStringLiteral(code)) return undefined;
    return [code.text, name.getText(source)];
  }
  return undefined;
}

function sourceFiles(root: string): string[] {
  return ['packages', 'examples'].flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\/src\/.*\.ts$/.test(`/${name}`) && !/\.test\.ts$|\.d\.ts$/.test(name))
      .filter((name) => !name.includes('node_modules') && !name.includes('/testing/'))
      .map((name) => join(root, top, name)),
  );
}
