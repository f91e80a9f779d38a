/**
 * A task in plain language, for a consent dialog. Knows: which sentence goes where. Doesn't know: the
 * sentences (plain-language.ts of @onlysum/task), markup, what the user has chosen.
 */
import {
  accessText,
  choiceText,
  FINALITY_TEXT,
  frequencyText,
  learnedText,
  type Manifest,
  maskingText,
  noiseText,
  PARTY_TEXTS,
  recordedText,
  retentionText,
  trustText,
} from '@onlysum/task';

/** JSON-able. Every text is a sentence or more, in English. */
export interface TaskDescription {
  readonly task: { readonly name: string; readonly version: number };
  /** In the manifest's order. */
  readonly groups: readonly GroupDescription[];
  readonly frequency: string;
  readonly protection: ProtectionDescription;
  /** What cannot be taken back. */
  readonly finality: string;
  readonly parties: {
    readonly publisher: PartyDescription;
    readonly registrar: PartyDescription;
    readonly coordinator: PartyDescription & { readonly url: string };
  };
}

export interface GroupDescription {
  /** For `consent.set`. */
  readonly name: string;
  readonly purpose: string;
  readonly essential: boolean;
  /** What the user can do about it. */
  readonly choice: string;
  readonly metrics: readonly MetricDescription[];
}

export interface MetricDescription {
  readonly name: string;
  readonly kind: string;
  readonly purpose: string;
  readonly owner: string;
  /** What a device records and sends, masked. */
  readonly recorded: string;
  /** What the total says. */
  readonly learned: string;
  readonly retention: string;
  /** Who may read the results. */
  readonly access: string;
}

export interface ProtectionDescription {
  readonly masking: string;
  /** Honest if there is none. */
  readonly noise: readonly string[];
  /** ε of one upload, a decimal string; null without noise. */
  readonly epsilon: string | null;
  /** What masking and noise rest on. */
  readonly trust: string;
}

export interface PartyDescription {
  /** What it does, and what it never has. */
  readonly does: string;
  /** Ed25519 public key, hex. */
  readonly key: string;
}

/** @param manifest - a verified one: `client.task.manifest`. */
export function describe(manifest: Manifest): TaskDescription {
  const { name, version, privacy, publisher, registrar, coordinator } = manifest;
  return {
    task: { name, version },
    groups: manifest.groups.map((group) => ({
      name: group.name,
      purpose: group.purpose,
      essential: group.essential,
      choice: choiceText(group),
      metrics: manifest.metrics
        .filter((metric) => metric.group === group.name)
        .map((metric) => ({
          name: metric.name,
          kind: metric.kind,
          purpose: metric.purpose,
          owner: metric.owner,
          recorded: recordedText(metric, manifest),
          learned: learnedText(metric),
          retention: retentionText(metric.retentionDays),
          access: accessText(metric.access),
        })),
    })),
    frequency: frequencyText(manifest),
    protection: {
      masking: maskingText(manifest),
      noise: noiseText(privacy),
      epsilon: privacy.mechanism === 'none' ? null : privacy.epsilon,
      trust: trustText(manifest),
    },
    finality: FINALITY_TEXT,
    parties: {
      publisher: { does: PARTY_TEXTS.publisher, key: publisher },
      registrar: { does: PARTY_TEXTS.registrar, key: registrar },
      coordinator: { does: PARTY_TEXTS.coordinator, key: coordinator.key, url: coordinator.url },
    },
  };
}
