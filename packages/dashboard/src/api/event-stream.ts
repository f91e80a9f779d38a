/**
 * Server-sent events from a stream of bytes, by the HTML standard (9.2.6). `EventSource` cannot send an
 * Authorization header. Knows: the format. Doesn't know: connections, what events mean.
 * Left out: `id` and `retry`, which this page has no use for.
 */

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** More without a blank line is no event of ours. */
const MOST_CHARACTERS = 4_000_000;

/** Ends when the stream does; an event that it cuts off is dropped. */
export async function* readEvents(bytes: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const parser = new EventParser();
  const reader = bytes.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    // Not awaited: a connection that hangs must not hold up the next one.
    reader.cancel().catch(() => {});
  }
}

/** Takes text as it arrives, cut anywhere. */
export class EventParser {
  #rest = '';
  #event = '';
  #data: string[] = [];

  push(text: string): ServerEvent[] {
    // A carriage return at the end may be the first half of a line's end.
    const all = this.#rest + text;
    const whole = all.endsWith('\r') ? all.slice(0, -1) : all;
    const lines = whole.split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? '') + all.slice(whole.length);
    if (this.#rest.length > MOST_CHARACTERS) throw new RangeError('an event without an end');
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line: string): ServerEvent | undefined {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#event = value;
    if (field === 'data') this.#data.push(value);
    return undefined;
  }

  #dispatch(): ServerEvent | undefined {
    const data = this.#data;
    const event = this.#event === '' ? 'message' : this.#event;
    this.#data = [];
    this.#event = '';
    return data.length === 0 ? undefined : { event, data: data.join('\n') };
  }
}
