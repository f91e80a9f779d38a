/**
 * Which page is shown: `#/results/<task>/<window>`. Knows: the address. Doesn't know: what pages show.
 */
import { signal } from '@preact/signals';

export type PageName = 'live' | 'results' | 'privacy' | 'audit' | 'tasks';

export interface Route {
  /** Undefined for the first page that the role may see. */
  readonly page: PageName | undefined;
  readonly taskId?: string;
  readonly window?: number;
}

const PAGES: readonly string[] = ['live', 'results', 'privacy', 'audit', 'tasks'];

export const route = signal<Route>(parseRoute(location.hash));

addEventListener('hashchange', () => {
  route.value = parseRoute(location.hash);
});

export function href({ page, taskId, window }: Route): string {
  const parts = [page, taskId, window].filter((part) => part !== undefined);
  return `#/${parts.map(encodeURIComponent).join('/')}`;
}

export function go(to: Route): void {
  location.hash = href(to);
}

export function parseRoute(hash: string): Route {
  const [page = '', taskId = '', window = ''] = hash.replace(/^#\/?/, '').split('/');
  if (!PAGES.includes(page)) return { page: undefined };
  return {
    page: page as PageName,
    // Ids are hex, so nothing needs decoding; anything else is no task.
    ...(/^[0-9a-f]+$/.test(taskId) ? { taskId } : {}),
    ...(/^\d{1,15}$/.test(window) ? { window: Number(window) } : {}),
  };
}
