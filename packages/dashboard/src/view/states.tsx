/** What stands where content is not there: yet, at all, or because something failed. */
import type { ComponentChildren, JSX } from 'preact';
import type { Loaded } from './loaded.js';

export function Loading({ what }: { readonly what: string }): JSX.Element {
  return (
    <div class="state loading" role="status">
      <span class="spinner" aria-hidden="true" />
      <p>Loading {what}…</p>
    </div>
  );
}

export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="state">
      <p class="state-title">{title}</p>
      {children === undefined ? null : <p>{children}</p>}
    </div>
  );
}

export function Failed({
  what,
  message,
  retry,
}: {
  readonly what: string;
  readonly message: string;
  readonly retry?: () => void;
}): JSX.Element {
  return (
    <div class="state failed" role="alert">
      <p class="state-title">Could not load {what}</p>
      <p>{message}</p>
      {retry === undefined ? null : (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** One of the three above, or what `children` makes of the answer. */
export function Await<T>({
  loaded,
  what,
  children,
}: {
  readonly loaded: Loaded<T>;
  readonly what: string;
  readonly children: (value: T) => ComponentChildren;
}): JSX.Element {
  switch (loaded.state) {
    case 'loading':
      return <Loading what={what} />;
    case 'failed':
      return <Failed what={what} message={loaded.message} retry={loaded.retry} />;
    case 'ready':
      return <>{children(loaded.value)}</>;
  }
}
