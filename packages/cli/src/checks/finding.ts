/** What a check found. Invariant: no secret in it; whatever is not right says how to mend it. */

export interface Finding {
  /** Name of the check, stable. */
  readonly check: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  readonly mend?: string;
  /** `file:line:column` of the line of onlysum.yaml that it is about. */
  readonly at?: string;
}

export function ok(check: string, message: string): Finding {
  return { check, status: 'ok', message };
}

export function warning(check: string, message: string, mend: string, at?: string): Finding {
  return { check, status: 'warn', message, mend, ...(at === undefined ? {} : { at }) };
}

export function failure(check: string, message: string, mend: string, at?: string): Finding {
  return { check, status: 'fail', message, mend, ...(at === undefined ? {} : { at }) };
}

/** @returns `findings`, or that all is well where there are none. */
export function orOk(findings: readonly Finding[], check: string, message: string): Finding[] {
  return findings.length > 0 ? [...findings] : [ok(check, message)];
}
