/** What a command may touch of the process it runs in; tests give it another one. */
export interface Terminal {
  /** What a command reads that is told to read standard input; nothing if there is none. */
  readonly in?: AsyncIterable<string | Uint8Array>;
  /** Results: with `--json`, one JSON value and nothing else. */
  readonly out: NodeJS.WritableStream;
  /** Progress, warnings, logs and errors. */
  readonly err: NodeJS.WritableStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative paths of flags are relative to. */
  readonly cwd: string;
}
