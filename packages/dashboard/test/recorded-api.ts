/**
 * The coordinator's API as far as this page asks, answered from records: for looking at the page and for
 * states that a real coordinator is in only at times. Knows: the contract's shapes. Never shipped.
 */
import { createHash } from 'node:crypto';
import type { WindowResult } from '@onlysum/metrics';
import { GRANTS, readableMetrics } from '@onlysum/service';
import { type Manifest, type Privacy, type Role, windowByIndex } from '@onlysum/task';
import { closedRows, silentRow } from '../../coordinator/src/admin/tidy-rows.js';
import type {
  AuditEntry,
  AuditHead,
  AuditVerification,
  LiveRound,
  Me,
  PrivacyView,
  ResultRow,
  TaskView,
  WindowDetail,
  WindowEstimates,
  WindowView,
} from '../src/api/contract.js';
import { editorTask, estimatesOf, WINDOW_MS } from './recorded-task.js';

export const TASK_ID = 'c0ffee'.padEnd(64, '1');
const WINDOWS = 10;
const FIRST = 2_900;
const TOO_FEW = 4;
const ENTRIES = 230;
const NOW_MS = (FIRST + WINDOWS) * WINDOW_MS - 3 * 86_400_000;

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly type?: string;
}

export class RecordedApi {
  readonly manifest: Manifest;
  readonly #results: ReadonlyMap<number, WindowResult>;
  #stopped: string | undefined;
  /** Requests that changed something. */
  readonly changes: string[] = [];
  /** Paths of all requests, in order. */
  readonly asked: string[] = [];
  /** Answers every request with this instead, while it is there. */
  failing: Answer | undefined;
  /** How far the live rounds have come, from 0. */
  liveStep = 0;
  isEmpty = false;
  isBroken = false;
  expiresMs = Date.now() + 8 * 3_600_000;

  constructor(privacy?: Privacy) {
    this.manifest = editorTask(privacy);
    const closed = Array.from({ length: WINDOWS - 1 }, (_, i) => i).filter((i) => i !== TOO_FEW);
    this.#results = new Map(closed.map((i) => [FIRST + i, estimatesOf(this.manifest, i)]));
  }

  /** As it was at first. */
  reset(): void {
    this.#stopped = undefined;
    this.changes.length = 0;
    this.asked.length = 0;
    this.failing = undefined;
    this.liveStep = 0;
    this.isEmpty = false;
    this.isBroken = false;
    this.expiresMs = Date.now() + 8 * 3_600_000;
  }

