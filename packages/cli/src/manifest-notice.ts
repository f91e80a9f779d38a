/**
 * The privacy notice of a manifest, in plain language, for whoever owns a device.
 * Knows: what the manifest asks for, how it is protected, and where that ends. Doesn't know: markup.
 * Invariant: it says nothing that does not follow from the manifest and the protocol, so it cannot drift.
 */
import {
  checkedDecimal,
  compileLayout,
  type Group,
  type Manifest,
  type Metric,
  type NoisePromise,
  type Privacy,
} from '@onlysum/task';
import { plainWords, readerWords, respondentsWords } from './metric-words.js';
import { shortNumber } from './noise-report.js';
import { type Block, list, paragraph, type Section, type TextDocument } from './text-document.js';
import { day, days, duration } from './time-words.js';

/** @throws {UsageError} as `compileLayout`. */
export function noticeOf(manifest: Manifest): TextDocument {
  const { name, version, validity, cohort, window } = manifest;
  return {
    title: `Privacy notice of ${name}`,
    blocks: [
      paragraph(
        `Every ${duration(window.lengthMs).replace(/^1 /, '')} your device may add numbers to a sum over at least ${cohort.min} devices. ` +
          'It hides its own first, so that the servers can open the sum over all of them and nothing else: nobody ' +
          'receives the values of your device. What it adds, why, and what you can decide is said here.',
      ),
    ],
    sections: [
      { heading: 'Who asks', blocks: parties(manifest) },
      {
        heading: 'What is collected, and why',
        blocks: [
          paragraph('Only what stands in these tables leaves your device, and only in sums.'),
        ],
        sections: manifest.groups.map((group) => groupSection(manifest, group)),
      },
      { heading: 'What you can decide', blocks: choices(manifest) },
      { heading: 'How it is protected', blocks: protection(manifest) },
      {
        heading: 'What cannot be taken back',
        blocks: [
          paragraph(
            'What your device has masked and sent is part of a sum from then on. No one can find it in there, ' +
              'so no one can take it out again. You can stop whatever has not been sent yet.',
          ),
        ],
      },
      { heading: 'Where the protection ends', blocks: [list(...limits(manifest))] },
    ],
    closing:
      `Made from version ${version} of the signed manifest ${name}, which is what devices obey. It holds from ` +
      `${day(validity.notBeforeMs)} to ${day(validity.notAfterMs)}.`,
  };
}

function parties({ publisher, registrar, coordinator, metrics }: Manifest): Block[] {
  const owners = [...new Set(metrics.map(({ owner }) => owner))];
  return [
    {
      kind: 'table',
      caption: 'Who takes part, known by their keys',
      head: ['Party', 'What it does', 'Key'],
      rows: [
        ['Publisher', 'Decides what is asked, and signs it.', publisher],
        [
          'Registrar',
          'Attests which devices take part. Sees no values, not even hidden ones.',
          registrar,
        ],
        [
          'Coordinator',
          `Adds the hidden numbers at ${coordinator.url}, and learns the sums and who connects.`,
          coordinator.key,
        ],
      ],
    },
    paragraph(`Whom to ask about the results: ${owners.join('; ')}.`),
  ];
}

function groupSection(manifest: Manifest, { name, purpose, essential }: Group): Section {
  const metrics = manifest.metrics.filter(({ group }) => group === name);
  const consent = essential
    ? 'Required to take part at all.'
    : 'Optional: collected only if you agree, and no longer once you do not.';
  return {
    heading: `${name} (${essential ? 'required' : 'optional'})`,
    blocks: [
      paragraph(`${consent} Why: ${purpose}`),
      {
        kind: 'table',
        caption: `What ${name} collects`,
        head: ['Name', 'What', 'Why', 'Results kept', 'Who may read them', 'Responsible'],
        rows: metrics.map(metricRow),
      },
      paragraph(`Also counted: ${lowered(respondentsWords())}`),
    ],
  };
}

function metricRow(metric: Metric): string[] {
  const { name, purpose, retentionDays, access, owner } = metric;
  return [name, plainWords(metric), purpose, days(retentionDays), readerWords(access), owner];
}

