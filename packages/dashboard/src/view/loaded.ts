/**
 * Something that is loaded when a component appears, and again when what it depends on changes.
 * Invariant: an answer to a question that is no longer asked is dropped.
 */
import { useCallback, useEffect, useState } from 'preact/hooks';

export type Loaded<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly value: T }
  | { readonly state: 'failed'; readonly message: string; readonly retry: () => void };

/**
 * @param key - what the answer depends on; undefined if there is nothing to ask yet.
 * @param refresh - when it alone changes, the old answer stays until the new one is there.
 */
export function useLoaded<T>(
  key: string | undefined,
  load: (signal: AbortSignal) => Promise<T>,
  refresh = '',
): Loaded<T> {
  const [attempt, setAttempt] = useState(0);
  const retry = useCallback(() => setAttempt((last) => last + 1), []);
  const asked = `${attempt} ${key}`;
  const [answer, setAnswer] = useState<{ readonly asked: string; readonly loaded: Loaded<T> }>();
  useEffect(() => {
    if (key === undefined) return undefined;
    const aborter = new AbortController();
    const ask = async (): Promise<void> => {
      const loaded = await outcome(() => load(aborter.signal), retry);
      if (!aborter.signal.aborted) setAnswer({ asked, loaded });
    };
    void ask();
    return () => aborter.abort();
  }, [asked, refresh]);
  return answer?.asked === asked ? answer.loaded : { state: 'loading' };
}

async function outcome<T>(load: () => Promise<T>, retry: () => void): Promise<Loaded<T>> {
  try {
    return { state: 'ready', value: await load() };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { state: 'failed', message, retry };
  }
}
