/**
 * A text of headings, paragraphs, lists and tables, whatever it is rendered as.
 * Invariant: every string is plain text; whoever renders it escapes all of them.
 */
export interface TextDocument {
  readonly title: string;
  readonly blocks: readonly Block[];
  readonly sections: readonly Section[];
  /** What is said once it is over. */
  readonly closing: string;
}

export interface Section {
  readonly heading: string;
  readonly blocks: readonly Block[];
  readonly sections?: readonly Section[];
}

export type Block = Paragraph | List | TextTable;

interface Paragraph {
  readonly kind: 'paragraph';
  readonly text: string;
}

interface List {
  readonly kind: 'list';
  readonly items: readonly string[];
}

/** The first column names what its row is about. */
export interface TextTable {
  readonly kind: 'table';
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function paragraph(text: string): Block {
  return { kind: 'paragraph', text };
}

export function list(...items: readonly string[]): Block {
  return { kind: 'list', items };
}
