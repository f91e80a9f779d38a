/**
 * The audit log: whether it holds, and its entries, the newest first.
 * Knows: where the log ends, from verifying it. The server gives pages upwards from any entry.
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { AuditEntry, AuditVerification } from '../api/contract.js';
import { json, may, request } from '../session.js';
import { DataTable } from '../view/data-table.js';
import { counted, number, timeToTheSecond, title } from '../view/format.js';
import { saveFile } from '../view/save-file.js';
import { Empty, Failed, Loading } from '../view/states.js';

const PAGE = 100;

export function AuditPage(): JSX.Element {
  const verified = useSignal<AuditVerification | undefined>(undefined);
  const isBusy = useSignal(false);
  const problem = useSignal('');
  const verify = async (): Promise<void> => {
    if (isBusy.value) return;
    isBusy.value = true;
    problem.value = '';
    try {
      verified.value = await json<AuditVerification>('/audit/verify');
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      isBusy.value = false;
    }
  };
  useEffect(() => void verify(), []);
  return (
    <>
      <section class="card" aria-labelledby="verify-title">
        <div class="card-head">
          <h2 id="verify-title">Does it hold?</h2>
          <button type="button" aria-disabled={isBusy.value} onClick={() => void verify()}>
            {isBusy.value ? 'Verifying…' : 'Verify again'}
          </button>
        </div>
        <div role="status">
          {verified.value === undefined ? null : <Verdict verdict={verified.value} />}
        </div>
        {problem.value === '' ? null : (
          <Failed what="the verification" message={problem.value} retry={() => void verify()} />
        )}
        {verified.value === undefined && isBusy.value ? <Loading what="the whole log" /> : null}
      </section>
      {may('audit.read') && verified.value !== undefined ? (
        <Entries last={lastEntry(verified.value)} />
      ) : null}
      {may('audit.read') ? null : <p class="muted">Your role may verify the log, not read it.</p>}
    </>
  );
}

/** Where a log is broken, there may be more entries behind the fault: they are shown too. */
function lastEntry({ entries, head, fault }: AuditVerification): number {
  return Math.max(entries, head.sequence, fault?.sequence ?? 0);
}

function Verdict({ verdict }: { readonly verdict: AuditVerification }): JSX.Element {
  const { entries, head, fault } = verdict;
  const copied = useSignal('');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(`${head.sequence} ${head.digest}`);
      copied.value = 'Copied: number and digest of the last entry.';
    } catch {
      copied.value = 'The browser does not let this page copy; select the digest instead.';
    }
  };
  return (
    <>
      {fault === undefined ? (
        <p class="verdict good">
          <strong>The log holds.</strong> {counted(entries, 'entry', 'entries')}, each with the
          digest of the one before.
        </p>
      ) : (
        <p class="verdict bad">
          <strong>The log does not hold.</strong> Entry {number(fault.sequence)} was{' '}
          {fault.reason === 'edited' ? 'edited' : 'moved, or the one before it is missing'}. Up to
          entry {number(head.sequence)} it holds.
        </p>
      )}
      <p class="digest-line">
        Head: entry {number(head.sequence)}, <code class="digest">{head.digest}</code>
        <button type="button" class="small" onClick={() => void copy()}>
          Copy
        </button>
        <span class="help" role="status">
          {copied.value}
        </span>
      </p>
      <p class="help">
        Keep the head elsewhere: only somebody who has it can tell that the newest entries were cut
        off.
      </p>
    </>
  );
}

function Entries({ last }: { readonly last: number }): JSX.Element {
  const entries = useSignal<readonly AuditEntry[]>([]);
  const problem = useSignal('');
  const isBusy = useSignal(false);
  const action = useSignal('');
  /** @param below - of the oldest entry that is there, or one behind the last. */
  const loadBelow = async (below: number, kept: readonly AuditEntry[]): Promise<void> => {
    isBusy.value = true;
    problem.value = '';
    const after = Math.max(0, below - 1 - PAGE);
    try {
      const page = await json<AuditEntry[]>(`/audit?after=${after}&limit=${below - 1 - after}`);
      entries.value = [...kept, ...page.toReversed()];
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      isBusy.value = false;
    }
  };
  useEffect(() => {
    if (last > 0) void loadBelow(last + 1, []);
  }, [last]);
  const oldest = entries.value.at(-1)?.sequence ?? last + 1;
  const actions = [...new Set(entries.value.map((entry) => entry.action))].sort();
  const shown = entries.value.filter(
    (entry) => action.value === '' || entry.action === action.value,
  );
  return (
    <section class="card" aria-labelledby="entries-title">
      <div class="card-head">
        <h2 id="entries-title">Entries</h2>
        <ExportButton />
      </div>
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
          {counted(shown.length, 'entry', 'entries')} of {number(entries.value.length)} loaded,{' '}
          {number(last)} in all
        </p>
      </div>
      {last === 0 ? <Empty title="Nothing has been logged yet." /> : null}
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
            { label: 'Details', whole: true },
          ]}
          rows={shown.map(rowOf)}
        />
      )}
      {problem.value === '' ? null : (
        <Failed
          what="entries"
          message={problem.value}
          retry={() => void loadBelow(oldest, entries.value)}
        />
      )}
      {isBusy.value ? <Loading what="entries" /> : null}
      {oldest > 1 && !isBusy.value && problem.value === '' ? (
        <button type="button" onClick={() => void loadBelow(oldest, entries.value)}>
          Load {number(Math.min(PAGE, oldest - 1))} older
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
    <code title={subject}>{subject.length > 16 ? `${subject.slice(0, 12)}…` : subject}</code>,
    Object.entries(details)
      .map(([name, value]) => `${name}: ${String(value)}`)
      .join(', '),
  ];
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
