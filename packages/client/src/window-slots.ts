/**
 * When this device's pool meets in a window, on the registrar's word. Protocol §2.4.
 * Knows: the announcement's signature, window and incarnation, the device's pseudonym. Doesn't know:
 * timers. Invariant: what nobody signed for this task and window moves no device.
 */
import { OnlysumError, RoundError, runDerive, wipe } from '@onlysum/crypto';
import {
  type Announcement,
  announcementCheck,
  type PoolSlots,
  poolOf,
  poolSlots,
} from '@onlysum/protocol';
import type { Window } from '@onlysum/task';
import { type EnrolmentPorts, isEnrolled, pseudonymFor } from './enrolment.js';
import { registrarOf } from './record.js';
import { fetchAnnouncement } from './registrar-http.js';

export interface SlotPorts extends EnrolmentPorts {
  /** Told of an announcement that nobody honest makes. */
  readonly onProblem: (error: OnlysumError) => void;
}

/**
 * @returns undefined if the registrar has no announcement of this window, or none that can be believed, or
 *   this device has no pseudonym in it.
 */
export async function slotsIn(ports: SlotPorts, window: Window): Promise<PoolSlots | undefined> {
  const { task, store, suite, call, onProblem } = ports;
  const { manifest, taskId } = task;
  try {
    const record = await store.read();
    if (!isEnrolled(record, manifest.registrar)) return undefined;
    const announcement = await fetchAnnouncement(call, taskId);
    // A clock that is fast or slow by less than the margin asks again.
    if (announcement.window !== window.index) return undefined;
    checkAnnouncement(ports, announcement, registrarOf(record, manifest.registrar).incarnation);
    const { seed, certificate } = await pseudonymFor(ports, window.epoch);
    wipe(seed);
    const { value, pools } = announcement;
    const pool = poolOf(suite, value, certificate.pseudonym, pools);
    return poolSlots(manifest, window, pools, pool);
  } catch (error) {
    if (error instanceof OnlysumError && IS_FALSE.has(error.code)) onProblem(error);
    return undefined;
  }
}

const IS_FALSE = new Set(['announcement-signature', 'incarnation-rollback', 'certificate-invalid']);

function checkAnnouncement(
  { task, suite }: SlotPorts,
  announcement: Announcement,
  met: number,
): void {
  const check = announcementCheck(task.registrarKey, task.taskId, announcement);
  if (runDerive(suite, [check])[0] !== true) {
    const message = 'the announcement of the window is not signed by the registrar of the manifest';
    throw new RoundError('announcement-signature', message);
  }
  const { incarnation } = announcement;
  if (incarnation >= met) return;
  throw new RoundError(
    'incarnation-rollback',
    `the registrar announced incarnation ${incarnation}, but this device has met ${met}`,
  );
}
