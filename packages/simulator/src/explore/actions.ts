/**
 * What may happen next in a world: the ordinary moves, and the faults that a budget pays for.
 * Knows: when something can happen. Invariant: with nothing ordinary left to do, time passes; so a
 * world without an ordinary move is the end, or a deadlock.
 *
 * Two reductions, both sound for what is checked (docs/exploration.md): devices are interchangeable
 * until they join, so they join in the order of their numbers; and once the budget is spent, what only
 * one device can see happens at once.
 */
import { type CoordinatorNode, isOpening } from './coordinator-node.js';
import { isOver } from './device-node.js';
import type { Interruption } from './device-node.js';
import { type HostileAction, applyHostile, hostileActions } from './hostile.js';
import {
  CLOCK,
  COORDINATOR,
  DUPLICATES,
  LOSSES,
  OTHERS,
  type World,
  type Worlds,
} from './world.js';
import { isDeviceOver } from './world.js';

export type Action =
  | { readonly kind: 'down' | 'up' | 'gone' | 'connect'; readonly device: number }
  | { readonly kind: 'device-deadline' | 'unreachable'; readonly device: number }
  | { readonly kind: 'lose'; readonly device: number; readonly keepsUp: boolean }
  | { readonly kind: 'crash'; readonly device: number; readonly isNoticed: boolean }
  | {
      readonly kind: 'duplicate';
      readonly device: number;
      readonly direction: 'up' | 'down';
      readonly at: 'next' | 'last';
    }
  | { readonly kind: 'interrupt'; readonly device: number; readonly interruption: Interruption }
  | { readonly kind: 'registrar' | 'answer' | 'answer-lost'; readonly link: number }
  | { readonly kind: 'give-up'; readonly link: number; readonly isLost: boolean }
  | { readonly kind: 'grace-over'; readonly connection: number }
  | { readonly kind: 'grants-overdue' | 'opened' | 'deadline' | 'clock' | 'incarnation' | 'stop' }
  | HostileAction;

export interface Choice {
  readonly action: Action;
  /** What the action takes from the budget. */
  readonly cost: 0 | 1;
}

export type Adversary = 'network' | 'coordinator';

/** @returns everything that may happen next within a budget of `faults`; none if this is the end. */
export function choices(
  worlds: Worlds,
  world: World,
  faults: number,
  adversary: Adversary,
): Choice[] {
  const budget = faults - spent(world);
  if (budget <= 0) {
    const local = localMove(worlds, world);
    if (local !== undefined) return [local];
  }
  const ordinary = ordinaryActions(worlds, world);
  const free = ordinary.length > 0 ? ordinary : passingTime(worlds, world);
  const found: Choice[] = free.map((action) => ({ action, cost: 0 }));
  if (budget > 0) {
    const paid =
      adversary === 'network'
        ? networkFaults(worlds, world, ordinary.length > 0)
        : [...losses(worlds, world), ...hostileActions(worlds, world)];
    for (const action of paid) found.push({ action, cost: 1 });
  }
  return found;
}

export function spent(world: World): number {
  return (world[LOSSES] ?? 0) + (world[DUPLICATES] ?? 0) + (world[OTHERS] ?? 0);
}

/** @returns the next world, or undefined if a symmetric one stands for it. */
export function apply(worlds: Worlds, before: World, { action, cost }: Choice): World | undefined {
  const world = before.slice();
  if (cost > 0) world[accountOf(action)] = (world[accountOf(action)] ?? 0) + cost;
  perform(worlds, world, action);
  return isInOrder(worlds, world) ? world : undefined;
}

function accountOf(action: Action): number {
  switch (action.kind) {
    case 'lose':
    case 'crash':
      return LOSSES;
    case 'duplicate':
      return DUPLICATES;
    default:
      return OTHERS;
  }
}