  /** @param token - a role's name with `onlysum_` before it. */
  answer(method: string, url: URL, token: string, body: string): Answer {
    if (this.failing !== undefined) return this.failing;
    const role = token.replace('onlysum_', '') as Role;
    if (!Object.hasOwn(GRANTS, role)) return refusal(401, 'token-invalid', 'token: not known');
    if (Date.now() >= this.expiresMs) return refusal(401, 'token-expired', 'token: has expired');
    const path = url.pathname.replace('/api/v1', '');
    this.asked.push(path);
    const ok = (value: unknown): Answer => ({ status: 200, body: value });
    const window = /windows\/(\d+)/.exec(path)?.[1];
    if (method === 'POST') return this.#change(path, body);
    if (path === '/me') return ok(this.#me(role));
    if (path === '/tasks') return ok(this.isEmpty ? [] : [this.task()]);
    if (path.endsWith('/windows')) return ok(this.#windows());
    if (path.endsWith('/result')) return ok(this.#result(Number(window), role));
    if (window !== undefined) return ok(this.#detail(Number(window)));
    if (path.endsWith('/results')) return this.#rows(url, role);
    if (path.endsWith('/dictionary')) return this.#dictionary(url);
    if (path === '/privacy') return ok(this.#privacy());
    if (path === '/audit') return ok(this.#audit(url));
    if (path === '/audit/head') return ok(this.#head());
    if (path === '/audit/verify') return ok(this.#verification());
    return refusal(404, 'not-found', `path: nothing at ${path}`);
  }

  task(): TaskView {
    const { name, version, publisher, registrar, coordinator, window, cohort } = this.manifest;
    const { minSurvivors, minRespondents, privacy, groups, metrics } = this.manifest;
    return {
      taskId: TASK_ID,
      name,
      version,
      state: this.#stopped === undefined ? 'open' : 'stopped',
      ...(this.#stopped === undefined ? {} : { reason: this.#stopped }),
      served: true,
      publisher,
      registrar,
      url: coordinator.url,
      window,
      cohort,
      minSurvivors,
      minRespondents,
      privacy,
      groups,
      metrics,
    };
  }

  live(): readonly LiveRound[] {
    const step = this.liveStep;
    if (this.#stopped !== undefined || this.isEmpty) return [];
    const common = { taskId: TASK_ID, window: FIRST + WINDOWS - 1, target: 4_800 };
    return [
      {
        ...common,
        round: 'a1b2c3d4'.repeat(4),
        stage: 'gathering',
        devices: 988 + 4 * step,
        asked: 988 + 4 * step,
        answered: 985 + 4 * step,
        missing: Math.max(0, 12 - 4 * step),
        closesInMs: 300_000,
      },
      {
        ...common,
        round: '0f1e2d3c'.repeat(4),
        stage: step < 2 ? 'masking' : 'unmasking',
        devices: 4_800,
        missing: 0,
        closesInMs: 41_000,
        asked: 4_790,
        answered: 3_120,
      },
    ];
  }

  #me(role: Role): Me {
    const name = 'a laptop';
    const { expiresMs } = this;
    return { id: '00ff00ff00ff00ff', name, role, permissions: GRANTS[role], expiresMs };
  }

  #windows(): WindowView[] {
    if (this.isEmpty) return [];
    return Array.from({ length: WINDOWS }, (_, i) => {
      const { index, startMs, endMs } = windowByIndex(this.manifest, FIRST + i);
      const result = this.#results.get(index);
      const state = result !== undefined ? 'closed' : i === TOO_FEW ? 'too-few' : 'open';
      const survivors = result?.survivors ?? 0;
      const opened = result === undefined ? 0 : 1;
      const devices = result === undefined ? 0 : survivors + 31;
      return {
        window: index,
        startMs,
        endMs,
        state,
        rounds: 1,
        opened,
        devices,
        survivors,
      } as const;
    }).reverse();
  }

  #window(index: number): WindowView {
    const found = this.#windows().find(({ window }) => window === index);
    if (found === undefined) throw new Error(`no window ${index}`);
    return found;
  }

  #detail(index: number): WindowDetail {
    const { rounds: _, ...window } = this.#window(index);
    const { endMs: closedMs, devices, survivors } = window;
    const round = index.toString(16).padStart(32, 'e');
    if (window.opened === 0) {
      const reason = 'too-few-survivors';
      return {
        ...window,
        rounds: [{ round, outcome: 'aborted', reason, devices: 412, drops: [], closedMs }],
      };
    }
    const drops = [
      { stage: 'masking', code: 'connection-lost', count: 24 },
      { stage: 'unmasking', code: 'deadline-missed', count: 7 },
    ];
    return {
      ...window,
      rounds: [{ round, outcome: 'opened', devices, survivors, drops, closedMs }],
    };
  }

  #result(index: number, role: Role): WindowEstimates {
    const { window, startMs, endMs, state, devices, survivors } = this.#window(index);
    const readable = readableMetrics(role, this.manifest);
    const withheld = this.manifest.metrics
      .map(({ name }) => name)
      .filter((n) => !readable.includes(n));
    const head = { window, startMs, endMs, state, withheld };
    const estimates = this.#results.get(index);
    if (estimates === undefined) return head;
    const metrics = Object.fromEntries(
      Object.entries(estimates.metrics).filter(([name]) => readable.includes(name)),
    );
    return { ...head, devices, survivors, estimates: { ...estimates, metrics } };
  }

  #rows(url: URL, role: Role): Answer {
    const [from, to] = ['from', 'to'].map((name) => Number(url.searchParams.get(name)));
    const rows = this.#windows()
      .filter(
        ({ startMs, state }) => startMs >= (from ?? 0) && startMs < (to ?? 0) && state !== 'open',
      )
      .flatMap((view) => rowsOf(this.manifest, view, this.#result(view.window, role)));
    if (url.searchParams.get('format') !== 'csv') return { status: 200, body: rows };
    const names = Object.keys(rows[0] ?? {}) as (keyof ResultRow)[];
    const lines = [names, ...rows.map((row) => names.map((name) => row[name]))];
    return {
      status: 200,
      type: 'text/csv',
      body: lines.map((line) => `${line.join()}\r\n`).join(''),
    };
  }

  #dictionary(url: URL): Answer {
    const columns = ['window', 'metric', 'value'].map((name) => ({
      name,
      type: 'text',
      meaning: name,
    }));
    return url.searchParams.get('format') === 'csv'
      ? { status: 200, type: 'text/csv', body: 'entry,name\r\n' }
      : { status: 200, body: { columns, metrics: [] } };
  }

  #privacy(): PrivacyView {
    const { privacy } = this.manifest;
    const windows = this.#windows().map(({ window, startMs, state, devices, survivors }, i) => {
      const rate = this.#results.get(window)?.groups['performance'];
      const group = 'performance';
      const optOut =
        rate === undefined
          ? []
          : 'suppressed' in rate || rate.optOutRate === undefined
            ? [{ group, suppressed: true as const }]
            : [{ group, ...rate.optOutRate }];
      const refusals = [
        { code: 'connection-lost', count: 24 + i },
        { code: 'deadline-missed', count: 7 },
        ...(state === 'too-few' ? [{ code: 'too-few-survivors', count: 1 }] : []),
      ];
      const cohortSizes = devices === 0 ? [] : [devices - 100 * i, devices];
      return { window, startMs, state, cohortSizes, survivors, refusals, optOut };
    });
    const budget =
      privacy.mechanism === 'none'
        ? null
        : { ...privacy.budget, windows: 8, spentEpsilon: 6.218, windowsPaid: 12 };
    return { privacy, budget, windows };
  }

  #audit(url: URL): AuditEntry[] {
    if (this.isEmpty) return [];
    const before = Number(url.searchParams.get('before') ?? ENTRIES + 1);
    const limit = Number(url.searchParams.get('limit') ?? 100);
    const count = Math.max(0, Math.min(limit, before - 1));
    return Array.from({ length: count }, (_, i) => entry(before - 1 - i));
  }

  #head(): AuditHead {
    const sequence = this.isEmpty ? 0 : ENTRIES;
    return { sequence, digest: this.isEmpty ? '0'.repeat(64) : entry(sequence).digest };
  }

