/**
 * Timers of any length that keep a Node process alive only when told to, and the waits made of them.
 */

/** The longest that setTimeout takes; a longer one would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** @returns a function that cancels it. @param holdsProcess - ignored by browsers. */
export function startTimer(ms: number, holdsProcess: boolean, run: () => void): () => void {
  let leftMs = Math.max(0, ms);
  let timer: ReturnType<typeof setTimeout>;
  const arm = (): void => {
    const nowMs = Math.min(leftMs, LONGEST_MS);
    leftMs -= nowMs;
    timer = setTimeout(() => (leftMs > 0 ? arm() : run()), nowMs);
    // Browsers give a number.
    if (!holdsProcess && typeof timer === 'object') timer.unref();
  };
  arm();
  return () => clearTimeout(timer);
}

/** Waits, or rejects with the signal's reason as soon as it aborts. */
export function sleep(ms: number, holdsProcess: boolean, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error);
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    const cancel = startTimer(ms, holdsProcess, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
