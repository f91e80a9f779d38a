/**
 * Why a coordinator sends a device away: one row per code, with the WebSocket close code and whether
 * coming back can help. docs/errors.md explains each. Protocol §6.2.
 */

export interface DropReason {
  /** 4000–4099. */
  readonly closeCode: number;
  /** Whether the same device may succeed by trying again, unless its masked input has left. */
  readonly retry: boolean;
}

export const DROP_REASONS = {
  'wire-invalid': { closeCode: 4000, retry: false },
  oversized: { closeCode: 4001, retry: false },
  'wrong-round': { closeCode: 4002, retry: false },
  'wrong-stage': { closeCode: 4003, retry: false },
  'conflicting-message': { closeCode: 4004, retry: false },
  'hello-refused': { closeCode: 4005, retry: false },
  'certificate-refused': { closeCode: 4006, retry: false },
  'task-unknown': { closeCode: 4007, retry: false },
  'duplicate-device': { closeCode: 4008, retry: false },
  'device-refused': { closeCode: 4009, retry: false },
  'deadline-missed': { closeCode: 4010, retry: true },
  disputed: { closeCode: 4011, retry: true },
  'too-thin': { closeCode: 4012, retry: true },
  'bad-reveal': { closeCode: 4013, retry: false },
  'cohort-full': { closeCode: 4014, retry: true },
  'round-aborted': { closeCode: 4015, retry: true },
  'shutting-down': { closeCode: 4016, retry: true },
  overloaded: { closeCode: 4017, retry: true },
  'connection-lost': { closeCode: 4018, retry: true },
  'not-enrolled-yet': { closeCode: 4019, retry: true },
  'registrar-unavailable': { closeCode: 4020, retry: true },
  'in-open-roster': { closeCode: 4021, retry: true },
  'resume-refused': { closeCode: 4022, retry: true },
  left: { closeCode: 4023, retry: true },
  'task-stopped': { closeCode: 4024, retry: false },
  'not-kept': { closeCode: 4025, retry: false },
} as const satisfies Record<string, DropReason>;

/** When a device may come back whose code says that this can help; devices spread their retries. */
const RETRY_MS = 1_000;

/** What a message has room for; a refusal of the registrar is passed on with a code before it. */
export const MOST_DETAIL_CHARACTERS = 512;

/** @returns the `retryInMs` of `Dropped`: −1 where coming back cannot help. */
export function retryInMs(code: DropCode): number {
  return DROP_REASONS[code].retry ? RETRY_MS : -1;
}

export type DropCode = keyof typeof DROP_REASONS;

export function isDropCode(code: string): code is DropCode {
  return Object.hasOwn(DROP_REASONS, code);
}
