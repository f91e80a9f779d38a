/**
 * Plain data as one canonical byte string, and numbers for what was seen before.
 * Invariant: equal data gives equal bytes, different data different bytes: every value is tagged and
 * length-prefixed and object keys are sorted. Maps and sets keep their order: that of candidates is
 * the order of the roster, that of a queue says whose turn it is.
 */
import { type Suite, InternalError } from '@onlysum/crypto';

/** Gives each distinct value a small number. */
export class Interner<T> {
  readonly values: T[] = [];
  readonly #ids = new Map<string, number>();

  constructor(private readonly suite: Suite) {}

  /** @param value - kept, and so not to be changed afterwards. */
  id(value: T): number {
    const key = fingerprint(this.suite, value);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.values.push(value) - 1;
    this.#ids.set(key, id);
    return id;
  }

  at(id: number): T {
    if (id < 0 || id >= this.values.length) throw new RangeError(`no value ${id}`);
    return this.values[id] as T;
  }
}

/** Lists of numbers, as queues of interned messages are. */
export class ListInterner {
  readonly #lists: (readonly number[])[] = [];
  readonly #ids = new Map<string, number>();

  id(list: readonly number[]): number {
    const key = list.join();
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#lists.push(list) - 1;
    this.#ids.set(key, id);
    return id;
  }

  at(id: number): readonly number[] {
    return this.#lists[id] ?? [];
  }
}

/** SHA-256 of the canonical bytes, as text. */
function fingerprint(suite: Suite, value: unknown): string {
  writer.clear();
  writer.value(value);
  return String.fromCharCode(...suite.sha256(writer.bytes()));
}

class Writer {
  #buffer = new Uint8Array(4096);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  value(value: unknown): void {
    switch (typeof value) {
      case 'undefined':
        return this.#tag(0);
      case 'boolean':
        return this.#tag(value ? 1 : 2);
      case 'number':
        this.#tag(3);
        this.#room(8);
        this.#view.setFloat64(this.#length, value);
        this.#length += 8;
        return;
      case 'string':
        this.#tag(4);
        return this.#text(value);
      case 'object':
        return this.#object(value);
      default:
        throw new InternalError('internal', `no plain data: ${typeof value}`);
    }
  }

  #object(value: object | null): void {
    if (value === null) return this.#tag(5);
    if (value instanceof Uint8Array) {
      this.#tag(6);
      return this.#raw(value);
    }
    if (value instanceof Uint32Array || value instanceof Int32Array) {
      this.#tag(value instanceof Uint32Array ? 7 : 12);
      return this.#raw(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    }
    if (Array.isArray(value)) return this.#list(8, value);
    if (value instanceof Set) return this.#list(9, [...value]);
    if (value instanceof Map)
      return this.#list(
        10,
        [...value].flatMap(([key, item]) => [key, item]),
      );
    this.#tag(11);
    const keys = Object.keys(value).sort();
    this.#count(keys.length);
    for (const key of keys) {
      this.#text(key);
      this.value((value as Record<string, unknown>)[key]);
    }
  }

  #list(tag: number, items: readonly unknown[]): void {
    this.#tag(tag);
    this.#count(items.length);
    for (const item of items) this.value(item);
  }

  #text(text: string): void {
    this.#count(text.length);
    this.#room(2 * text.length);
    for (let i = 0; i < text.length; i++, this.#length += 2) {
      this.#view.setUint16(this.#length, text.charCodeAt(i));
    }
  }

  #raw(bytes: Uint8Array): void {
    this.#count(bytes.length);
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #count(count: number): void {
    this.#room(4);
    this.#view.setUint32(this.#length, count);
    this.#length += 4;
  }

  #tag(tag: number): void {
    this.#room(1);
    this.#buffer[this.#length++] = tag;
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = new Uint8Array(2 * (this.#length + bytes));
    larger.set(this.#buffer);
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** One buffer for all: a fingerprint is taken at a time. */
const writer = new Writer();