function choices({ groups }: Manifest): Block[] {
  const optional = groups.filter(({ essential }) => !essential).map(({ name }) => name);
  const required = groups.filter(({ essential }) => essential).map(({ name }) => name);
  const decline =
    'You can agree and decline at any time; whoever declines uses the product as before. To decline takes ' +
    'effect at once for everything that has not left your device.';
  return [
    list(
      ...(optional.length > 0 ? [`Optional: ${optional.join(', ')}. ${decline}`] : []),
      ...(required.length > 0
        ? [
            `Required: ${required.join(', ')}. Your device declines these only by not taking part at all, and then ` +
              'adds nothing.',
          ]
        : ['Nothing is required.']),
      'Your device keeps a receipt of each sum that it took part in, and can show what it would add next.',
    ),
  ];
}

function protection(manifest: Manifest): Block[] {
  const { cohort, minSurvivors, minRespondents, privacy, metrics, epoch } = manifest;
  const longest = Math.max(...metrics.map(({ retentionDays }) => retentionDays));
  return [
    list(
      'Masks: your device adds random numbers to its own that cancel only in the sum over all devices of the round.',
      `Numbers: a sum has at least ${cohort.min} devices when it begins, and is never opened with fewer than ${minSurvivors}. ` +
        `A result that fewer than ${minRespondents} devices gave a value for is not shown.`,
      'Once: your device adds to a metric at most once in each period.',
      `Pseudonyms: no name, address, licence or device number is part of what it sends; it acts under a key that lasts ${duration(epoch.lengthMs)}.`,
      `Time: results may be kept for the time in the tables, at most ${days(longest)}.`,
      noiseWords(privacy),
    ),
  ];
}

function noiseWords(privacy: Privacy): string {
  if (privacy.mechanism === 'none') {
    return 'No noise: nothing random is left in the sums, they are exact. See below for what that means.';
  }
  const { epsilon, budget } = privacy;
  const delta = privacy.mechanism === 'skellam' ? privacy.delta : '0';
  return (
    'Noise: each device adds a little randomness that stays in the sum. Whoever reads a sum can become at most ' +
    `${factor(epsilon)} times as sure of anything about your values as if ${comparedWith(privacy)}` +
    `${unless(epsilon, delta)}. Over any ${days(budget.days)} your device takes part only until that would come ` +
    `to more than ${factor(budget.epsilon)} times${unless(budget.epsilon, budget.delta)}.`
  );
}

function comparedWith({ neighbours }: NoisePromise): string {
  return neighbours === 'zero'
    ? 'your device had reported nothing'
    : 'your device had reported anything else';
}

/** e^ε. */
function factor(epsilon: string): string {
  const value = Math.exp(Number(epsilon));
  return Number.isFinite(value) && value < 1e6 ? shortNumber(value) : 'a million or more';
}

function unless(epsilon: string, delta: string): string {
  const { unscaled, scale } = checkedDecimal(delta);
  if (unscaled === 0n) return ` (ε = ${epsilon})`;
  const oneIn = (10n ** BigInt(scale) / unscaled).toLocaleString('en');
  return `, but for a chance of at most 1 in ${oneIn} (ε = ${epsilon}, δ = ${delta})`;
}

function limits(manifest: Manifest): string[] {
  const { assumptions, privacy, cohort, registrar } = manifest;
  const split = new Set(
    compileLayout(manifest).lanes.flatMap(({ limb, metric }) =>
      limb === undefined || metric === undefined ? [] : [metric],
    ),
  );
  return [
    `If registrar (key ${registrar.slice(0, 8)}…) and coordinator work together, they can learn your values. They are ` +
      'meant to be run by different people.',
    `If more than ${assumptions.corrupt / 10} % of the devices of a sum are against you, and help the coordinator, they can ` +
      'learn your values.',
    ...(privacy.mechanism === 'none'
      ? [
          'The sums are exact: who knows the values of all other devices in one, or compares two over nearly the same ' +
            `devices, can learn something about yours. A sum may be over as few as ${cohort.min} devices.`,
        ]
      : [
          'Noise bounds what a sum says about your device, it does not make that nothing, and the bound grows with each ' +
            'sum.',
        ]),
    'That your device takes part is no secret: the registrar sees its key, the coordinator its network address.',
    ...[...split].map(
      (name) => `Of ${name} more than its sum becomes known: the sums of its parts of 16 bits.`,
    ),
  ];
}

function lowered(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
