/** Findings as a person reads them, and what they come to. */
import { print, printJson } from '../output.js';
import type { Terminal } from '../terminal.js';
import type { Finding } from './finding.js';

const LABELS = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;

/** @returns the exit code: 1 if anything failed. */
export function showFindings(
  terminal: Terminal,
  findings: readonly Finding[],
  json: boolean,
): number {
  const failed = countOf(findings, 'fail');
  if (json) printJson(terminal, { ok: failed === 0, findings });
  else print(terminal, ...findingLines(findings));
  return failed === 0 ? 0 : 1;
}

function findingLines(findings: readonly Finding[]): string[] {
  const lines = findings.flatMap(({ check, status, message, mend, at }) => [
    `${LABELS[status]}  ${check.padEnd(13)} ${message}`,
    ...(at === undefined ? [] : [`      at ${at}`]),
    ...(mend === undefined ? [] : [`      mend: ${mend}`]),
  ]);
  const [failed, warned] = [countOf(findings, 'fail'), countOf(findings, 'warn')];
  return [
    ...lines,
    '',
    `${failed} failed, ${warned} to think about, ${countOf(findings, 'ok')} ok`,
  ];
}

function countOf(findings: readonly Finding[], status: Finding['status']): number {
  return findings.filter((finding) => finding.status === status).length;
}
