/**
 * The manifest that `onlysum init` writes: valid as it is, with the kinds that most tasks have, for a
 * handful of devices on this machine. Knows: a plausible task. Doesn't know: files.
 */
import type { Manifest } from '@onlysum/task';

export interface TemplateKeys {
  /** Ed25519 public keys, hex. */
  readonly publisher: string;
  readonly registrar: string;
  readonly coordinator: string;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const VALID_DAYS = 365;

/** @param nowMs - Unix time: validity begins at the start of its day and lasts a year. */
export function manifestTemplate(
  keys: TemplateKeys,
  coordinatorUrl: string,
  nowMs: number,
): Manifest {
  const today = Math.floor(nowMs / DAY_MS) * DAY_MS;
  const owner = 'product-team@example.com';
  const essential = { group: 'essential', owner, retentionDays: 365, access: ['analyst'] as const };
  const performance = {
    group: 'performance',
    owner,
    retentionDays: 90,
    access: ['analyst'] as const,
  };
  return {
    onlysum: 1,
    suite: 1,
    name: 'example-app',
    version: 1,
    publisher: keys.publisher,
    registrar: keys.registrar,
    coordinator: { key: keys.coordinator, url: coordinatorUrl },
    window: { lengthMs: 10 * MINUTE_MS },
    epoch: { lengthMs: DAY_MS },
    // Three devices make a round, so that it can be tried by hand; raise all of them for real use.
    cohort: { min: 3, target: 3, max: 50 },
    minSurvivors: 3,
    attempts: 3,
    assumptions: { corrupt: 50, dropout: 200, population: 1000 },
    minRespondents: 2,
    // Noise that hides one of three devices would hide the other two as well.
    privacy: { mechanism: 'none' },
    validity: { notBeforeMs: today, notAfterMs: today + VALID_DAYS * DAY_MS },
    groups: [
      {
        name: 'essential',
        purpose: 'Know which versions are in use and whether licences are active.',
        essential: true,
      },
      {
        name: 'performance',
        purpose: 'Find out where the product is slow or unstable.',
        essential: false,
      },
    ],
    metrics: [
      {
        ...essential,
        name: 'licence_active',
        kind: 'flag',
        purpose: 'Count the installations with an active licence.',
      },
      {
        ...essential,
        name: 'app_version',
        kind: 'category',
        purpose: 'Know which versions still need security fixes.',
        categories: ['1.0', '1.1', '2.0'],
      },
      {
        ...performance,
        name: 'crashes',
        kind: 'count',
        purpose: 'Notice a version that crashes more often.',
        max: 100,
      },
      {
        ...performance,
        name: 'documents_saved_mib',
        kind: 'sum',
        purpose: 'Plan for the storage that the installed base needs.',
        min: '0',
        max: '4096',
        resolution: '0.5',
        unit: 'MiB',
      },
      {
        ...performance,
        name: 'memory_mib',
        kind: 'mean',
        purpose: 'Keep the memory that the product takes within bounds.',
        min: '0',
        max: '16384',
        resolution: '1',
        unit: 'MiB',
      },
      {
        ...performance,
        name: 'features_used',
        kind: 'multi-select',
        purpose: 'Know which features are worth the most care.',
        options: ['export', 'print', 'share'],
        most: 3,
      },
      {
        ...performance,
        name: 'save_ms',
        kind: 'distribution',
        purpose: 'See how long most saves take, and the slowest of them.',
        min: '10',
        max: '10000',
        relativeError: '0.25',
        unit: 'ms',
      },
      {
        ...performance,
        name: 'startup_ms',
        kind: 'histogram',
        purpose: 'See how long the product takes to start.',
        edges: ['0', '250', '500', '1000', '2000', '5000'],
        unit: 'ms',
      },
    ],
  };
}