function perform(worlds: Worlds, world: World, action: Action): void {
  switch (action.kind) {
    case 'down':
      return worlds.deliverDown(world, action.device);
    case 'interrupt':
      return worlds.deliverDown(world, action.device, action.interruption);
    case 'up':
      return worlds.deliverUp(world, action.device);
    case 'gone':
      return worlds.deliverGone(world, action.device);
    case 'connect':
      return worlds.connect(world, action.device);
    case 'device-deadline':
      return worlds.tell(world, action.device, 'deadline');
    case 'unreachable':
      return worlds.tell(world, action.device, 'unreachable');
    case 'lose':
      return worlds.lose(world, action.device, action.keepsUp);
    case 'crash':
      return worlds.crash(world, action.device, action.isNoticed);
    case 'duplicate':
      return worlds.duplicate(world, action.device, action.direction, action.at);
    case 'registrar':
      return worlds.registrarAnswers(world, action.link);
    case 'answer':
      return worlds.deliverAnswer(world, action.link);
    case 'answer-lost':
      return worlds.loseAnswer(world, action.link);
    case 'give-up':
      return worlds.giveUp(world, action.link, action.isLost);
    case 'grace-over': {
      const { connection: device } = action;
      return worlds.tellCoordinator(world, { kind: 'grace-over', device }, `grace ${device}`);
    }
    case 'grants-overdue':
      return worlds.tellCoordinator(world, { kind: 'grants-overdue' }, 'grants');
    case 'opened': {
      const { opening: outcome } = worlds.coordinator(world);
      if (outcome === undefined) throw new RangeError('nothing is being opened');
      return worlds.tellCoordinator(world, { kind: 'opened', outcome }, 'opened');
    }
    case 'deadline': {
      const { stage } = worlds.coordinator(world).state;
      return worlds.tellCoordinator(world, { kind: 'deadline', stage }, 'deadline');
    }
    case 'stop':
      return worlds.tellCoordinator(world, { kind: 'stop', detail: 'the operator' }, 'stop');
    case 'clock':
      world[CLOCK] = (world[CLOCK] ?? 0) + 1;
      return;
    case 'incarnation':
      return worlds.newIncarnation(world);
    case 'ask-aside':
    case 'show-set':
    case 'ask-shares':
      return applyHostile(worlds, world, action);
  }
}

/** With nothing left to lose, what only device i sees commutes with everything else. */
function localMove(worlds: Worlds, world: World): Choice | undefined {
  for (let device = 0; device < worlds.devices; device++) {
    if (isDeviceOver(worlds, world, device)) continue;
    if (worlds.isLive(world, device) && worlds.down(world, device).length > 0) {
      return { action: { kind: 'down', device }, cost: 0 };
    }
    if (!worlds.isLive(world, device) && worlds.device(world, device).wantsConnection) {
      return { action: { kind: 'connect', device }, cost: 0 };
    }
  }
  return undefined;
}

function ordinaryActions(worlds: Worlds, world: World): Action[] {
  const found: Action[] = [];
  const coordinator = worlds.coordinator(world);
  for (let device = 0; device < worlds.devices; device++) {
    const isHere = !isDeviceOver(worlds, world, device);
    const isLive = worlds.isLive(world, device);
    if (isHere && isLive && worlds.down(world, device).length > 0) {
      found.push({ kind: 'down', device });
    }
    if (isHere && !isLive && worlds.device(world, device).wantsConnection) {
      found.push({ kind: 'connect', device });
    }
    if (worlds.up(world, device).length > 0) found.push({ kind: 'up', device });
    if (worlds.gone(world, device).length > 0) found.push({ kind: 'gone', device });
  }
  worlds.links(world).forEach(({ response }, link) => {
    found.push({ kind: response === -1 ? 'registrar' : 'answer', link });
  });
  for (const connection of coordinator.graces) found.push({ kind: 'grace-over', connection });
  if (coordinator.opening !== undefined && coordinator.state.stage === 'opening') {
    found.push({ kind: 'opened' });
  }
  return found;
}

/** Nothing else is left to do: credits run out first, then the stage, then the window. */
function passingTime(worlds: Worlds, world: World): Action[] {
  const coordinator = worlds.coordinator(world);
  if (areGrantsOverdue(coordinator)) return [{ kind: 'grants-overdue' }];
  const isLate = (world[CLOCK] ?? 0) + 1 >= worlds.setup.clocks.length;
  if (hasDeadline(coordinator)) {
    const action: Action = { kind: 'deadline' };
    const next = world.slice();
    perform(worlds, next, action);
    // A cohort that is short of devices gathers on until the window ends.
    if (next[COORDINATOR] !== world[COORDINATOR]) return [action];
    return isLate ? [] : [{ kind: 'clock' }];
  }
  return everyDevice(worlds, world).map((device) => ({ kind: 'device-deadline', device }));
}

