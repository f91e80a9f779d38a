/**
 * An operation of the admin API as data: what may call it, what it takes and gives.
 * Knows: the form of a route. Doesn't know: HTTP servers, tokens' secrets.
 * Invariant: a route cannot be without its permission, its schema and its line in the document.
 */
import type { Rng, Suite } from '@onlysum/crypto';
import type { Permission, TokenRecord } from '@onlysum/service';
import type { Task } from '@onlysum/task';
import type { Logger } from 'pino';
import type { GenericSchema, InferOutput, ObjectEntries, StrictObjectSchema } from 'valibot';
import type { ResealReport } from '../key-rotation.js';
import type { CoordinatorStore } from '../store/coordinator-store.js';
import type { TaskRecord } from '../store/records.js';
import type { WindowReport } from '../window-report.js';
import type { Patience } from './patience.js';

/** What the API needs of the coordinator. */
export interface AdminPorts {
  readonly store: CoordinatorStore;
  readonly suite: Suite;
  readonly rng: Rng;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
  /** Hex ids of those that are served. */
  readonly served: ReadonlySet<string>;
  stopTask(taskId: string, reason: string, actor: string): Promise<void>;
  resumeTask(taskId: string, reason: string, actor: string): Promise<void>;
  windowResult(taskId: string, window: number): Promise<WindowReport | undefined>;
  rounds(): readonly LiveRound[];
  resealResults(actor: string, signal: AbortSignal): Promise<ResealReport>;
}

/** A round that has not ended. Names no device and no address. */
export interface LiveRound {
  /** Hex. */
  readonly taskId: string;
  /** Its name. */
  readonly task: string;
  readonly window: number;
  /** Hex. */
  readonly round: string;
  readonly stage: string;
  /** In the cohort. */
  readonly devices: number;
  /** Of which the stage has or awaits an answer, without those that are lost; 0 while it needs none. */
  readonly asked: number;
  readonly answered: number;
  /** With so many the cohort closes. */
  readonly target: number;
  /** Devices without which no round begins. */
  readonly missing: number;
  /** Until the stage ends at the latest; null if nothing limits it. */
  readonly closesInMs: number | null;
}

type Fields = StrictObjectSchema<ObjectEntries, undefined>;

/** What a handler gets, after every check. */
export interface Call<P = unknown, Q = unknown, B = unknown> {
  readonly token: TokenRecord;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Of a route with `scope: 'task'`. */
  readonly task: KnownTask;
  readonly ports: AdminPorts;
  /** Of this request, for a route that works without the store. */
  readonly patience: Patience;
  /** Ends when the client is gone. */
  readonly signal: AbortSignal;
  /** Appends to the audit log that the caller did something; resolves when it is durable. */
  audit(action: string, subject: string | undefined, details: AuditDetails): Promise<void>;
  /**
   * The same for what is done in many requests, page by page: nothing if the caller's last entry of it is
   * some minutes old.
   *
   * @param access - what counts as the same, beside the token.
   */
  auditOnce(access: string, action: string, details: AuditDetails): Promise<void>;
}

export type AuditDetails = Readonly<Record<string, string | number | boolean>>;

/** A task that is or was served. */
export interface KnownTask {
  readonly record: TaskRecord;
  readonly task: Task;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below {@link API_BASE}, parameters in braces. */
  readonly path: string;
  /** Unique; also the operation's id. */
  readonly name: string;
  readonly summary: string;
  /** Any of these will do; `token`: whoever has a token that holds; `none`: anybody. */
  readonly permissions: readonly Permission[] | 'token' | 'none';
  /**
   * `task`: the token must cover the task named by `taskId` in the path or `task` in the query. `all`: it
   * must cover all tasks. `own`: the handler shows only what the token covers.
   */
  readonly scope: 'task' | 'all' | 'own';
  readonly params: Fields | undefined;
  readonly query: Fields | undefined;
  readonly body: GenericSchema | undefined;
  readonly status: 200 | 201;
  /** Whether it works while the store does not answer, by what that said last of tokens and tasks. */
  readonly worksWithoutStore: boolean;
  /** By media type. Undefined: no JSON, so no schema. */
  readonly responses: Readonly<Record<string, GenericSchema | undefined>>;
  readonly run: (call: Call) => Promise<unknown>;
}

/** A body that is not one JSON value: written as it is made. */
export class Streamed {
  readonly contentType: string;
  readonly chunks: AsyncIterable<string>;
  /** Suggested when a browser saves it. */
  readonly fileName: string | undefined;

  constructor(contentType: string, chunks: AsyncIterable<string>, fileName?: string) {
    this.contentType = contentType;
    this.chunks = chunks;
    this.fileName = fileName;
  }
}

export const API_BASE = '/api/v1';
export const JSON_TYPE = 'application/json';
export const CSV_TYPE = 'text/csv';
export const EVENTS_TYPE = 'text/event-stream';
export const LINES_TYPE = 'application/jsonl';

type OutputOf<S> = S extends GenericSchema ? InferOutput<S> : undefined;

/** Ties a handler's arguments to its schemas. */
export function route<
  P extends Fields | undefined = undefined,
  Q extends Fields | undefined = undefined,
  B extends GenericSchema | undefined = undefined,
>(
  spec: Omit<Route, 'params' | 'query' | 'body' | 'status' | 'worksWithoutStore' | 'run'> & {
    readonly params?: P;
    readonly query?: Q;
    readonly body?: B;
    readonly status?: Route['status'];
    readonly worksWithoutStore?: boolean;
    readonly run: (call: Call<OutputOf<P>, OutputOf<Q>, OutputOf<B>>) => Promise<unknown>;
  },
): Route {
  return {
    ...spec,
    params: spec.params,
    query: spec.query,
    body: spec.body,
    status: spec.status ?? 200,
    worksWithoutStore: spec.worksWithoutStore ?? false,
    run: spec.run as Route['run'],
  };
}
