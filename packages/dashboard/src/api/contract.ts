/**
 * What the coordinator's API answers, as this page reads it. Times are Unix ms.
 * Knows: shapes. Doesn't know: requests, how anything is shown.
 */
import type { Estimate, WindowResult } from '@onlysum/metrics';
import type { AuditEntry, AuditFault, AuditHead, Permission } from '@onlysum/service';
import type { Manifest, Metric, Privacy, Role } from '@onlysum/task';

export interface Me {
  readonly id: string;
  /** Whose the token is, or what for. */
  readonly name: string;
  readonly role: Role;
  readonly permissions: readonly Permission[];
  readonly expiresMs: number;
}

export interface TaskView {
  readonly taskId: string;
  readonly name: string;
  readonly version: number;
  readonly state: 'open' | 'stopped';
  /** False for one that was served once. */
  readonly served: boolean;
  /** Why it was stopped. */
  readonly reason?: string;
  readonly publisher: string;
  readonly registrar: string;
  readonly url: string;
  readonly window: { readonly lengthMs: number };
  readonly cohort: Manifest['cohort'];
  readonly minSurvivors: number;
  readonly minRespondents: number;
  readonly privacy: Privacy;
  readonly groups: Manifest['groups'];
  readonly metrics: readonly MetricView[];
}

export interface MetricView {
  readonly name: string;
  readonly kind: Metric['kind'];
  readonly group: string;
  readonly purpose: string;
  readonly owner: string;
  readonly retentionDays: number;
  readonly access: readonly Role[];
  readonly unit?: string;
}

export interface WindowView {
  readonly window: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly state: 'open' | 'closed' | 'too-few';
  /** Rounds that ended, and those of them that opened. */
  readonly rounds: number;
  readonly opened: number;
  /** Over the rounds that opened. */
  readonly devices: number;
  readonly survivors: number;
}

export interface WindowDetail extends Omit<WindowView, 'rounds'> {
  readonly rounds: readonly RoundView[];
}

export interface RoundView {
  readonly round: string;
  readonly outcome: 'opened' | 'aborted';
  readonly reason?: string;
  readonly devices: number;
  readonly survivors?: number;
  readonly drops: readonly {
    readonly stage: string;
    readonly code: string;
    readonly count: number;
  }[];
  readonly closedMs: number;
}

export interface WindowEstimates {
  readonly window: number;
  readonly startMs: number;
  readonly endMs: number;
  /** `deleted`: its retention has ended. */
  readonly state: ResultState;
  readonly devices?: number;
  readonly survivors?: number;
  /** Absent where nothing was opened. */
  readonly estimates?: WindowResult;
  /** Names of metrics that the token's role may not read. */
  readonly withheld: readonly string[];
}

export type ResultState = 'open' | 'too-few' | 'deleted' | 'closed';

/** One number of one window; tidy data. */
export interface ResultRow {
  readonly window: number;
  readonly startMs: number;
  /** Null in the only row of a window without a result. */
  readonly metric: string | null;
  /** Of the metric; `window` and `group` for what is none. */
  readonly kind: string | null;
  readonly statistic: string | null;
  /** A category, option, candidate, bucket or quantile. */
  readonly category: string | null;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly suppressed: boolean;
  /** Why. */
  readonly reason: string | null;
}

export interface LiveRound {
  readonly taskId: string;
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

export interface PrivacyView {
  readonly privacy: Privacy;
  /** Null without noise. */
  readonly budget: {
    readonly epsilon: string;
    readonly delta: string;
    readonly days: number;
    /** That opened within the last `days` days. */
    readonly windows: number;
    /** Of a device that was in every one of them; null if no bound can be shown. */
    readonly spentEpsilon: number | null;
    /** That the whole budget pays for. */
    readonly windowsPaid: number;
  } | null;
  readonly windows: readonly PrivacyWindow[];
}

export interface PrivacyWindow {
  readonly window: number;
  readonly startMs: number;
  readonly state: ResultState;
  readonly cohortSizes: readonly number[];
  readonly survivors: number;
  readonly refusals: readonly { readonly code: string; readonly count: number }[];
  readonly optOut: readonly OptOut[];
}

export type OptOut = { readonly group: string } & (Estimate | { readonly suppressed: true });

export interface AuditVerification {
  readonly entries: number;
  readonly head: AuditHead;
  readonly fault?: AuditFault;
}

export type { AuditEntry, AuditHead, Permission, Role };
