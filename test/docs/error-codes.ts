/** Every stable error code in the sources, found by reading them: where an error is made. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** @returns codes with the classes they are thrown as. */
export function errorCodesIn(root: string): Map<string, Set<string>> {
  const codes = new Map<string, Set<string>>();
  const sources = sourceFiles(root).map((file) =>
    ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2023),
  );
  const makers = new Set(sources.flatMap(errorMakers));
  for (const source of sources) {
    const visit = (node: ts.Node): void => {
      const found = codeIn(node, source, makers);
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

/** Names of a file's functions whose first parameter is the `code` of an error they make. */
function errorMakers(source: ts.SourceFile): string[] {
  return source.statements

    .filter(ts.isFunctionDeclaration)
    .filter(({ parameters: [first] }) => first?.name.getText(source) === 'code')
    .map(({ name }) => name?.text ?? '');
}

/**
 * `new SomeError('code', …)`, `new RefusedRequest('code', …)`, `invalidField(SomeError, 'code', …)`, or a
 * call of a maker. Codes of the system, like ENOENT, are not ours.
 */
function codeIn(
  node: ts.Node,
  source: ts.SourceFile,
  makers: ReadonlySet<string>,
): [code: string, name: string] | undefined {
  if (ts.isNewExpression(node)) {
    const name = node.expression.getText(source);
    const [code] = node.arguments ?? [];
    const isError = /^(Onlysum|Usage|Wire|Peer|Round|Internal)Error$|^RefusedRequest$/.test(name);
    return isError && code !== undefined && ts.isStringLiteral(code)
      ? [code.text, name]
      : undefined;
  }
  if (ts.isCallExpression(node) && makers.has(node.expression.getText(source))) {
    const [code] = node.arguments;
    const isOurs = code !== undefined && ts.isStringLiteral(code) && /^[a-z-]+$/.test(code.text);
    return isOurs ? [code.text, 'made'] : undefined;
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
