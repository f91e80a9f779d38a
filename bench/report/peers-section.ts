/** Prio3 and others on npm: measured in the same run where they are, quoted where they are not. */
import published from '../data/published-results.json' with { type: 'json' };
import type { Figure, Setting } from '../figure.js';
import { exact, number, table } from './markdown.js';

const BENCH = 'peers';

export function peersSection(figures: readonly Figure[]): string {
  return [prio3(figures), quotedPeers(figures)].join('\n\n');
}

function prio3(figures: readonly Figure[]): string {
  const own = figures.filter(({ bench }) => bench === BENCH);
  const title = '### Prio3, measured in the same run';
  if (own.length === 0) return `${title}\n\nThis run has no figures of \`${BENCH}\`.`;
  const metrics = [...new Map(own.map((each) => [metricOf(each), each.setting ?? {}])).entries()];
  const rows = metrics.map(([metric, setting]) => {
    const of = (system: string, text: string, suite?: string): string | undefined => {
      const found = own.find(
        (each) =>
          metricOf(each) === metric &&
          each.setting?.['system'] === system &&
          each.figure.includes(text) &&
          (suite === undefined || each.setting['suite'] === suite),
      );
      return found === undefined ? undefined : number(found.value);
    };
    return [
      metricTitle(setting),
      of('prio3', 'client CPU'),
      of('onlysum', 'device CPU', 'native'),
      of('onlysum', 'device CPU', 'portable'),
      of('prio3', 'bytes up'),
      of('onlysum', 'bytes up'),
      of('onlysum', 'bytes down'),
      of('prio3', 'CPU of both servers'),
      of('onlysum', 'CPU of coordinator and registrar'),
    ];
  });
  const columns = [
    'metric',
    'Prio3 client, ms',
    'our device, native, ms',
    'our device, portable, ms',
    'Prio3 up, B',
    'ours up, B',
    'ours down, B',
    'Prio3 servers, ms',
    'our servers, ms',
  ];
  return `${title}

\`@divviup/prio3\` 0.8.0 (draft-irtf-cfrg-vdaf-08) with two aggregators, which is pure JavaScript, beside a whole
round of ours on a device, Challenge to Closed (${fleetText(own)}). CPU in ms and bytes for one client. Prio3's
bytes are its shares, without the envelope that the transport adds; ours are messages, without WebSocket's.
Servers are both aggregators, verifying and adding one report, against coordinator and registrar, for one device
of the round, without sockets either. A value of 32 bits is two lanes with 16-bit inputs, as the protocol splits
it; a count and a bucket are one lane each.

${table(
  columns.map((each, i) => ({ title: each, isNumber: i > 0 })),
  rows,
)}

What Prio3 proves that masking does not: its two servers check of every report that it is well-formed and in
range before they add it, as long as both follow the protocol, so that no client can put more into a sum than its
share; and a client sends one report and leaves.

What Onlysum gives that Prio3 does not: no second party computes on data. Prio3 needs two servers that each get a
share of every report and do not collude; here one server gets masked vectors, and the registrar, which must not
collude with it, gets no data, masked or not ([threat-model.md](threat-model.md)). The cost of a longer vector is
a few bytes and a piece of key stream a lane, not a proof.

What it takes for that: a device pays for its k neighbours even for a single number, and has to stay for the
round.`;
}

function quotedPeers(figures: readonly Figure[]): string {
  const peers = published['peers-on-npm'];
  const rows = peers['@divviup/prio3 0.8.0 client'].map(({ type, ms, bytes }) => {
    const [cpu, up] = measuredHere(figures, type);
    return [type, exact(ms), cpu, exact(bytes), up];
  });
  const jiff = peers['jiff-mpc 1.0.0, all parties in one process'].map(
    ({ n, m, seconds }) => `${exact(seconds)} s at n = ${n}, m = ${m}`,
  );
  const bundles = Object.entries(peers['browser bundles, gzip kB']).map(
    ([name, kB]) => `${name} ${exact(kB)}`,
  );
  const columns = ['Prio3 client', 'earlier, ms', 'this run, ms', 'earlier, B', 'this run, B'];
  return `### Peers on npm, measured earlier

On one core of a machine like ours with Node 20, for orientation (\`bench/data/published-results.json\`).

${table(
  columns.map((title, i) => ({ title, isNumber: i > 0 })),
  rows,
)}

jiff-mpc 1.0.0, all parties in one process: ${jiff.join(', ')}. Bundles for browsers, gzip, in kB:
${bundles.join(', ')}.`;
}

/** @returns milliseconds and bytes. */
function measuredHere(
  figures: readonly Figure[],
  published: string,
): readonly [string | undefined, string | undefined] {
  // Such as "SumVec 100 x 32 bit" or "Histogram, 100".
  const [, type = '', first] = /^(\w+)\D*(\d+)?/.exec(published) ?? [];
  const own = figures.filter(
    ({ bench, setting = {} }) =>
      bench === BENCH &&
      setting['system'] === 'prio3' &&
      setting['type'] === type &&
      (setting['length'] === undefined || String(setting['length']) === first),
  );
  const value = (text: string): string | undefined => {
    const found = own.find(({ figure }) => figure.includes(text));
    return found === undefined ? undefined : number(found.value);
  };
  return [value('client CPU'), value('bytes up')];
}

/** The same for all figures of one metric, whichever system they are of. */
function metricOf({ setting = {} }: Figure): string {
  return metricTitle(setting);
}

function metricTitle(setting: Setting): string {
  const { type, length, bits } = setting;
  const size = [length, bits === undefined ? undefined : `${bits} bits`];
  const told = size.filter((each) => each !== undefined).join(' × ');
  return told === '' ? String(type) : `${type}, ${told}`;
}

function fleetText(own: readonly Figure[]): string {
  const ours = own.find(({ setting }) => setting?.['system'] === 'onlysum')?.setting ?? {};
  return `n = ${String(ours['n'])}, k = ${String(ours['k'])}`;
}
