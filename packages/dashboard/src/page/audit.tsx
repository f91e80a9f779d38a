/**
 * The audit log: its entries, the newest first, where it ends, and on request whether it holds.
 * Knows: pages and the head, which cost nothing. Following the log from its first entry does, so it waits for
 * a button, and what was found stays until somebody signs out.
 */
import { effect, signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { AuditEntry, AuditHead, AuditVerification } from '../api/contract.js';
import { json, may, me, request } from '../session.js';
import { DataTable } from '../view/data-table.js';
import { counted, number, timeToTheSecond, title } from '../view/format.js';
import { type Loaded, useLoaded } from '../view/loaded.js';
import { saveFile } from '../view/save-file.js';
import { Await, Empty, Failed, Loading } from '../view/states.js';

const PAGE = 100;

interface Verified {
  readonly verdict: AuditVerification;
  /** By this machine's clock. */
  readonly atMs: number;
}

const verified = signal<Verified | undefined>(undefined);
effect(() => {
  if (me.value === undefined) verified.value = undefined;
});

export function AuditPage(): JSX.Element {
  return (
    <>
      {may('audit.verify') ? <Verification /> : null}
      {may('audit.read') ? (
        <Entries />
      ) : (
        <p class="note">Your role may verify the log, not read it.</p>
      )}
    </>
  );
}

function Verification(): JSX.Element {
  const isBusy = useSignal(false);
  const problem = useSignal('');
  const last = verified.value;
  const head = useLoaded('head', (aborted) => json<AuditHead>('/audit/head', { signal: aborted }));
  const verify = async (): Promise<void> => {
    if (isBusy.value) return;
    isBusy.value = true;
    problem.value = '';
    try {
      const verdict = await json<AuditVerification>('/audit/verify');
      if (me.value !== undefined) verified.value = { verdict, atMs: Date.now() };
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <section class="card" aria-labelledby="verify-title">
      <div class="card-head">
        <h2 id="verify-title">Does it hold?</h2>
        <button type="button" aria-disabled={isBusy.value} onClick={() => void verify()}>
          {isBusy.value ? 'Verifying…' : last === undefined ? 'Verify the log' : 'Verify again'}
        </button>
      </div>
      <div role="status">
        {last === undefined ? (
          <p class="muted">
            Not verified since you signed in. Verifying follows the log from its first entry, which
            takes a while if it is long.
          </p>
        ) : (
          <Verdict {...last} />
        )}
      </div>
      {problem.value === '' ? null : (
        <Failed what="the verification" message={problem.value} retry={() => void verify()} />
      )}
      {isBusy.value ? <Loading what="the whole log" /> : null}
      {last === undefined ? <PresentHead loaded={head} /> : <Head head={last.verdict.head} />}
      <p class="help">
        Keep the head elsewhere: only somebody who has it can tell that the newest entries were cut
        off, with <code class="whole">onlysum audit verify --head</code> and an export.
      </p>
    </section>
  );
}

function Verdict({ verdict, atMs }: Verified): JSX.Element {
  const { entries, head, fault } = verdict;
  return (
    <>
      {fault === undefined ? (
        <p class="verdict good">
          <strong>The log holds.</strong>{' '}
          {entries === 0
            ? 'It has no entry yet.'
            : entries === 1
              ? 'It has one entry.'
              : `${counted(entries, 'entry', 'entries')}, each with the digest of the one before.`}
        </p>
      ) : (
        <p class="verdict bad">
          <strong>The log does not hold.</strong> Entry {number(fault.sequence)} was{' '}
          {fault.reason === 'edited' ? 'edited' : 'moved, or the one before it is missing'}.{' '}
          {head.sequence === 0
            ? 'None before it holds.'
            : `Up to entry ${number(head.sequence)} it holds.`}
        </p>
      )}
      <p class="help">Last verified {timeToTheSecond(atMs)}. Entries since then are not covered.</p>
    </>
  );
}

function PresentHead({ loaded }: { readonly loaded: Loaded<AuditHead> }): JSX.Element {
  return (
    <Await loaded={loaded} what="the head">
      {(head) => <Head head={head} />}
    </Await>
  );
}

function Head({ head }: { readonly head: AuditHead }): JSX.Element {
  const { sequence, digest } = head;
  const copied = useSignal('');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(`${sequence}:${digest}`);
      copied.value = 'Copied, as --head takes it.';
    } catch {
      copied.value = 'The browser does not let this page copy; select the head instead.';
    }
  };
  return (
    <p class="digest-line">
      Head:{' '}
      <code class="digest">
        {sequence}:{digest}
      </code>
      <button type="button" class="small" onClick={() => void copy()}>
        Copy<span class="unseen"> the head</span>
      </button>
      <span class="help" role="status">
        {copied.value}
      </span>
    </p>
  );
}

