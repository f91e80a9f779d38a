/**
 * The device's durable record, shared by all its processes: who it is to each registrar, to which
 * metrics it has contributed until when, what that has cost, and its receipts. Protocol §2.3, §5.8, §7.
 * Pure: a change is a function from old to new.
 * Invariant: versions, incarnations and the ends of contributed intervals only grow.
 */
import { UsageError } from '@onlysum/crypto';
import type { RecordedValue } from '@onlysum/metrics';
import type { Budget } from '@onlysum/task';
import * as v from 'valibot';
import type { SpentEntry } from './privacy-budget.js';

/** JSON. All bytes are lower-case hex. */
export interface ClientRecord {
  /** By the registrar's public key. */
  readonly registrars: Readonly<Record<string, RegistrarRecord>>;
  /** Highest manifest version taken, by publisher and task name. */
  readonly versions: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** End of the last interval contributed, Unix ms, by publisher and metric. */
  readonly contributedUntil: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What windows with noise have cost, by publisher, ascending by their ends. */
  readonly privacySpent: Readonly<Record<string, readonly SpentEntry[]>>;
  /** The newest last; at most {@link MOST_RECEIPTS}. Each goes once its `keepUntilMs` is past. */
  readonly receipts: readonly LedgerEntry[];
  /** How many receipts had to go before that, for want of room. */
  readonly receiptsCut: number;
}

export interface RegistrarRecord {
  /** Highest incarnation met. */
  readonly incarnation: number;
  /** Hash of the code, or of the licence, by which this device is enrolled. */
  readonly code: string | null;
  /** A key made for a code whose answer has not come: asking again with it costs nothing. */
  readonly enrolling: { readonly code: string; readonly seed: string } | null;
  /** A key made for a renewal whose answer has not come: it may be enrolled, or not. */
  readonly renewing: RenewalRecord | null;
  /** Ascending epochs; the newest two. */
  readonly pseudonyms: readonly PseudonymRecord[];
  /** Tasks whose newest manifest names it, as `publisher/name`. */
  readonly tasks?: readonly string[] | undefined;
  /** The registrar's key before this one, if a newer manifest of some task moved from it to this one. */
  readonly succeeds?: string | undefined;
}

export interface RenewalRecord {
  /** The latest epoch for which it was asked. */
  readonly epoch: number;
  readonly seed: string;
  /** Seed of the key that speaks for this device; null for that of its newest certificate. */
  readonly previous: string | null;
}

export interface PseudonymRecord {
  readonly epoch: number;
  /** Ed25519 seed. Secret. */
  readonly seed: string;
  readonly publicKey: string;
  /** The registrar's signature of the certificate. */
  readonly signature: string;
}

/** What was sent, written before it leaves. */
export interface SentEntry {
  readonly kind: 'sent';
  readonly task: {
    readonly name: string;
    readonly version: number;
    readonly taskId: string;
    readonly publisher: string;
  };
  readonly window: {
    readonly index: number;
    readonly startMs: number;
    readonly endMs: number;
    readonly epoch: number;
  };
  readonly round: string;
  readonly sentAtMs: number;
  /** Consent groups that were given. */
  readonly groups: readonly string[];
  /** What was masked, by metric. */
  readonly values: Readonly<Record<string, RecordedValue>>;
  readonly privacy: SpentPrivacy;
  /** Unix ms: by the longest `retentionDays` among the metrics of the groups given. */
  readonly keepUntilMs: number;
}

/** What the window cost; with `none`, noise was off and nothing bounds that. */
export type SpentPrivacy =
  | { readonly mechanism: 'none' }
  | {
      readonly mechanism: 'skellam' | 'discrete-laplace';
      /** Of this window, as the manifest promises. */
      readonly epsilon: number;
      readonly delta: number;
      readonly budget: Budget;
      /** ε at the budget's δ, of all this publisher's windows in the period, this one included. */
      readonly spent: number;
    };

/** What was sent, and what became of it. */
export interface SubmitReceipt extends Omit<SentEntry, 'kind'> {
  readonly kind: 'receipt';
  /** Whether this device's input is in the sum. */
  readonly included: boolean;
  /** Whether the coordinator said that it opened the sum; null if it did not say. */
  readonly opened: boolean | null;
  /** n: devices in the attested roster. */
  readonly devices: number;
  /** Devices in the sum. */
  readonly survivors: number;
  /** The registrar's signatures and what they are over; see `checkReceipt`. */
  readonly evidence: ReceiptEvidence;
  /** Where their audit logs stood when this round was recorded in them; null if they did not say. */
  readonly auditHeads: {
    readonly coordinator: ReceiptAuditHead | null;
    readonly registrar: ReceiptAuditHead | null;
  };
}

/** Signed by the server whose log it is, for this round. */
export interface ReceiptAuditHead {
  /** Of the newest entry. */
  readonly sequence: number;
  /** Of that entry. */
  readonly digest: string;
  readonly signature: string;
}

export interface ReceiptEvidence {
  /** SHA-256 over all that the roster's signature is over. */
  readonly context: string;
  readonly incarnation: number;
  readonly k: number;
  readonly t: number;
  readonly seed: string;
  readonly root: string;
  readonly rosterSignature: string;
  readonly sharedSet: string;
  readonly sharedSetSignature: string;
  readonly survivorSet: string;
  readonly survivorSetSignature: string;
}

export type LedgerEntry = SentEntry | SubmitReceipt;

/**
 * Almost three years of daily windows, six weeks of hourly ones; each takes one or two kB, and the record
 * is written whole. Beyond, the oldest goes before its time, and `receiptsCut` says so.
 */
export const MOST_RECEIPTS = 1024;

