/**
 * A coordinator that cheats: it holds its own key, asks the registrar for other sets, shows devices
 * sets of its choice, signed or not, and asks them for shares it should not get.
 * Knows: everything the coordinator knows. Invariant: a set is shown with the registrar's signature
 * only if the registrar gave it.
 */
import { toHex } from '@onlysum/crypto';
import {
  BOX_BYTES,
  type UnsignedRequest,
  decodeBitmap,
  decodeFrame,
  encodeBitmap,
  recover,
  sharedSet,
  survivorSet,
} from '@onlysum/protocol';
import type { World, Worlds } from './world.js';
import { isDeviceOver } from './world.js';

type SetKind = 'shared-set' | 'survivor-set';

export type HostileAction =
  /** Have the whole roster, or all but one of it, attested as U2 or U3. */
  | { readonly kind: 'ask-aside'; readonly set: SetKind; readonly without: number }
  /** Show a device that set, in the place of the next frame or before it. */
  | {
      readonly kind: 'show-set';
      readonly set: SetKind;
      readonly without: number;
      readonly device: number;
      readonly replaces: boolean;
    }
  /** Ask a device for its share of b, or of s, of device `of`. */
  | {
      readonly kind: 'ask-shares';
      readonly device: number;
      readonly of: number;
      readonly secret: 'b' | 's';
    };

export function hostileActions(worlds: Worlds, world: World): HostileAction[] {
  const { state, seats } = worlds.coordinator(world);
  if (seats.length === 0 || !('cohort' in state)) return [];
  const without = [-1, ...seats.keys()];
  const found: HostileAction[] = [];
  for (const set of ['shared-set', 'survivor-set'] as const) {
    found.push(...without.map((index) => ({ kind: 'ask-aside', set, without: index }) as const));
  }
  for (let device = 0; device < worlds.devices; device++) {
    if (isDeviceOver(worlds, world, device) || !worlds.isLive(world, device)) continue;
    const { phase } = worlds.device(world, device).state;
    const set = phase === 'shared' ? 'shared-set' : 'survivor-set';
    if (phase === 'shared' || phase === 'masked' || phase === 'unmasked') {
      for (const index of without) {
        const show = { kind: 'show-set', set, without: index, device } as const;
        if (setFrame(worlds, world, show) === undefined) continue;
        if (worlds.down(world, device).length > 0) found.push({ ...show, replaces: true });
        if (set === 'survivor-set') found.push({ ...show, replaces: false });
      }
    }
    if (phase !== 'unmasked') continue;
    for (const of of seats.keys()) {
      found.push({ kind: 'ask-shares', device, of, secret: 'b' });
      found.push({ kind: 'ask-shares', device, of, secret: 's' });
    }
  }
  return found;
}

export function applyHostile(worlds: Worlds, world: World, action: HostileAction): void {
  switch (action.kind) {
    case 'ask-aside': {
      worlds.askAside(world, request(worlds, world, action.set, action.without));
      return;
    }
    case 'show-set': {
      const bytes = setFrame(worlds, world, action);
      if (bytes === undefined) throw new RangeError('no such set');
      return worlds.inject(world, action.device, bytes, action.replaces);
    }
    case 'ask-shares': {
      const n = worlds.coordinator(world).seats.length;
      const only = encodeBitmap([action.of], n);
      const none = encodeBitmap([], n);
      const bytes = recover.encode({
        round: worlds.setup.round.round,
        silent: action.secret === 'b' ? only : none,
        dropped: action.secret === 's' ? only : none,
      });
      return worlds.inject(world, action.device, bytes, false);
    }
  }
}

function membersOf(worlds: Worlds, world: World, without: number): Uint8Array {
  const { seats } = worlds.coordinator(world);
  const members = [...seats.keys()].filter((index) => index !== without);
  return encodeBitmap(members, seats.length);
}

function request(worlds: Worlds, world: World, kind: SetKind, without: number): UnsignedRequest {
  const members = membersOf(worlds, world, without);
  return { kind, round: worlds.setup.round.round, members };
}

/** The set as a message, signed by the registrar if it was attested; undefined if boxes are missing. */
function setFrame(
  worlds: Worlds,
  world: World,
  {
    set,
    without,
    device,
  }: Pick<HostileAction & { kind: 'show-set' }, 'set' | 'without' | 'device'>,
): Uint8Array | undefined {
  const { round } = worlds.setup.round;
  const members = membersOf(worlds, world, without);
  const signature = signatureOf(worlds, world, set, without);
  if (set === 'survivor-set') return survivorSet.encode({ round, members, signature });
  const [next = 0] = worlds.down(world, device);
  const bytes = worlds.frame(next);
  const raw = bytes === undefined ? [] : decodeFrame(bytes);
  if (raw[0] !== sharedSet.type) return undefined;
  const honest = sharedSet.parse(raw);
  const { seats } = worlds.coordinator(world);
  const own = seats.indexOf(device);
  const dealers = decodeBitmap(honest.members, seats.length, 'U2').filter((i) => i !== own);
  const wanted = decodeBitmap(members, seats.length, 'U2').filter((i) => i !== own);
  if (wanted.some((index) => !dealers.includes(index))) return undefined;
  const boxes = new Uint8Array(wanted.length * BOX_BYTES);
  wanted.forEach((dealer, to) => {
    const from = dealers.indexOf(dealer) * BOX_BYTES;
    boxes.set(honest.boxes.subarray(from, from + BOX_BYTES), to * BOX_BYTES);
  });
  return sharedSet.encode({ round, members, signature, boxes });
}

/** The registrar gives what it signed again; for anything else there are 64 bytes of the attacker's. */
function signatureOf(worlds: Worlds, world: World, set: SetKind, without: number): Uint8Array {
  const { sharedSets, survivorSets } = worlds.registrar(world);
  const signed = set === 'shared-set' ? sharedSets : survivorSets;
  const forged = new Uint8Array(64).fill(7);
  if (!signed.includes(toHex(membersOf(worlds, world, without)))) return forged;
  const answer = worlds.askAside(world.slice(), request(worlds, world, set, without));
  return answer.kind === 'set' ? answer.signature : forged;
}
