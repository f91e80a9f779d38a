/**
 * Whether the registrar's answers are what this round asked for, under its signature. Protocol §5.2,
 * §5.4, §5.5. Knows: the statements and the key. Doesn't know: transport, refusals.
 */
import type { Suite } from '@onlysum/crypto';
import {
  type RegistrarResponse,
  type RosterFacts,
  type UnsignedRequest,
  announcementCheck,
  isSignedAuditHead,
  maskContext,
  rosterStatement,
  roundContext,
  sharedSetStatement,
  survivorSetStatement,
} from '@onlysum/protocol';
import type { Task } from '@onlysum/task';

/** One per round: the contexts that later answers are signed over come from earlier ones. */
export type AnswerCheck = (request: UnsignedRequest) => (response: RegistrarResponse) => boolean;

export function answerCheck(suite: Suite, task: Task): AnswerCheck {
  let context = new Uint8Array(0);
  let context2 = new Uint8Array(0);
  const isSigned = (statement: Uint8Array, signature: Uint8Array) =>
    suite.ed25519Verify(task.registrarKey, statement, signature);
  return (request) => (response) => {
    switch (request.kind) {
      case 'window': {
        if (response.kind !== 'window') return false;
        const { announcement } = response;
        const op = announcementCheck(task.registrarKey, task.taskId, announcement);
        return (
          announcement.window === request.window &&
          op.op === 'ed25519-verify' &&
          isSigned(op.message, op.signature)
        );
      }
      case 'roster': {
        if (response.kind !== 'roster') return false;
        const { incarnation, k, t, seed, root, signature } = response;
        const { taskId, window, round, members } = request;
        const n = members.length;
        const facts: RosterFacts = { taskId, window, incarnation, round, n, k, t, seed, root };
        context = new Uint8Array(roundContext(suite, facts));
        return isSigned(rosterStatement(facts), signature);
      }
      case 'shared-set': {
        if (response.kind !== 'set') return false;
        context2 = new Uint8Array(maskContext(suite, context, request.members));
        return isSigned(sharedSetStatement(context, request.members), response.signature);
      }
      case 'survivor-set': {
        if (response.kind !== 'set') return false;
        const { signature, auditHead } = response;
        const { registrarKey } = task;
        return (
          isSigned(survivorSetStatement(context2, request.members), signature) &&
          (auditHead === null ||
            isSignedAuditHead(suite, registrarKey, 'registrar', request.round, auditHead))
        );
      }
      case 'close':
        return response.kind === 'closed';
    }
  };
}