function networkFaults(worlds: Worlds, world: World, isBusy: boolean): Action[] {
  const coordinator = worlds.coordinator(world);
  const found = [...losses(worlds, world), ...duplicates(worlds, world)];
  for (const device of everyDevice(worlds, world)) {
    if (worlds.device(world, device).hasTimer) found.push({ kind: 'device-deadline', device });
    if (!worlds.isLive(world, device)) found.push({ kind: 'unreachable', device });
    found.push(...interruptions(worlds, world, device));
  }
  worlds.links(world).forEach((link, at) => {
    if (!link.isAwaited) return;
    found.push({ kind: 'give-up', link: at, isLost: true });
    if (link.response === -1) found.push({ kind: 'give-up', link: at, isLost: false });
    else found.push({ kind: 'answer-lost', link: at });
  });
  if (coordinator.state.stage !== 'finished') {
    found.push({ kind: 'stop' }, { kind: 'incarnation' });
    if (isBusy && areGrantsOverdue(coordinator)) found.push({ kind: 'grants-overdue' });
    if (isBusy && hasDeadline(coordinator)) found.push({ kind: 'deadline' });
    if ((world[CLOCK] ?? 0) + 1 < worlds.setup.clocks.length) found.push({ kind: 'clock' });
  }
  return found;
}

/** Connections that break and devices that vanish, at any point. */
function losses(worlds: Worlds, world: World): Action[] {
  return everyDevice(worlds, world).flatMap((device): Action[] => {
    const vanish: Action[] = [
      { kind: 'crash', device, isNoticed: true },
      { kind: 'crash', device, isNoticed: false },
    ];
    if (!worlds.isLive(world, device)) return vanish.slice(0, 1);
    const breaks: Action[] = [{ kind: 'lose', device, keepsUp: false }];
    if (worlds.up(world, device).length > 0) breaks.push({ kind: 'lose', device, keepsUp: true });
    return [...vanish, ...breaks];
  });
}

function duplicates(worlds: Worlds, world: World): Action[] {
  return everyDevice(worlds, world).flatMap((device) =>
    (['up', 'down'] as const).flatMap((direction) => {
      const frames = worlds[direction](world, device);
      const [first = 0] = frames;
      const bytes = worlds.frame(first);
      if (bytes === undefined || isOpening(bytes)) return [];
      const copy = (at: 'next' | 'last'): Action => ({ kind: 'duplicate', device, direction, at });
      return frames.length > 1 ? [copy('next'), copy('last')] : [copy('next')];
    }),
  );
}

/** While the device's host works for the machine, something else happens first. */
function interruptions(worlds: Worlds, world: World, device: number): Action[] {
  if (!worlds.isLive(world, device)) return [];
  const { pauses, persists } = worlds.foresee(world, device);
  const found: Action[] = [];
  const add = (pause: number, how: Interruption['with']): void => {
    found.push({ kind: 'interrupt', device, interruption: { pause, with: how } });
  };
  for (let pause = 1; pause <= pauses; pause++) {
    add(pause, 'deadline');
    add(pause, 'disconnected');
  }
  if (persists) {
    add(pauses - 1, 'input-refused');
    add(pauses, 'persist-failed');
  }
  return found;
}

function everyDevice(worlds: Worlds, world: World): number[] {
  const found: number[] = [];
  for (let i = 0; i < worlds.devices; i++) if (!isDeviceOver(worlds, world, i)) found.push(i);
  return found;
}

function hasDeadline({ state, timer }: CoordinatorNode): boolean {
  return timer !== undefined && timer === state.stage;
}

/** A credit is given out again when its time is over; before that nothing could be. */
function areGrantsOverdue({ state, hasGrantTimer }: CoordinatorNode): boolean {
  return hasGrantTimer && state.stage === 'masking' && state.queue.size > 0;
}

/**
 * Devices that have joined are 0, 1, …; those that never will are n − 1, n − 2, …: any other order is
 * one of these with other names.
 */
function isInOrder(worlds: Worlds, world: World): boolean {
  const { joined } = worlds.coordinator(world);
  if (joined.some((device, order) => device !== order)) return false;
  let isLost = false;
  for (let i = joined.length; i < worlds.devices; i++) {
    const never = isOver(worlds.device(world, i)) && !worlds.isOpeningOnItsWay(world, i);
    if (isLost && !never) return false;
    isLost = never;
  }
  return true;
}