export function emptyRecord(): ClientRecord {
  return {
    registrars: {},
    versions: {},
    contributedUntil: {},
    privacySpent: {},
    receipts: [],
    receiptsCut: 0,
  };
}

/** @returns the record, after checking every field. @throws {UsageError} `record-corrupt`. */
export function parseRecord(value: unknown): ClientRecord {
  const parsed = v.safeParse(recordSchema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const field = v.getDotPath(issue) ?? 'record';
  const expected = issue.expected ?? 'another value';
  // What came may be a seed, so it is not shown.
  throw new UsageError('record-corrupt', `record: ${field}: expected ${expected}`, {
    field,
    expected,
  });
}

/**
 * @param value - one receipt or a list of them, as JSON has them.
 * @throws {UsageError} `receipt-invalid` naming a field that no receipt has, or has otherwise.
 */
export function parseReceipts(value: unknown): readonly LedgerEntry[] {
  const parsed = v.safeParse(v.array(entrySchema), Array.isArray(value) ? value : [value]);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const field = v.getDotPath(issue) ?? 'receipt';
  const expected = issue.expected ?? 'another value';
  throw new UsageError('receipt-invalid', `receipts.${field}: expected ${expected}`, {
    field,
    expected,
  });
}

/** @returns the entry of `key`, never what every object inherits. */
export function own<T>(entries: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}

export function registrarOf(record: ClientRecord, registrar: string): RegistrarRecord {
  return own(record.registrars, registrar) ?? NEW_REGISTRAR;
}

export function withRegistrar(
  record: ClientRecord,
  registrar: string,
  change: Partial<RegistrarRecord>,
): ClientRecord {
  const changed = { ...registrarOf(record, registrar), ...change };
  return { ...record, registrars: { ...record.registrars, [registrar]: changed } };
}

const NEW_REGISTRAR: RegistrarRecord = {
  incarnation: 0,
  code: null,
  enrolling: null,
  renewing: null,
  pseudonyms: [],
};

const hex = (bytes: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`)));
const anyHex = v.pipe(v.string(), v.regex(/^([0-9a-f]{2})*$/));
const natural = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const nonNegative = v.pipe(v.number(), v.finite(), v.minValue(0));

/** Not v.record: it silently drops `constructor`, which a metric may be called. */
const byText = <T extends v.GenericSchema>(value: T) =>
  v.pipe(
    v.custom<object>((raw) => typeof raw === 'object' && raw !== null && !Array.isArray(raw)),
    v.transform((raw): [string, unknown][] => Object.entries(raw)),
    v.array(v.tuple([v.string(), value])),
    v.transform((entries): Record<string, v.InferOutput<T>> => Object.fromEntries(entries)),
  );

const sentFields = {
  task: v.strictObject({
    name: v.string(),
    version: natural,
    taskId: hex(32),
    publisher: hex(32),
  }),
  window: v.strictObject({ index: natural, startMs: natural, endMs: natural, epoch: natural }),
  round: hex(16),
  sentAtMs: v.number(),
  groups: v.array(v.string()),
  values: byText(v.union([v.number(), v.boolean(), v.string(), v.array(v.string())])),
  privacy: v.variant('mechanism', [
    v.strictObject({ mechanism: v.literal('none') }),
    v.strictObject({
      mechanism: v.picklist(['skellam', 'discrete-laplace']),
      epsilon: nonNegative,
      delta: nonNegative,
      budget: v.strictObject({ epsilon: nonNegative, delta: nonNegative, days: natural }),
      spent: nonNegative,
    }),
  ]),
  keepUntilMs: v.number(),
};

const spentSchema = v.strictObject({
  windowStartMs: natural,
  windowEndMs: natural,
  windows: natural,
  task: v.nullable(v.string()),
  cost: v.strictObject({
    linear: nonNegative,
    quadratic: nonNegative,
    constant: nonNegative,
    cap: nonNegative,
    pure: nonNegative,
    pureSquares: nonNegative,
  }),
});

const auditHeadSchema = v.strictObject({
  sequence: natural,
  digest: hex(32),
  signature: hex(64),
});

const entrySchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('sent'), ...sentFields }),
  v.strictObject({
    kind: v.literal('receipt'),
    ...sentFields,
    included: v.boolean(),
    opened: v.nullable(v.boolean()),
    devices: natural,
    survivors: natural,
    evidence: v.strictObject({
      context: hex(32),
      incarnation: natural,
      k: natural,
      t: natural,
      seed: hex(32),
      root: hex(32),
      rosterSignature: hex(64),
      sharedSet: anyHex,
      sharedSetSignature: hex(64),
      survivorSet: anyHex,
      survivorSetSignature: hex(64),
    }),
    auditHeads: v.strictObject({
      coordinator: v.nullable(auditHeadSchema),
      registrar: v.nullable(auditHeadSchema),
    }),
  }),
]);

const recordSchema = v.strictObject({
  registrars: byText(
    v.strictObject({
      incarnation: natural,
      code: v.nullable(hex(32)),
      enrolling: v.nullable(v.strictObject({ code: hex(32), seed: hex(32) })),
      renewing: v.nullable(
        v.strictObject({ epoch: natural, seed: hex(32), previous: v.nullable(hex(32)) }),
      ),
      pseudonyms: v.array(
        v.strictObject({
          epoch: natural,
          seed: hex(32),
          publicKey: hex(32),
          signature: hex(64),
        }),
      ),
      tasks: v.optional(v.array(v.string())),
      succeeds: v.optional(hex(32)),
    }),
  ),
  versions: byText(byText(natural)),
  contributedUntil: byText(byText(natural)),
  privacySpent: byText(v.array(spentSchema)),
  receipts: v.array(entrySchema),
  receiptsCut: natural,
});
