/**
 * Text written as it is made, as fast as it is read. Knows: async iterables and web streams.
 * Invariant: what fails before the first piece rejects, so that it can still be answered with an error;
 * what fails later is told, for the connection to be broken off: a part must not be taken for the whole.
 */

/** Small pieces are sent together. */
const TOGETHER = 16 * 1024;

export async function textStream(
  chunks: AsyncIterable<string>,
  breakOff: (error: unknown) => void,
): Promise<ReadableStream<Uint8Array>> {
  const iterator = chunks[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  let next = await iterator.next();
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      try {
        let text = '';
        while (next.done !== true && text.length < TOGETHER) {
          text += next.value;
          next = await iterator.next();
        }
        if (text !== '') controller.enqueue(encoder.encode(text));
        if (next.done === true) controller.close();
      } catch (error) {
        breakOff(error);
        controller.close();
      }
    },
    cancel: async () => {
      await iterator.return?.();
    },
  });
}