  #verification(): AuditVerification {
    const head = this.#head();
    if (!this.isBroken) return { entries: head.sequence, head };
    const good = { sequence: 117, digest: entry(117).digest };
    return { entries: 117, head: good, fault: { sequence: 118, reason: 'edited' } };
  }

  #change(path: string, body: string): Answer {
    const { reason } = JSON.parse(body) as { reason: string };
    this.changes.push(`${path} ${reason}`);
    this.#stopped = path.endsWith('/stop') ? reason : undefined;
    return { status: 200, body: this.task() };
  }
}

function rowsOf(
  { name, version }: Manifest,
  { window, startMs, endMs }: WindowView,
  { estimates }: WindowEstimates,
): readonly ResultRow[] {
  const facts = { task: name, version, window, startMs, endMs };
  return estimates === undefined ? [silentRow(facts, 'too-few')] : closedRows(facts, estimates);
}

const ACTIONS = ['result.read', 'round.opened', 'token.made', 'access.refused', 'task.stopped'];

function entry(sequence: number): AuditEntry {
  const action = ACTIONS[sequence % ACTIONS.length] ?? '';
  const digest = (text: number): string => createHash('sha256').update(String(text)).digest('hex');
  return {
    sequence,
    atMs: NOW_MS - (ENTRIES - sequence) * 3_600_000,
    action,
    actor: action === 'round.opened' ? 'system' : '00ff00ff00ff00ff',
    subject: TASK_ID,
    outcome: action === 'access.refused' ? 'refused' : 'done',
    details: { window: FIRST + (sequence % WINDOWS), withheld: 1 },
    previous: digest(sequence - 1),
    digest: digest(sequence),
  };
}

function refusal(status: number, code: string, message: string): Answer {
  return { status, body: { error: { code, message, retryable: false } } };
}
