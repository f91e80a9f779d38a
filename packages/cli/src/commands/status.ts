/** `onlysum status`: what the servers are at. */
import { setTimeout as sleep } from 'node:timers/promises';
import { invalidField, UsageError } from '@onlysum/crypto';
import { type Command, Option } from 'commander';
import { loadConfiguration } from '../configuration.js';
import { integerFlag, jsonOption, repeated, secondsFlag } from '../flags.js';
import { print, printJson } from '../output.js';
import type { ServerAddress } from '../server-request.js';
import type { ServerView } from '../server-view.js';
import { withAbort } from '../signals.js';
import { statusLines } from '../status-text.js';
import type { Terminal } from '../terminal.js';

interface StatusFlags {
  readonly config?: string;
  readonly url?: string[];
  readonly watch?: true;
  readonly interval: number;
  readonly count?: number;
  readonly json?: true;
}

const DEFAULT_INTERVAL_MS = 2000;
const HOUR_SECONDS = 3600;
const CLEAR = '\u001b[2J\u001b[H';

/** @param exit - takes 1 if a server does not answer or is not ready. */
export function addStatus(
  program: Command,
  terminal: Terminal,
  exit: (code: number) => void,
): void {
  program
    .command('status')
    .summary('show what coordinator and registrar are at')
    .description(
      'Shows rounds with their stage, what was opened and aborted, and why devices were dropped, as the\n' +
        'servers tell it at /healthz and /readyz. Without --url, those of onlysum.yaml, over TLS where it\n' +
        'has a certificate, which then is trusted. For others, NODE_EXTRA_CA_CERTS names more authorities.',
    )
    .option('--config <file>', 'configuration (default: onlysum.yaml if there is one)')
    .option('--url <url>', 'a server, http:// or https://; may be repeated', repeated(serverUrl))
    .option('--watch', 'show it again and again, in place on a terminal')
    .addOption(
      new Option('--interval <seconds>', 'between two views of --watch')
        .argParser(secondsFlag('--interval', HOUR_SECONDS))
        .default(DEFAULT_INTERVAL_MS, `${DEFAULT_INTERVAL_MS / 1000}`),
    )
    .option(
      '--count <n>',
      'end --watch after so many views (default: at SIGINT)',
      integerFlag('--count', 1, Number.MAX_SAFE_INTEGER),
    )
    .addOption(jsonOption('print the views as one JSON value, with --watch one a line'))
    .addHelpText(
      'after',
      '\nExamples:\n  onlysum status --watch\n  onlysum status --url http://127.0.0.1:8787 --json',
    )
    .action(async (flags: StatusFlags) => {
      const given = flags.url?.map((url) => ({ url }));
      const servers = given ?? (await configuredServers(flags, terminal));
      const { viewServer } = await import('../server-view.js');
      const look = () => Promise.all(servers.map(viewServer));
      if (flags.watch !== true) return exit(show(terminal, await look(), flags));
      await withAbort(async (signal) => {
        for (let shown = 0; !signal.aborted && shown < (flags.count ?? Infinity); shown++) {
          if (shown > 0) await sleep(flags.interval, undefined, { signal }).catch(() => undefined);
          if (!signal.aborted) exit(show(terminal, await look(), flags));
        }
      });
    });
}

/** @returns the exit code of this view. */
function show(terminal: Terminal, views: readonly ServerView[], flags: StatusFlags): number {
  if (flags.json === true) {
    printJson(terminal, { servers: views });
  } else {
    const isInPlace =
      flags.watch === true && 'isTTY' in terminal.out && terminal.out.isTTY === true;
    if (isInPlace) terminal.out.write(CLEAR);
    else if (flags.watch === true) print(terminal, new Date().toISOString());
    print(terminal, ...statusLines(views, Date.now()));
  }
  return views.every((view) => 'health' in view && view.readiness.status === 'ready') ? 0 : 1;
}

async function configuredServers(
  { config }: StatusFlags,
  terminal: Terminal,
): Promise<ServerAddress[]> {
  const { serverAddresses } = await import('../checks/server-checks.js');
  const { coordinator, registrar } = serverAddresses(loadConfiguration(config, terminal.cwd));
  const servers = [coordinator, registrar].filter((server) => server !== undefined);
  if (servers.length > 0) return servers;
  const expected = 'the flag --url or an onlysum.yaml with a server';
  throw new UsageError('setting-missing', `url: expected ${expected}, got nothing`, {
    field: '--url',
    expected,
    got: 'nothing',
  });
}

function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url !== undefined && isHttp && url.username === '' && url.password === '') {
    return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  }
  const got = text.includes('@') ? 'one with a user' : text;
  throw invalidField(UsageError, 'flag-invalid', '--url', 'an http:// or https:// URL', got);
}
