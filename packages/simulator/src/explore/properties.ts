/**
 * What must hold. Protocol §5, "why only the sum leaves". Safety in every world; at the end also that
 * everybody has ended, and that a round within its assumptions opened.
 */
import { dropoutBound } from '@onlysum/task';
import type { Adversary } from './actions.js';
import { isOver } from './device-node.js';
import { LOSSES, OTHERS, type World, type Worlds } from './world.js';

/** @returns the rule that is broken, or undefined. */
export function brokenRule(worlds: Worlds, world: World): string | undefined {
  const coordinator = worlds.coordinator(world);
  if (coordinator.fault !== undefined) return `coordinator: ${coordinator.fault}`;
  const { sharedSets, survivorSets } = worlds.registrar(world);
  if (sharedSets.length > 1) return `the registrar signed two U2: ${sharedSets.join(' and ')}`;
  if (survivorSets.length > 1) return `the registrar signed two U3: ${survivorSets.join(' and ')}`;
  let selfReveals = 0;
  let keyReveals = 0;
  const accepted: { U2: string | undefined; U3: string | undefined } = {
    U2: undefined,
    U3: undefined,
  };
  for (let i = 0; i < worlds.devices; i++) {
    const { seen } = worlds.device(world, i);
    if (seen.fault !== undefined) return `device ${i}: ${seen.fault}`;
    if (seen.maskedInputs.length > 1) return `device ${i} sent two different masked inputs`;
    for (const [name, sets] of [
      ['U2', seen.sharedSets],
      ['U3', seen.survivorSets],
    ] as const) {
      for (const set of sets) {
        const before = (accepted[name] ??= set);
        if (before !== set) return `${name}: one device accepted ${before}, device ${i} ${set}`;
        const signed = name === 'U2' ? sharedSets : survivorSets;
        if (!signed.includes(set)) return `${name}: device ${i} accepted ${set}, never attested`;
      }
    }
    selfReveals |= seen.selfReveals;
    keyReveals |= seen.keyReveals;
  }
  const both = selfReveals & keyReveals;
  if (both !== 0) {
    return `both b and s of the device at ${31 - Math.clz32(both)} in the roster were revealed`;
  }
  return undefined;
}

/** @param world - one in which nothing can happen any more. */
export function brokenEnd(worlds: Worlds, world: World, adversary: Adversary): string | undefined {
  const coordinator = worlds.coordinator(world);
  if (coordinator.outcome === undefined) {
    return `deadlock: the coordinator waits in ${coordinator.state.stage} and nothing can happen`;
  }
  for (let i = 0; i < worlds.devices; i++) {
    const node = worlds.device(world, i);
    if (!isOver(node)) return `deadlock: device ${i} waits in ${node.state.phase} for ever`;
    if (coordinator.outcome !== 'result') continue;
    const isSummed = coordinator.summed.includes(i);
    const { outcome } = node.seen;
    if (outcome === 'receipt included' && !isSummed) {
      return `device ${i} holds a receipt for a sum that it is not in`;
    }
    if (outcome === 'receipt left-out' && isSummed) {
      return `device ${i} holds a receipt that it was left out of a sum that it is in`;
    }
  }
  const most = dropoutBound(worlds.devices, worlds.setup.round.task.manifest.assumptions.dropout);
  const isWithinAssumptions = (world[OTHERS] ?? 0) === 0 && (world[LOSSES] ?? 0) <= most;
  if (adversary === 'network' && isWithinAssumptions && coordinator.outcome !== 'result') {
    return `the round ended by ${coordinator.outcome}, with ${world[LOSSES]} of at most ${most} losses`;
  }
  return undefined;
}
