/**
 * Broken machines, so that the exploration can be seen to find what it looks for. Each is the shipped
 * step with one thing wrong, and exists only here.
 */
import {
  type Ledger,
  answerRequest,
  decodeBitmap,
  decodeFrame,
  dropped,
  maskedInput,
  recover,
  stepCoordinator,
  stepDevice,
  survivorSet,
  uploadGrant,
} from '@onlysum/protocol';
import type { ExploreOptions, Machines } from '@onlysum/simulator';

export interface Control {
  readonly name: string;
  readonly adversary: ExploreOptions['adversary'];
  /** The rule that the exploration must find broken. */
  readonly rule: RegExp;
  readonly machines: Partial<Machines>;
}

type Device = Machines['device'];
type Coordinator = Machines['coordinator'];

const typeOf = (event: Parameters<Device>[1]): unknown =>
  event.kind === 'message' ? decodeFrame(event.bytes)[0] : undefined;

export const CONTROLS: readonly Control[] = [
  {
    name: 'a registrar that forgets which U2 it signed',
    adversary: 'coordinator',
    rule: /^the registrar signed two U2/,
    machines: { registrar: forgetting('shared-set/') },
  },
  {
    name: 'a registrar that forgets which U3 it signed',
    adversary: 'coordinator',
    rule: /^the registrar signed two U3/,
    machines: { registrar: forgetting('survivor-set/') },
  },
  {
    name: 'a device that does not check who signed U3',
    adversary: 'coordinator',
    rule: /^U3: (one device accepted|device \d accepted .* never attested)/,
    machines: { device: trustingSets },
  },
  {
    name: 'a device that takes a second U3, whoever signed it',
    adversary: 'coordinator',
    rule: /^U3: one device accepted/,
    machines: { device: takingSecondSet },
  },
  {
    name: 'a device that answers Recover without looking at U3',
    adversary: 'coordinator',
    rule: /^both b and s of the device/,
    machines: { device: answeringAnything },
  },
  {
    name: 'a device that sends another masked input when a credit comes twice',
    adversary: 'network',
    rule: /^device \d sent two different masked inputs/,
    machines: { device: maskingTwice },
  },
  {
    name: 'a device that goes on after it was sent away',
    adversary: 'network',
    rule: /^device \d: something was sent after the end/,
    machines: { device: goingOn },
  },
  {
    name: 'a device that keeps its secrets when it runs out of time',
    adversary: 'network',
    rule: /^device \d: a round that is over for this device left secrets/,
    machines: { device: keepingSecrets },
  },
  {
    name: 'a coordinator that adds a repeated masked input again',
    adversary: 'network',
    rule: /^coordinator: the opened sum is/,
    machines: { coordinator: addingTwice },
  },
  {
    name: 'a coordinator that waits for silent survivors for ever',
    adversary: 'network',
    rule: /^deadlock: the coordinator waits in unmasking/,
    machines: { coordinator: waitingForEver },
  },
  {
    name: 'a coordinator that aborts where it could recover',
    adversary: 'network',
    rule: /^the round ended by abort .* losses$/,
    machines: { coordinator: givingUp },
  },
];

function forgetting(prefix: string): Machines['registrar'] {
  return (ledger, ...rest) => answerRequest(without(ledger, prefix), ...rest);
}

function without(ledger: Ledger, prefix: string): Ledger {
  return {
    read: (key) => (key.startsWith(prefix) ? undefined : ledger.read(key)),
    put: (key, value) => ledger.put(key, value),
    remove: (key) => ledger.remove(key),
    keys: (of) => ledger.keys(of),
  };
}

function trustingSets(...[state, event, params, context]: Parameters<Device>): ReturnType<Device> {
  const isChecking = state.phase === 'checking-survivors' && event.kind === 'derived';
  const checked = isChecking ? ({ kind: 'derived', results: [true] } as const) : event;
  return stepDevice(state, checked, params, context);
}

function takingSecondSet(
  ...[state, event, params, context]: Parameters<Device>
): ReturnType<Device> {
  if (state.phase !== 'unmasked' || typeOf(event) !== survivorSet.type) {
    return trustingSets(state, event, params, context);
  }
  const { survivors: _, ...rest } = state;
  const accepted = new Map(state.accepted);
  accepted.delete(survivorSet.type);
  return trustingSets({ ...rest, phase: 'masked', accepted }, event, params, context);
}

function answeringAnything(
  ...[state, event, params, context]: Parameters<Device>
): ReturnType<Device> {
  if (state.phase !== 'unmasked' || event.kind !== 'message' || typeOf(event) !== recover.type) {
    return stepDevice(state, event, params, context);
  }
  const { n } = state.seat.facts;
  const { silent, dropped: wanted } = recover.parse(decodeFrame(event.bytes));
  const asked = new Set(decodeBitmap(wanted, n, 'S'));
  const members = [...state.survivors.members, ...decodeBitmap(silent, n, 'R')];
  const survivors = { ...state.survivors, members: members.filter((index) => !asked.has(index)) };
  const [next, effects] = stepDevice({ ...state, survivors }, event, params, context);
  const restored = next.phase === 'unmasked' ? { ...next, survivors: state.survivors } : next;
  return [restored, effects];
}

function maskingTwice(...[state, event, params, context]: Parameters<Device>): ReturnType<Device> {
  const [next, effects] = stepDevice(state, event, params, context);
  if (state.phase !== 'masked' || typeOf(event) !== uploadGrant.type) return [next, effects];
  const vector = new Uint8Array(params.task.layout.vectorBytes);
  const { round } = state.offered;
  const bytes = maskedInput.encode({ round, vector, commitment: new Uint8Array(32) });
  return [next, [...effects, { kind: 'send', bytes }]];
}

function goingOn(...[state, event, params, context]: Parameters<Device>): ReturnType<Device> {
  const [next, effects] = stepDevice(state, event, params, context);
  if (!('offered' in state) || typeOf(event) !== dropped.type) return [next, effects];
  const bytes = uploadGrant.encode({ round: state.offered.round });
  return [next, [...effects, { kind: 'send', bytes }]];
}

function keepingSecrets(
  ...[state, event, params, context]: Parameters<Device>
): ReturnType<Device> {
  if (event.kind !== 'deadline' || !('secrets' in state)) {
    return stepDevice(state, event, params, context);
  }
  const secrets = { ...state.secrets, b: state.secrets.b.slice() };
  return stepDevice({ ...state, secrets }, event, params, context);
}

function addingTwice(
  ...[state, event, params, context]: Parameters<Coordinator>
): ReturnType<Coordinator> {
  if (state.stage === 'masking' && event.kind === 'message') {
    const index = state.cohort.indexOf.get(event.device) ?? -1;
    if (state.commitments.has(index)) {
      state.cohort.places[index]?.accepted.delete(maskedInput.type);
      state.cohort.waiting.add(index);
    }
  }
  return stepCoordinator(state, event, params, context);
}

function waitingForEver(
  ...[state, event, params, context]: Parameters<Coordinator>
): ReturnType<Coordinator> {
  if (state.stage === 'unmasking' && event.kind === 'deadline') return [state, []];
  return stepCoordinator(state, event, params, context);
}

function givingUp(
  ...[state, event, params, context]: Parameters<Coordinator>
): ReturnType<Coordinator> {
  const [next, effects] = stepCoordinator(state, event, params, context);
  if (state.stage !== 'unmasking' || next.stage !== 'recovering') return [next, effects];
  return stepCoordinator(next, { kind: 'stop', detail: 'no recovery' }, params, context);
}
