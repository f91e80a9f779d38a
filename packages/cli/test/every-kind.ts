/** A manifest with a metric of every kind and either consent, for a cohort large enough for noise. */
import type { Manifest, Privacy } from '@onlysum/task';

const about = { owner: 'Desktop team <desktop@acme.example>', retentionDays: 90 } as const;
const essential = { ...about, group: 'essential', access: ['analyst', 'privacy-officer'] } as const;
const optional = { ...about, group: 'performance', access: ['analyst'] } as const;

export const SKELLAM: Privacy = {
  mechanism: 'skellam',
  epsilon: '1',
  delta: '0.000001',
  neighbours: 'zero',
  budget: { epsilon: '8', delta: '0.00001', days: 30 },
};

export const LAPLACE: Privacy = {
  mechanism: 'discrete-laplace',
  epsilon: '1',
  neighbours: 'replace',
  budget: { epsilon: '8', delta: '0', days: 30 },
};

export const everyKind = {
  onlysum: 1,
  suite: 1,
  name: 'acme-desktop',
  version: 3,
  publisher: 'aa'.repeat(32),
  registrar: 'bb'.repeat(32),
  coordinator: { key: 'cc'.repeat(32), url: 'wss://sum.acme.example/v1' },
  window: { lengthMs: 86_400_000 },
  epoch: { lengthMs: 604_800_000 },
  cohort: { min: 500, target: 1000, max: 1200 },
  minSurvivors: 300,
  attempts: 3,
  assumptions: { corrupt: 50, dropout: 200, population: 1000 },
  minRespondents: 20,
  privacy: { mechanism: 'none' },
  validity: { notBeforeMs: Date.UTC(2030, 0, 1), notAfterMs: Date.UTC(2031, 0, 1) },
  groups: [
    { name: 'essential', purpose: 'Know what is in use.', essential: true },
    { name: 'performance', purpose: 'Find out what is slow.', essential: false },
  ],
  metrics: [
    { ...essential, name: 'active', kind: 'flag', purpose: 'Count licences in use.' },
    {
      ...essential,
      name: 'channel',
      kind: 'category',
      purpose: 'Know which channels to test.',
      categories: ['stable', 'beta'],
    },
    {
      ...essential,
      name: 'system',
      kind: 'category',
      purpose: 'Know which systems to test.',
      categories: ['linux', 'mac', 'windows'],
    },
    {
      ...essential,
      name: 'system_by_channel',
      kind: 'cross-tabulation',
      purpose: 'Know where betas run.',
      rows: 'system',
      columns: 'channel',
    },
    {
      ...optional,
      name: 'crashes',
      kind: 'count',
      purpose: 'Notice that it crashes.',
      max: 100,
    },
    {
      ...optional,
      name: 'features',
      kind: 'multi-select',
      purpose: 'Know what is used.',
      options: ['export', 'print', 'share'],
      most: 2,
    },
    {
      ...optional,
      name: 'extension',
      kind: 'top-k',
      purpose: 'Know what to test it with.',
      candidates: ['alpha', 'beta-2', 'gamma'],
      k: 2,
    },
    {
      ...optional,
      name: 'written_mib',
      kind: 'sum',
      purpose: 'Plan for storage.',
      min: '0',
      max: '4096',
      resolution: '4',
      unit: 'MiB',
    },
    {
      ...optional,
      name: 'temperature',
      kind: 'mean',
      purpose: 'Know whether it runs hot.',
      min: '-40',
      max: '120',
      resolution: '0.5',
      unit: '°C',
    },
    {
      ...optional,
      name: 'battery_hours',
      kind: 'variance',
      purpose: 'Know how much it varies.',
      min: '0',
      max: '24',
      resolution: '0.25',
      unit: 'h',
    },
    {
      ...optional,
      name: 'startup_ms',
      kind: 'histogram',
      purpose: 'Know how long a start takes.',
      edges: ['0', '250', '1000', '5000'],
      unit: 'ms',
    },
    {
      ...optional,
      name: 'save_ms',
      kind: 'distribution',
      purpose: 'Know how long most saves take.',
      min: '1',
      max: '1000',
      relativeError: '0.25',
      unit: 'ms',
    },
  ],
} as const satisfies Manifest;

export const withNoise = (privacy: Privacy): Manifest => ({ ...everyKind, privacy });
