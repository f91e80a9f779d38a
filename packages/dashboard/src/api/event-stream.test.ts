import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventParser, readEvents, type ServerEvent } from './event-stream.js';

const STREAM = [
  ': a comment\r\n',
  'event: rounds\n',
  'data: [1,\n',
  'data:2]\n',
  '\n',
  'event: ping\r',
  'data\r',
  '\r',
  'data: plain\n\n',
  'event: nothing\n\n',
  'data: cut off',
].join('');
const EVENTS: ServerEvent[] = [
  { event: 'rounds', data: '[1,\n2]' },
  { event: 'ping', data: '' },
  { event: 'message', data: 'plain' },
];

it('gives the same events wherever the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 12 }), (cuts) => {
      const parser = new EventParser();
      const places = [0, ...cuts.toSorted((a, b) => a - b), STREAM.length];
      const events = places.slice(1).flatMap((end, i) => parser.push(STREAM.slice(places[i], end)));
      expect(events).toEqual(EVENTS);
    }),
  );
});

it('puts characters together that arrive in pieces', async () => {
  const bytes = new TextEncoder().encode('data: ε = 1\n\n');
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const events: ServerEvent[] = [];
  for await (const event of readEvents(stream)) events.push(event);
  expect(events).toEqual([{ event: 'message', data: 'ε = 1' }]);
});

it('does not gather text without end', () => {
  const parser = new EventParser();
  const push = (): void => {
    for (let i = 0; i < 5; i++) parser.push('x'.repeat(1_000_000));
  };
  expect(push).toThrow(RangeError);
});
