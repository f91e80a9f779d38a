/** Signing in with a token. It is kept in memory only (session.ts), so a reload comes here. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { farewell, signIn } from '../session.js';

export function SignIn(): JSX.Element {
  const problem = useSignal('');
  const isBusy = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const token = field.current?.value.trim() ?? '';
    if (isBusy.value) return;
    problem.value = token === '' ? 'Enter a token.' : '';
    if (token === '') return;
    isBusy.value = true;
    try {
      await signIn(token);
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
      field.current?.select();
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <section class="card sign-in" aria-labelledby="sign-in-title">
      <h1 id="sign-in-title">Sign in</h1>
      {farewell.value === '' ? null : (
        <p class="note" role="status">
          {farewell.value}
        </p>
      )}
      <form onSubmit={(event) => void submit(event)}>
        <label for="token">API token</label>
        <input
          id="token"
          ref={field}
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          aria-describedby="token-help token-problem"
          aria-invalid={problem.value !== ''}
        />
        <p id="token-problem" class="problem" role="alert">
          {problem.value}
        </p>
        <button type="submit" class="main" aria-disabled={isBusy.value}>
          {isBusy.value ? 'Signing in…' : 'Sign in'}
        </button>
        <p id="token-help" class="help">
          It begins with <code>onlysum_</code>. This page keeps it in memory only: reloading or
          closing the page signs you out.
        </p>
      </form>
    </section>
  );
}
