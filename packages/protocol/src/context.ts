/**
 * What the registrar signs in a round, and the two contexts every key of a round is bound to.
 * Protocol §5.2, §5.4, §5.5. Knows: the encodings. Doesn't know: who checks them when.
 */
import { type Field, LABELS, SUITE_ID, type Suite, encodeLabelled } from '@onlysum/crypto';

/** The facts of an attested roster, apart from its members. */
export interface RosterFacts {
  readonly taskId: Uint8Array;
  readonly window: number;
  readonly incarnation: number;
  /** 16 bytes. */
  readonly round: Uint8Array;
  readonly n: number;
  readonly k: number;
  readonly t: number;
  /** 32 bytes from which the graph is drawn. */
  readonly seed: Uint8Array;
  /** RFC 6962 root over the leaves. */
  readonly root: Uint8Array;
}

/** The bytes the registrar signs to attest a roster. */
export function rosterStatement(facts: RosterFacts): Uint8Array {
  return encodeLabelled(LABELS.roster, ...rosterFields(facts));
}

/** @returns 32 bytes: salt of every channel key and pair secret. */
export function roundContext(suite: Suite, facts: RosterFacts): Uint8Array {
  return suite.sha256(encodeLabelled(LABELS.context, ...rosterFields(facts)));
}

/** The bytes the registrar signs to attest U2. @param sharedSet - bitmap. */
export function sharedSetStatement(context: Uint8Array, sharedSet: Uint8Array): Uint8Array {
  return encodeLabelled(LABELS.sharedSet, context, sharedSet);
}

/** @returns 32 bytes: salt of every mask stream. */
export function maskContext(suite: Suite, context: Uint8Array, sharedSet: Uint8Array): Uint8Array {
  return suite.sha256(encodeLabelled(LABELS.context2, context, sharedSet));
}

/** The bytes the registrar signs to attest U3. @param survivorSet - bitmap. */
export function survivorSetStatement(context2: Uint8Array, survivorSet: Uint8Array): Uint8Array {
  return encodeLabelled(LABELS.survivorSet, context2, survivorSet);
}

function rosterFields(facts: RosterFacts): Field[] {
  return [
    SUITE_ID,
    facts.taskId,
    facts.window,
    facts.incarnation,
    facts.round,
    facts.n,
    facts.k,
    facts.t,
    facts.seed,
    facts.root,
  ];
}
