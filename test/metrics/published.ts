/** The manifest of the published vectors, showing whatever a single device gives. */
import { parseManifest } from '@onlysum/task';
import vectors from '../vectors/v1/manifest.json' with { type: 'json' };

export const publishedManifest = parseManifest({
  ...vectors.manifest,
  minRespondents: 1,
  metrics: vectors.manifest.metrics.map((metric) => ({ ...metric, access: ['analyst'] })),
});
