/**
 * `onlysum task list|stop|resume`: the kill switch on the coordinator's machine, by its store.
 * Knows: names of tasks. Doesn't know: rounds, which the coordinator that runs ends itself.
 */
import type { CoordinatorStore, TaskRecord, Written } from '@onlysum/coordinator';
import { printable, UsageError } from '@onlysum/crypto';
import type { Command } from 'commander';
import {
  addCoordinatorStoreFlags,
  type CoordinatorStoreFlags,
  inCoordinatorStore,
} from '../coordinator-store.js';
import { jsonOption } from '../flags.js';
import { nearestName } from '../nearest-name.js';
import { print, printJson, table } from '../output.js';
import type { Terminal } from '../terminal.js';

/** In the audit log, for whoever may write the store. */
const ACTOR = 'operator (command line)';
const TASK_ARGUMENT = 'NAME, NAME@VERSION if several versions have it, or its id';

interface SwitchFlags extends CoordinatorStoreFlags {
  readonly reason: string;
}

export function addTask(program: Command, terminal: Terminal): void {
  const task = program
    .command('task')
    .description("Stop tasks of the coordinator's store, and let them go on.")
    .addHelpText('after', "\nExample:\n  onlysum task stop acme-desktop --reason 'incident 7'");
  addList(task, terminal);
  addStop(task, terminal);
  addResume(task, terminal);
}

function addList(task: Command, terminal: Terminal): void {
  const command = task
    .command('list')
    .summary('list tasks, and which of them are stopped')
    .description('Lists the tasks that are served or were once, with their state and its reason.');
  addCoordinatorStoreFlags(command, terminal)
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  onlysum task list\n  onlysum task list --json')
    .action(async (flags: CoordinatorStoreFlags) => {
      const tasks = await inCoordinatorStore(flags, terminal, (store) => store.tasks());
      if (flags.json === true) return printJson(terminal, tasks.map(viewOf));
      const rows = tasks.map((each) => {
        const reason = each.state === 'stopped' ? printable(each.reason) : '';
        return [nameOf(each), each.state, reason, each.taskId];
      });
      print(terminal, table(['task', 'state', 'reason', 'id'], rows));
    });
}

function addStop(task: Command, terminal: Terminal): void {
  const command = task
    .command('stop')
    .summary('end all rounds of a task, and take no device for it')
    .description(
      'Stops a task in the store. A coordinator that runs takes it over within a second: rounds under\n' +
        'way end, their sums are lost to everybody, and devices are told the reason. One that starts\n' +
        'later finds it stopped.',
    )
    .argument('<task>', TASK_ARGUMENT)
    .requiredOption('--reason <text>', 'for devices and for the audit log, one line');
  addCoordinatorStoreFlags(command, terminal)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      "\nExamples:\n  onlysum task stop acme-desktop --reason 'incident 7'\n" +
        "  onlysum task stop acme-desktop@3 --reason 'wrong manifest' --json",
    )
    .action(async (name: string, flags: SwitchFlags) => {
      await change(name, flags, terminal, ({ stopTaskIn }) => stopTaskIn, {
        written: 'Stopped',
        known: 'Stopped already, for the same reason:',
      });
    });
}

function addResume(task: Command, terminal: Terminal): void {
  const command = task
    .command('resume')
    .summary('let a stopped task go on')
    .description(
      'Opens a task again in the store; a coordinator that runs takes devices for it within a second.',
    )
    .argument('<task>', TASK_ARGUMENT)
    .requiredOption('--reason <text>', 'for the audit log, one line');
  addCoordinatorStoreFlags(command, terminal)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      "\nExample:\n  onlysum task resume acme-desktop@3 --reason 'incident 7 is over'",
    )
    .action(async (name: string, flags: SwitchFlags) => {
      await change(name, flags, terminal, ({ resumeTaskIn }) => resumeTaskIn, {
        written: 'Resumed',
        known: 'It was not stopped:',
      });
    });
}

type Coordinator = typeof import('@onlysum/coordinator');
type Change = (
  store: CoordinatorStore,
  taskId: string,
  reason: string,
  actor: string,
) => Promise<Written>;

/** @param words - what is said of it, before the task's name. */
async function change(
  name: string,
  flags: SwitchFlags,
  terminal: Terminal,
  choose: (coordinator: Coordinator) => Change,
  words: Readonly<Record<Written, string>>,
): Promise<void> {
  const { task, written } = await inCoordinatorStore(
    flags,
    terminal,
    async (store, coordinator) => {
      const { taskId } = findTask(name, await store.tasks());
      const written = await choose(coordinator)(store, taskId, flags.reason, ACTOR);
      const task = await store.task(taskId);
      if (task === undefined) throw missing(name, []);
      return { task, written };
    },
  );
  if (flags.json === true) {
    return printJson(terminal, { ...viewOf(task), changed: written === 'written' });
  }
  print(terminal, `${words[written]} ${nameOf(task)}, ${task.taskId}`);
}

/** @throws {UsageError} `record-missing`, `task-ambiguous`. */
function findTask(given: string, tasks: readonly TaskRecord[]): TaskRecord {
  const found = tasks.filter((task) => [task.taskId, task.name, nameOf(task)].includes(given));
  const [task, another] = found;
  if (task === undefined) throw missing(given, tasks);
  if (another === undefined) return task;
  const expected = `one of ${found.map(nameOrId(found)).join(', ')}`;
  throw new UsageError('task-ambiguous', `task: expected ${expected}, got ${given}`, {
    field: 'task',
    expected,
    got: given,
  });
}

/** Two publishers may have given one name and version. */
function nameOrId(found: readonly TaskRecord[]): (task: TaskRecord) => string {
  const names = found.map(nameOf);
  const isTwice = (name: string) => names.indexOf(name) !== names.lastIndexOf(name);
  return (task) => (isTwice(nameOf(task)) ? task.taskId : nameOf(task));
}

function missing(given: string, tasks: readonly TaskRecord[]): UsageError {
  const near = nearestName(given, [...tasks.map(({ name }) => name), ...tasks.map(nameOf)]);
  const hint = near === undefined ? '; see onlysum task list' : `; did you mean ${near}?`;
  const expected = 'the name or id of a task in the store';
  const got = printable(given);
  return new UsageError('record-missing', `task: expected ${expected}, got ${got}${hint}`, {
    field: 'task',
    expected,
    got,
  });
}

function nameOf({ name, version }: TaskRecord): string {
  return `${name}@${version}`;
}

/** Without its manifest. */
function viewOf(task: TaskRecord) {
  const { taskId, name, version, state } = task;
  return {
    ...{ taskId, name, version, state },
    ...(task.state === 'stopped' ? { reason: task.reason } : {}),
  };
}
