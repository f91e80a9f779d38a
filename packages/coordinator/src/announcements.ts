/**
 * The registrar's word about each window, asked for once and kept while it stands. Protocol §2.
 * Invariant: a window has one announcement at a time; a newer incarnation replaces it.
 */
import { toHex } from '@onlysum/crypto';
import type { Suite } from '@onlysum/crypto';
import type { Announcement, RegistrarResponse } from '@onlysum/protocol';
import type { Task, Window } from '@onlysum/task';
import { answerCheck } from './answer-check.js';
import { type RegistrarLink, refused } from './registrar-link.js';

type Answer = RegistrarResponse & { readonly kind: 'window' | 'refused' };

export interface Announcements {
  /** @returns the announcement or why there is none; never throws. */
  of(task: Task, window: Window): Promise<Answer>;
  isCurrent(task: Task, announcement: Announcement): boolean;
  /** The next one who asks gets a fresh answer. */
  forget(task: Task, window: Window): void;
}

export function announcements(link: RegistrarLink, suite: Suite, budgetMs: number): Announcements {
  /** By task: only the newest window is kept. */
  const asked = new Map<string, { window: number; answer: Promise<Answer> }>();
  const incarnations = new Map<string, number>();

  const ask = async (task: Task, window: Window): Promise<Answer> => {
    const request = { kind: 'window', taskId: task.taskId, window: window.index } as const;
    const response = await link.ask(request, answerCheck(suite, task)(request), budgetMs);
    if (response.kind === 'window') {
      incarnations.set(toHex(task.registrarKey), response.announcement.incarnation);
      return response;
    }
    return response.kind === 'refused'
      ? response
      : refused('registrar-signature', 'the registrar answered something else');
  };

  return {
    of: async (task, window) => {
      const id = toHex(task.taskId);
      const known = asked.get(id);
      if (known?.window === window.index) return await known.answer;
      const entry = { window: window.index, answer: ask(task, window) };
      asked.set(id, entry);
      const answer = await entry.answer;
      if (answer.kind === 'refused' && asked.get(id) === entry) asked.delete(id);
      return answer;
    },
    isCurrent: (task, { incarnation }) => {
      const newest = incarnations.get(toHex(task.registrarKey));
      return newest === undefined || newest === incarnation;
    },
    forget: (task, window) => {
      const id = toHex(task.taskId);
      if (asked.get(id)?.window === window.index) asked.delete(id);
    },
  };
}
