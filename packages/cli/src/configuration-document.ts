/**
 * YAML with the place of everything in it. Knows: YAML. Doesn't know: which lines there are.
 * Invariant: nothing of the text is in a problem.
 */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from 'yaml';

/** Names of lines and indices of lists, from the outermost. */
export type LinePath = readonly (string | number)[];

export interface Position {
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

export interface SyntaxProblem extends Position {
  readonly message: string;
}

export interface ConfigurationDocument {
  readonly value: unknown;
  readonly syntaxProblems: readonly SyntaxProblem[];
  /** Where the name at the end of `path` stands, or the nearest thing around it that is there. */
  readonly positionOf: (path: LinePath) => Position;
}

export function parseConfigurationDocument(text: string): ConfigurationDocument {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const position = (offset: number): Position => {
    const { line, col } = counter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const syntaxProblems = document.errors.map(({ message, pos }) => ({
    ...position(pos[0]),
    message: message.split('\n', 1)[0] ?? '',
  }));
  const found = syntaxProblems.length > 0 ? { problem: undefined } : valueOf(document);
  if (found.problem !== undefined) syntaxProblems.push({ ...position(0), message: found.problem });
  return {
    value: 'value' in found ? found.value : undefined,
    syntaxProblems,
    positionOf: (path) => position(offsetOf(document, path)),
  };
}

/** Aliases may be too many to follow, or of nothing. */
function valueOf(document: Document): { value?: unknown; problem: string | undefined } {
  try {
    return { value: document.toJS() as unknown, problem: undefined };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : 'it cannot be read' };
  }
}

function offsetOf(document: Document, path: LinePath): number {
  let offset = 0;
  let node = follow(document, document.contents);
  for (const step of path) {
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find(({ key }) => nameOf(key) === String(step));
      // The name of the mapping, rather than its first line, which has nothing to do with it.
      if (pair === undefined) return offset;
      offset = startOf(pair.key) ?? offset;
      node = follow(document, pair.value);
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(step)];
      offset = startOf(item) ?? offset;
      node = follow(document, item);
    } else {
      return offset;
    }
  }
  return offset;
}

function follow(document: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function nameOf(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}
