/**
 * Opening a window: freeze who is enrolled, then draw the value that assigns pools, then sign, once per
 * task, window and incarnation. Protocol §2.4.
 */
import { announcementStatement, type Announcement } from '../announcement.js';
import { poolCount } from '../pools.js';
import { KEY_BYTES } from '../sizes.js';
import { type Task, checkValidity, type Window } from '@onlysum/task';
import { UsageError } from '@onlysum/crypto';
import { currentWindow } from '../window-clock.js';
import type { Ledger } from './ledger.js';
import { enrolledIn, nextSequence, population } from './lineage.js';
import { records } from './records.js';
import { checkNotPruned } from './retention.js';
import { type MachineContext, RefusedRequest, type RegistrarParams, sign } from './types.js';

/** The present incarnation. @throws {RefusedRequest} `registrar-not-ready` before the first one. */
export function presentIncarnation(ledger: Ledger): number {
  const record = records.incarnation.find(ledger);
  if (record === undefined) {
    throw new RefusedRequest('registrar-not-ready', 'the registrar has no incarnation yet');
  }
  return record.incarnation;
}

/**
 * Starts a new incarnation: every open round is dead. The clock is in it, so that it grows even after
 * a restore from a backup that had forgotten some.
 */
export function newIncarnation(ledger: Ledger, context: MachineContext): number {
  const before = records.incarnation.find(ledger)?.incarnation ?? 0;
  const incarnation = Math.max(before + 1, context.nowMs);
  records.incarnation.put(ledger, { incarnation });
  return incarnation;
}

export function announceWindow(
  ledger: Ledger,
  task: Task,
  index: number,
  params: RegistrarParams,
  context: MachineContext,
): Announcement {
  const window = windowNow(task, index, context);
  const incarnation = presentIncarnation(ledger);
  const before = records.window.find(ledger, task.taskId, index, incarnation);
  if (before !== undefined) {
    const { enrolled, population, pools, value, signature } = before;
    return { window: index, incarnation, enrolled, population, pools, value, signature };
  }
  checkNotPruned(ledger, window);
  const enrolled = enrolledIn(ledger, params.epochLengthMs, window.epoch);
  const everyone = population(ledger);
  const frozenSequence = nextSequence(ledger);
  const pools = poolCount(enrolled, task.manifest.cohort.max);
  const value = context.rng(KEY_BYTES);
  const unsigned = { window: index, incarnation, enrolled, population: everyone, pools, value };
  const signature = sign(context.suite, params, announcementStatement(task.taskId, unsigned));
  const { endMs } = window;
  const record = { enrolled, population: everyone, frozenSequence, pools, value, signature, endMs };
  records.window.put(ledger, record, task.taskId, index, incarnation);
  return { ...unsigned, signature };
}

/** @throws {RefusedRequest} `window-not-now`, `task-not-valid`. */
export function windowNow(task: Task, index: number, context: MachineContext): Window {
  const window = currentWindow(task.manifest, index, context.nowMs);
  if (window === undefined) {
    throw new RefusedRequest(
      'window-not-now',
      `window ${index} is not the present one on the registrar's clock`,
    );
  }
  try {
    checkValidity(task.manifest, window);
  } catch (error) {
    if (error instanceof UsageError) throw new RefusedRequest(error.code, error.message);
    throw error;
  }
  return window;
}
