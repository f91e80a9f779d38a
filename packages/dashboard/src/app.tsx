/**
 * The page around the pages. Knows: landmarks, navigation, focus and title on a change of page.
 * Doesn't know: what pages show.
 */
import { computed, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Permission } from './api/contract.js';
import { AuditPage } from './page/audit.js';
import { LivePage } from './page/live.js';
import { PrivacyPage } from './page/privacy.js';
import { ResultsPage } from './page/results.js';
import { SignIn } from './page/sign-in.js';
import { TasksPage } from './page/tasks.js';
import { href, type PageName, route } from './route.js';
import { may, me, signOut } from './session.js';
import { loadTasks, tasks } from './tasks.js';
import { time } from './view/format.js';
import { Empty, Failed, Loading } from './view/states.js';

interface PageEntry {
  readonly name: PageName;
  readonly title: string;
  /** Any of these. */
  readonly permissions: readonly Permission[];
  readonly Page: () => JSX.Element;
}

const PAGES: readonly PageEntry[] = [
  { name: 'live', title: 'Live rounds', permissions: ['round.read'], Page: LivePage },
  { name: 'results', title: 'Results', permissions: ['result.read'], Page: ResultsPage },
  { name: 'privacy', title: 'Privacy', permissions: ['privacy.read'], Page: PrivacyPage },
  {
    name: 'audit',
    title: 'Audit log',
    permissions: ['audit.read', 'audit.verify'],
    Page: AuditPage,
  },
  { name: 'tasks', title: 'Tasks', permissions: ['task.read'], Page: TasksPage },
];

const allowed = computed(() => PAGES.filter(({ permissions }) => permissions.some(may)));
const current = computed(
  () => allowed.value.find(({ name }) => name === route.value.page) ?? allowed.value[0],
);

export function App(): JSX.Element {
  const main = useRef<HTMLElement>(null);
  const focusMain = (event: Event): void => {
    // The address holds the page, so it cannot hold a place on it.
    event.preventDefault();
    main.current?.focus();
  };
  return (
    <>
      <a class="skip" href="#main" onClick={focusMain}>
        Skip to content
      </a>
      <Header />
      <main id="main" ref={main} tabIndex={-1}>
        {me.value === undefined ? <SignIn /> : <CurrentPage />}
      </main>
      <footer>
        <p>
          All times are UTC. Nothing here is about one device: the server learns the sum, and only
          the sum.
        </p>
      </footer>
    </>
  );
}

function Header(): JSX.Element {
  const signedIn = me.value;
  return (
    <header>
      <div class="bar-top">
        <p class="brand">
          <span class="mark" aria-hidden="true">
            Σ
          </span>
          Onlysum
        </p>
        {signedIn === undefined ? null : (
          <div class="who">
            <p>
              <strong>{signedIn.name}</strong>
              <span>
                {signedIn.role.replace('-', ' ')}, until {time(signedIn.expiresMs)}
              </span>
            </p>
            <button type="button" class="quiet" onClick={() => signOut()}>
              Sign out
            </button>
          </div>
        )}
      </div>
      {signedIn === undefined ? null : (
        <nav aria-label="Pages">
          <ul>
            {allowed.value.map(({ name, title }) => (
              <li key={name}>
                <a
                  href={href({ page: name })}
                  {...(current.value?.name === name ? { 'aria-current': 'page' as const } : {})}
                >
                  {title}
                </a>
              </li>
            ))}
          </ul>
        </nav>
      )}
    </header>
  );
}

function CurrentPage(): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  const page = current.value;
  useEffect(() => {
    document.title = page === undefined ? 'Onlysum' : `${page.title} – Onlysum`;
    heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
    return () => {
      document.title = 'Onlysum';
    };
  }, [page]);
  useSignalEffect(() => {
    if (me.value !== undefined) void loadTasks();
  });
  if (page === undefined) return <Empty title="This token may see none of these pages." />;
  const { title, Page } = page;
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <Tasked Page={Page} />
    </>
  );
}

function Tasked({ Page }: { readonly Page: () => JSX.Element }): JSX.Element {
  const loaded = tasks.value;
  if (loaded.state === 'loading') return <Loading what="tasks" />;
  if (loaded.state === 'failed') {
    return <Failed what="the tasks" message={loaded.message} retry={loaded.retry} />;
  }
  return <Page />;
}
