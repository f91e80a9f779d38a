/** A receipt as a person reads it. */
import type { LedgerEntry, SpentPrivacy } from '@onlysum/client';
import { formatAuditHead } from '@onlysum/service';

export function receiptLines(entry: LedgerEntry): string[] {
  const { task, window, round, sentAtMs, groups, values, privacy, keepUntilMs } = entry;
  const sent = Object.entries(values).map(([name, value]) => `${name}=${String(value)}`);
  const rows = [
    ['task', `${task.name} version ${task.version}`],
    ['window', `${isoTime(window.startMs)} to ${isoTime(window.endMs)}`],
    ['round', round],
    ['sent', `${isoTime(sentAtMs)}, masked: ${sent.join(', ') || 'nothing but zeros'}`],
    ['groups', groups.join(', ')],
    ['noise', privacyText(privacy)],
    ['kept', `until ${isoTime(keepUntilMs)}`],
    ...auditLogs(entry),
    ['outcome', outcome(entry)],
  ];
  return rows.map(([label = '', text = '']) => `${label.padEnd(9)}${text}`);
}

export type CheckedSignatures = 'hold' | 'do not hold' | 'none';

/** What `checkReceipt` found: it has the registrar's signatures, and none says which device this is. */
export function checkedLine(signatures: CheckedSignatures): string {
  const of = "the registrar's, of roster, U2 and U3; inclusion is this device's own record";
  return `checked  signatures: ${signatures}${signatures === 'none' ? '' : ` (${of})`}`;
}

/** Four digits are more than anybody can use. */
export function epsilonText(epsilon: number): string {
  return String(Number(epsilon.toPrecision(4)));
}

function privacyText(privacy: SpentPrivacy): string {
  if (privacy.mechanism === 'none') return 'off: the total is exact';
  const { mechanism, epsilon, delta, budget, spent } = privacy;
  const cost = delta === 0 ? `epsilon ${epsilon}` : `epsilon ${epsilon}, delta ${delta}`;
  const period = budget.days === 1 ? 'a day' : `${budget.days} days`;
  return `${mechanism}, ${cost}; then ${epsilonText(spent)} of ${budget.epsilon} in ${period} were spent`;
}

function outcome(entry: LedgerEntry): string {
  if (entry.kind === 'sent') return 'unknown: the connection ended before the survivors were known';
  const { included, opened, devices, survivors } = entry;
  if (!included) return `not in the sum of ${survivors} devices`;
  const word = opened === null ? 'not known to be opened' : opened ? 'opened' : 'not opened';
  return `one of ${survivors} in the sum, of ${devices} in the round; ${word}`;
}

/** As `onlysum audit verify --head` takes them. */
function auditLogs(entry: LedgerEntry): [string, string][] {
  if (entry.kind === 'sent') return [];
  const { coordinator, registrar } = entry.auditHeads;
  return [
    ...(coordinator === null ? [] : [['audit', `coordinator ${formatAuditHead(coordinator)}`]]),
    ...(registrar === null ? [] : [['audit', `registrar ${formatAuditHead(registrar)}`]]),
  ] as [string, string][];
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