function Entries(): JSX.Element {
  const entries = useSignal<readonly AuditEntry[]>([]);
  /** Undefined until the first page is there. */
  const hasOlder = useSignal<boolean | undefined>(undefined);
  const problem = useSignal('');
  const isBusy = useSignal(false);
  const action = useSignal('');
  const load = async (kept: readonly AuditEntry[]): Promise<void> => {
    if (isBusy.value) return;
    isBusy.value = true;
    problem.value = '';
    const oldest = kept.at(-1)?.sequence;
    const before = oldest === undefined ? '' : `&before=${oldest}`;
    try {
      const page = await json<AuditEntry[]>(`/audit?limit=${PAGE}${before}`);
      entries.value = [...kept, ...page];
      hasOlder.value = page.length === PAGE && page.at(-1)?.sequence !== 1;
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      isBusy.value = false;
    }
  };
  useEffect(() => void load([]), []);
  const all = entries.value;
  const actions = [...new Set(all.map((entry) => entry.action))].sort();
  const shown = all.filter((entry) => action.value === '' || entry.action === action.value);
  return (
    <section class="card" aria-labelledby="entries-title">
      <div class="card-head">
        <h2 id="entries-title">Entries</h2>
        <div class="buttons">
          <button type="button" onClick={() => void load([])}>
            Refresh
          </button>
          <ExportButton />
        </div>
      </div>
      {all.length === 0 ? null : (
        <div class="controls">
          <label class="field">
            Action
            <select
              value={action.value}
              onChange={(event) => {
                action.value = event.currentTarget.value;
              }}
            >
              <option value="">all</option>
              {actions.map((each) => (
                <option key={each} value={each}>
                  {each}
                </option>
              ))}
            </select>
          </label>
          <p class="muted" role="status">
            {action.value === '' ? '' : `${number(shown.length)} of `}
            {counted(all.length, 'entry', 'entries')} loaded, {number(all[0]?.sequence ?? 0)} in all
          </p>
        </div>
      )}
      {hasOlder.value === false && all.length === 0 ? (
        <Empty title="Nothing has been logged yet." />
      ) : null}
      {shown.length === 0 ? null : (
        <DataTable
          caption="Audit log, the newest entry first"
          columns={[
            { label: 'No.', numeric: true },
            { label: 'When', whole: true },
            { label: 'Action', whole: true },
            { label: 'Outcome' },
            { label: 'Who' },
            { label: 'To what' },
            { label: 'Details', prose: true },
          ]}
          rows={shown.map(rowOf)}
        />
      )}
      {problem.value === '' ? null : (
        <Failed what="entries" message={problem.value} retry={() => void load(all)} />
      )}
      {isBusy.value ? <Loading what="entries" /> : null}
      {hasOlder.value === true && !isBusy.value && problem.value === '' ? (
        <button type="button" onClick={() => void load(all)}>
          Load older
        </button>
      ) : null}
    </section>
  );
}

function rowOf({ sequence, atMs, action, outcome, actor, subject = '', details = {} }: AuditEntry) {
  return [
    number(sequence),
    timeToTheSecond(atMs),
    <code>{action}</code>,
    <span class={`badge ${outcome === 'done' ? '' : 'bad'}`}>{title(outcome)}</span>,
    <code>{actor}</code>,
    <code title={subject}>{short(subject)}</code>,
    Object.entries(details)
      .map(([name, value]) => `${name}: ${short(String(value))}`)
      .join(', '),
  ];
}

/** Ids of tasks and rounds by their beginning; the export has them whole. */
function short(text: string): string {
  return /^[0-9a-f]{17,}$/.test(text) ? `${text.slice(0, 12)}…` : text;
}

function ExportButton(): JSX.Element {
  const problem = useSignal('');
  const save = async (): Promise<void> => {
    problem.value = '';
    try {
      const response = await request('/audit/export', { accept: 'application/jsonl' });
      saveFile('audit.jsonl', await response.blob());
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  return (
    <div>
      <button type="button" onClick={() => void save()}>
        Export all
      </button>
      <span class="problem" role="alert">
        {problem.value}
      </span>
    </div>
  );
}
