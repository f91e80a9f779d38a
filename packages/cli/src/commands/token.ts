/** `onlysum token create|list|revoke`: access to the coordinator's admin API, handed out on its machine. */
import { systemRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import type { TokenView } from '@onlysum/coordinator';
import { ROLES, type Role } from '@onlysum/task';
import { type Command, Option } from 'commander';
import {
  addCoordinatorStoreFlags,
  type CoordinatorStoreFlags,
  inCoordinatorStore,
} from '../coordinator-store.js';
import { integerFlag, invalidFlag, jsonOption, repeated } from '../flags.js';
import { note, print, printJson, table } from '../output.js';
import type { Terminal } from '../terminal.js';

/** In the audit log, for whoever has the store's files. */
const ACTOR = 'command';
const DEFAULT_DAYS = 90;
/** What a coordinator makes at most. */
const MOST_DAYS = 366;

interface CreateFlags extends CoordinatorStoreFlags {
  readonly role: Role;
  readonly name: string;
  readonly days: number;
  readonly task?: string[];
}

export function addToken(program: Command, terminal: Terminal): void {
  const token = program
    .command('token')
    .description("Hand out and take back access to the coordinator's admin API.")
    .addHelpText(
      'after',
      "\nExample:\n  onlysum token create --role analyst --name 'Ann, product'",
    );
  addCreate(token, terminal);
  addList(token, terminal);
  addRevoke(token, terminal);
}

function addCreate(token: Command, terminal: Terminal): void {
  const command = token
    .command('create')
    .summary('make a token, and print it this once')
    .description(
      'Makes a token and prints it: it is kept nowhere. Works on the store, also while the coordinator\n' +
        'runs. What each role may do is in docs/api.md.',
    )
    .addOption(
      new Option('--role <role>', 'what it lets do').choices([...ROLES]).makeOptionMandatory(),
    )
    .requiredOption('--name <text>', 'whose it is, or what for')
    .option(
      '--days <days>',
      `how long it holds, at most ${MOST_DAYS}`,
      integerFlag('--days', 1, MOST_DAYS),
      DEFAULT_DAYS,
    )
    .option(
      '--task <name>',
      'task that it covers; may be repeated (default: all)',
      repeated((name) => name),
    );
  addCoordinatorStoreFlags(command, terminal)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      "\nExamples:\n  onlysum token create --role analyst --name 'Ann, product' --days 90\n" +
        '  onlysum token create --role auditor --name audit-2031 --task acme-desktop --json',
    )
    .action(async (flags: CreateFlags) => {
      const { role, name, days, task } = flags;
      const made = await inCoordinatorStore(flags, terminal, (store, { createToken }) => {
        const context = {
          store,
          suite: nativeSuite,
          rng: systemRng,
          nowMs: Date.now(),
          actor: ACTOR,
        };
        return createToken(context, { role, name, days, tasks: task ?? 'all' });
      });
      if (flags.json === true) return printJson(terminal, { token: made.token, ...made.view });
      print(terminal, made.token);
      note(
        terminal,
        `${made.view.id}: ${role}, until ${dateOf(made.view.expiresMs)}. It is shown this once.`,
      );
    });
}

function addList(token: Command, terminal: Terminal): void {
  const command = token
    .command('list')
    .summary('list the tokens that were made')
    .description('Lists all tokens, the newest first; what is listed opens nothing.');
  addCoordinatorStoreFlags(command, terminal)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  onlysum token list')
    .action(async (flags: CoordinatorStoreFlags) => {
      const tokens = await inCoordinatorStore(flags, terminal, (store, { listTokens }) =>
        listTokens(store),
      );
      if (flags.json === true) return printJson(terminal, tokens);
      const nowMs = Date.now();
      const rows = tokens.map((each) => {
        const { id, name, role, tasks, expiresMs } = each;
        const covered = tasks === 'all' ? tasks : tasks.join(', ');
        return [id, name, role, covered, dateOf(expiresMs), stateOf(each, nowMs)];
      });
      print(terminal, table(['id', 'name', 'role', 'tasks', 'until', 'state'], rows));
    });
}

function addRevoke(token: Command, terminal: Terminal): void {
  const command = token
    .command('revoke')
    .summary('take a token back')
    .description('Revokes a token by its id: it opens nothing from the next request on.')
    .argument('<id>', '16 hex digits, as `onlysum token list` shows them', tokenIdFlag);
  addCoordinatorStoreFlags(command, terminal)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  onlysum token revoke 5f1d7a0c94b2e386')
    .action(async (id: string, flags: CoordinatorStoreFlags) => {
      const view = await inCoordinatorStore(flags, terminal, (store, { revokeToken }) =>
        revokeToken({ store, nowMs: Date.now(), actor: ACTOR }, id),
      );
      if (flags.json === true) return printJson(terminal, view);
      print(terminal, `Revoked ${view.id}: ${view.name}, ${view.role}`);
    });
}

function tokenIdFlag(text: string): string {
  if (/^[0-9a-f]{16}$/.test(text)) return text;
  // A whole token may have been pasted: its secret is not shown.
  throw invalidFlag('id', '16 lower-case hex digits', text.replace(/_[0-9a-f]{64}$/, '_…'));
}

function stateOf({ revokedMs, expiresMs }: TokenView, nowMs: number): string {
  if (revokedMs !== undefined) return 'revoked';
  return expiresMs <= nowMs ? 'expired' : 'holds';
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
