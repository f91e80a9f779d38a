/**
 * What a registrar counts of its work, for /metrics. Knows: counters and their labels. Doesn't know: HTTP.
 * Invariant: every label has a bounded set of values, and none names a device, an address or a round;
 * each instance has a registry of its own.
 */
import type { RegistrarRequest, RegistrarResponse } from '@onlysum/protocol';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface RegistrarObserver {
  onAnswer(request: RegistrarRequest, response: RegistrarResponse, elapsedMs: number): void;
  /** @param outcome - `granted`, or the code of the error. */
  onCertificate(kind: CertificateKind, outcome: string): void;
}

/** By what a certificate was asked for. */
export type CertificateKind = 'enrol' | 'renew' | 'recertify';

/** What is measured when it is asked for; null: it cannot be, and has no sample. */
export interface PresentState {
  readonly enrolled: number | null;
  readonly incarnation: number | null;
}

const PREFIX = 'onlysum_registrar_';
/** A set takes a millisecond, a roster of thousands a second or more. */
const ANSWER_SECONDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];

export class Observations implements RegistrarObserver {
  readonly #registry = new Registry();
  readonly #attestations = new Counter({
    name: `${PREFIX}attestations_total`,
    help: 'Answers to coordinators, by kind and outcome.',
    labelNames: ['kind', 'outcome'] as const,
    registers: [this.#registry],
  });
  readonly #elapsed = new Histogram({
    name: `${PREFIX}attestation_duration_seconds`,
    help: 'How long answers to coordinators took, until they were on disk.',
    labelNames: ['kind'] as const,
    buckets: ANSWER_SECONDS,
    registers: [this.#registry],
  });
  readonly #certificates = new Counter({
    name: `${PREFIX}certificates_total`,
    help: 'Enrolments, renewals, and certificates after a change of key, by outcome.',
    labelNames: ['kind', 'outcome'] as const,
    registers: [this.#registry],
  });

  onAnswer({ kind }: RegistrarRequest, response: RegistrarResponse, elapsedMs: number): void {
    const outcome = response.kind === 'refused' ? response.code : 'attested';
    this.#attestations.inc({ kind, outcome });
    this.#elapsed.observe({ kind }, elapsedMs / 1000);
  }

  onCertificate(kind: CertificateKind, outcome: string): void {
    this.#certificates.inc({ kind, outcome });
  }

  /**
   * @param state - asked whenever the registry is.
   * @returns the registry, with what the process itself costs.
   */
  expose(state: () => PresentState): Registry {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    const enrolled: Gauge = new Gauge({
      name: `${PREFIX}enrolled`,
      help: 'Pseudonyms of the present epoch.',
      registers,
      collect: () => setOrRemove(enrolled, state().enrolled),
    });
    const incarnation: Gauge = new Gauge({
      name: `${PREFIX}incarnation`,
      help: 'Grows with every doubt about continuity.',
      registers,
      collect: () => setOrRemove(incarnation, state().incarnation),
    });
    return this.#registry;
  }

  close(): void {
    this.#registry.clear();
  }
}

function setOrRemove(gauge: Gauge, value: number | null): void {
  if (value === null) gauge.remove();
  else gauge.set(value);
}
