/**
 * Everything at once: devices, coordinator, registrar, and what is on its way between them, as one list
 * of small numbers. Knows: how an action changes it. Doesn't know: which actions are worth trying.
 *
 * Each part is interned, so that a world is a tuple of numbers, and each part's moves are remembered:
 * what a device does with a message is computed once, in however many worlds it happens.
 */
import type { DeviceEvent, RegistrarResponse, UnsignedRequest } from '@onlysum/protocol';
import { Interner, ListInterner } from './canonical.js';
import { type CoordinatorNode, type HostEvent, isOpening } from './coordinator-node.js';
import { moveCoordinator, newCoordinator } from './coordinator-node.js';
import { type DeviceNode, type Interruption, crash, isOver } from './device-node.js';
import { moveDevice, newDevice } from './device-node.js';
import { type RegistrarNode, askRegistrar, beginIncarnation } from './registrar-node.js';
import { newRegistrar } from './registrar-node.js';
import type { Setup } from './setup.js';

/** A world, by position. Devices follow after `FIXED`, each with `PER_DEVICE` numbers. */
export type World = Int32Array;
export const COORDINATOR = 0;
export const REGISTRAR = 1;
export const CLOCK = 2;
export const LOSSES = 3;
export const DUPLICATES = 4;
export const OTHERS = 5;
/** Requests to the registrar and answers, on their way. */
const LINKS = 6;
const FIXED = 7;
const PER_DEVICE = 6;
const NODE = 0;
/** Number of its last connection. */
const CONNECTION = 1;
const IS_LIVE = 2;
const UP = 3;
const DOWN = 4;
/** What is left on earlier connections: frames and ends, oldest first. */
const GONE = 5;

/** The end of a connection, in the place of a frame. */
const END = 0;
/** A frame on an earlier connection, as one number. */
const FRAMES = 1_000_000;

export interface Link {
  readonly request: number;
  readonly isAwaited: boolean;
  /** −1 while the request is on its way. */
  readonly response: number;
}

interface DeviceStep {
  readonly node: number;
  readonly sent: readonly number[];
  readonly isClosed: boolean;
  readonly pauses: number;
  readonly persists: boolean;
}

interface CoordinatorStep {
  readonly node: number;
  readonly sent: readonly (readonly [connection: number, frame: number])[];
  readonly closed: readonly number[];
  readonly asked: readonly number[];
}

export class Worlds {
  readonly devices: number;
  readonly #frames: Interner<Uint8Array>;
  readonly #requests: Interner<UnsignedRequest>;
  readonly #responses: Interner<RegistrarResponse>;
  readonly #deviceNodes: Interner<DeviceNode>[];
  readonly #coordinatorNodes: Interner<CoordinatorNode>;
  readonly #registrarNodes: Interner<RegistrarNode>;
  readonly #lists = new ListInterner();
  readonly #links: Interner<Link>;
  readonly #deviceMoves = new Map<string, DeviceStep>();
  readonly #coordinatorMoves = new Map<string, CoordinatorStep>();
  readonly #answers = new Map<string, readonly [node: number, response: number]>();

  constructor(readonly setup: Setup) {
    const { suite } = setup;
    this.devices = setup.devices.length;
    this.#frames = new Interner<Uint8Array>(suite);
    // So that no frame has the number of an end.
    this.#frames.id(new Uint8Array(0));
    this.#requests = new Interner<UnsignedRequest>(suite);
    this.#responses = new Interner<RegistrarResponse>(suite);
    this.#deviceNodes = setup.devices.map(() => new Interner<DeviceNode>(suite));
    this.#coordinatorNodes = new Interner<CoordinatorNode>(suite);
    this.#registrarNodes = new Interner<RegistrarNode>(suite);
    this.#links = new Interner<Link>(suite);
  }

  /** Every device is connected and has its challenge on the way. */
  start(): World {
    const world = new Int32Array(FIXED + PER_DEVICE * this.devices);
    world[COORDINATOR] = this.#coordinatorNodes.id(newCoordinator(this.setup));
    world[REGISTRAR] = this.#registrarNodes.id(newRegistrar(this.setup));
    world[LINKS] = this.#lists.id([]);
    for (let i = 0; i < this.devices; i++) {
      this.#put(world, i, NODE, this.#interner(i).id(newDevice()));
      for (const list of [UP, DOWN, GONE]) this.#put(world, i, list, this.#lists.id([]));
      this.#put(world, i, CONNECTION, i);
      this.#put(world, i, IS_LIVE, 1);
      this.#coordinate(world, { kind: 'connect', connection: i }, `connect ${i}`);
    }
    return world;
  }

  /** Numbers of different local states met so far: devices, coordinator, registrar. */
  counts(): { readonly device: number; readonly coordinator: number; readonly registrar: number } {
    return {
      device: this.#deviceNodes.reduce((sum, { values }) => sum + values.length, 0),
      coordinator: this.#coordinatorNodes.values.length,
      registrar: this.#registrarNodes.values.length,
    };
  }

  device(world: World, i: number): DeviceNode {
    return this.#interner(i).at(this.#part(world, i, NODE));
  }

  coordinator(world: World): CoordinatorNode {
    return this.#coordinatorNodes.at(world[COORDINATOR] ?? -1);
  }

  registrar(world: World): RegistrarNode {
    return this.#registrarNodes.at(world[REGISTRAR] ?? -1);
  }

  isLive(world: World, i: number): boolean {
    return this.#part(world, i, IS_LIVE) === 1;
  }

  up(world: World, i: number): readonly number[] {
    return this.#list(world, i, UP);
  }

  down(world: World, i: number): readonly number[] {
    return this.#list(world, i, DOWN);
  }

  gone(world: World, i: number): readonly number[] {
    return this.#list(world, i, GONE);
  }

  links(world: World): readonly Link[] {
    return this.#lists.at(world[LINKS] ?? -1).map((id) => this.#links.at(id));
  }

  request(link: Link): UnsignedRequest {
    return this.#requests.at(link.request);
  }

  /** A frame on its way; none for the end of a connection. */
  frame(id: number): Uint8Array | undefined {
    return id === END ? undefined : this.#frames.at(id);
  }

  /** Whether a frame of device i that opens a place is still on its way up. */
  isOpeningOnItsWay(world: World, i: number): boolean {
    const gone = this.gone(world, i).map((item) => item % FRAMES);
    return [...this.up(world, i), ...gone].some((id) => {
      const bytes = this.frame(id);
      return bytes !== undefined && isOpening(bytes);
    });
  }

  /** How often the host would work for the device on its next frame, and whether it would record. */
  foresee(world: World, i: number): { readonly pauses: number; readonly persists: boolean } {
    const [frame] = this.down(world, i);
    if (frame === undefined || frame === END) return { pauses: 0, persists: false };
    return this.#moved(world, i, { kind: 'message', bytes: this.#frames.at(frame) }, `${frame}`);
  }

  /** The next frame of the coordinator, or the end of the connection, reaches device i. */
  deliverDown(world: World, i: number, interruption?: Interruption): void {
    const [frame = END, ...rest] = this.down(world, i);
    this.#putList(world, i, DOWN, rest);
    if (frame === END) return this.#disconnect(world, i, []);
    const event: DeviceEvent = { kind: 'message', bytes: this.#frames.at(frame) };
    const key = `${frame}/${interruption?.pause ?? 0}/${interruption?.with ?? ''}`;
    if (interruption?.with === 'disconnected') this.#breakOff(world, i, []);
    this.#move(world, i, event, key, interruption);
  }

  /** The next frame of device i reaches the coordinator. */
  deliverUp(world: World, i: number): void {
    const [frame = END, ...rest] = this.up(world, i);
    this.#putList(world, i, UP, rest);
    this.#arrive(world, this.#part(world, i, CONNECTION), frame);
  }

  /** What is left on an earlier connection of device i reaches the coordinator. */
  deliverGone(world: World, i: number): void {
    const [item = 0, ...rest] = this.gone(world, i);
    this.#putList(world, i, GONE, rest);
    this.#arrive(world, Math.floor(item / FRAMES), item % FRAMES);
  }

  /** The connection breaks: what is on its way is lost, or what goes up still arrives. */
  lose(world: World, i: number, keepsUp: boolean): void {
    this.#disconnect(world, i, keepsUp ? this.up(world, i) : []);
  }

  /** The device is gone for good. What it has sent still arrives; its end is noticed, or is not. */
  crash(world: World, i: number, isNoticed: boolean): void {
    const frames = this.up(world, i);
    if (this.isLive(world, i)) this.#breakOff(world, i, frames, isNoticed);
    this.#put(world, i, NODE, this.#interner(i).id(crash(this.device(world, i))));
  }

  connect(world: World, i: number): void {
    const connection = this.#part(world, i, CONNECTION) + this.devices;
    this.#put(world, i, CONNECTION, connection);
    this.#put(world, i, IS_LIVE, 1);
    this.#coordinate(world, { kind: 'connect', connection }, `connect ${connection}`);
  }

  /** Something that happens to the device and is no frame. */
  tell(world: World, i: number, kind: 'deadline' | 'unreachable'): void {
    this.#move(world, i, { kind }, kind);
  }

  tellCoordinator(world: World, event: HostEvent, key: string): void {
    this.#coordinate(world, event, key);
  }

  /** @param at - where the copy goes: behind its original, or at the end. */
  duplicate(world: World, i: number, direction: 'up' | 'down', at: 'next' | 'last'): void {
    const list = direction === 'up' ? UP : DOWN;
    const frames = this.#list(world, i, list).slice();
    const [first = END] = frames;
    const isEnded = frames.at(-1) === END;
    frames.splice(at === 'next' ? 1 : frames.length - Number(isEnded), 0, first);
    this.#putList(world, i, list, frames);
  }

  /** Puts a frame of an attacker's making in the place of the next one, or before it. */
  inject(world: World, i: number, bytes: Uint8Array, replaces: boolean): void {
    const frames = this.down(world, i);
    const id = this.#frames.id(bytes);
    this.#putList(world, i, DOWN, [id, ...(replaces ? frames.slice(1) : frames)]);
  }

  /** The registrar takes request number `at`; an answer that nobody awaits is lost. */
  registrarAnswers(world: World, at: number): void {
    const links = [...this.links(world)];
    const [link] = links.splice(at, 1);
    if (link === undefined) return;
    const response = this.#ask(world, link.request);
    if (link.isAwaited) links.push({ ...link, response });
    this.#putLinks(world, links);
  }

  /** An attacker with the coordinator's key asks too. */
  askAside(world: World, request: UnsignedRequest): RegistrarResponse {
    return this.#responses.at(this.#ask(world, this.#requests.id(request)));
  }

  /** Answer number `at` reaches the coordinator. */
  deliverAnswer(world: World, at: number): void {
    const links = [...this.links(world)];
    const [link] = links.splice(at, 1);
    if (link === undefined) return;
    this.#putLinks(world, links);
    const response = this.#responses.at(link.response);
    this.#coordinate(world, { kind: 'answered', response }, `answered ${link.response}`);
  }

  /** The answer is lost: the host asks again. */
  loseAnswer(world: World, at: number): void {
    const links = this.links(world).map((link, i) => (i === at ? { ...link, response: -1 } : link));
    this.#putLinks(world, links);
  }

  /** The host gives up; the request is lost, or still arrives some time. */
  giveUp(world: World, at: number, isLost: boolean): void {
    const links = this.links(world).flatMap((link, i) =>
      i !== at ? [link] : isLost ? [] : [{ ...link, isAwaited: false }],
    );
    this.#putLinks(world, links);
    const response = {
      kind: 'refused',
      code: 'registrar-unavailable',
      detail: 'no answer came',
      members: [],
    } as const;
    this.#coordinate(world, { kind: 'answered', response }, 'unavailable');
  }

  newIncarnation(world: World): void {
    const node = beginIncarnation(this.setup, this.registrar(world), this.#nowMs(world));
    world[REGISTRAR] = this.#registrarNodes.id(node);
  }

  #ask(world: World, request: number): number {
    const key = `${world[REGISTRAR]}/${world[CLOCK]}/${request}`;
    let answer = this.#answers.get(key);
    if (answer === undefined) {
      const unsigned = this.#requests.at(request);
      const asked = askRegistrar(this.setup, this.registrar(world), unsigned, this.#nowMs(world));
      answer = [this.#registrarNodes.id(asked.node), this.#responses.id(asked.response)];
      this.#answers.set(key, answer);
    }
    world[REGISTRAR] = answer[0];
    return answer[1];
  }

  #arrive(world: World, connection: number, frame: number): void {
    if (frame === END) {
      const event = { kind: 'left', device: connection, code: 'connection-lost' } as const;
      return this.#coordinate(world, event, `left ${connection}`);
    }
    const bytes = this.#frames.at(frame);
    this.#coordinate(world, { kind: 'frame', connection, bytes }, `frame ${connection} ${frame}`);
  }

  #disconnect(world: World, i: number, kept: readonly number[]): void {
    this.#breakOff(world, i, kept);
    this.#move(world, i, { kind: 'disconnected' }, 'disconnected');
  }

  /** Nothing more passes over the connection but what is `kept`, and then its end. */
  #breakOff(world: World, i: number, kept: readonly number[], isNoticed = true): void {
    const connection = this.#part(world, i, CONNECTION);
    const left = [...kept, ...(isNoticed ? [END] : [])];
    const gone = [...this.gone(world, i), ...left.map((frame) => connection * FRAMES + frame)];
    this.#putList(world, i, GONE, gone);
    this.#putList(world, i, UP, []);
    this.#putList(world, i, DOWN, []);
    this.#put(world, i, IS_LIVE, 0);
    this.#forgetClosed(world);
  }

  #move(
    world: World,
    i: number,
    event: DeviceEvent,
    key: string,
    interruption?: Interruption,
  ): void {
    const moved = this.#moved(world, i, event, key, interruption);
    this.#put(world, i, NODE, moved.node);
    if (this.isLive(world, i)) {
      this.#putList(world, i, UP, [...this.up(world, i), ...moved.sent]);
      if (moved.isClosed) this.#breakOff(world, i, this.up(world, i));
    }
    this.#forgetClosed(world);
  }

  #moved(
    world: World,
    i: number,
    event: DeviceEvent,
    key: string,
    interruption?: Interruption,
  ): DeviceStep {
    const full = `${i}/${this.#part(world, i, NODE)}/${world[CLOCK]}/${key}`;
    const known = this.#deviceMoves.get(full);
    if (known !== undefined) return known;
    const node = this.device(world, i);
    const move = moveDevice(this.setup, i, node, event, this.#nowMs(world), interruption);
    const step = {
      node: this.#interner(i).id(move.node),
      sent: move.sent.map((bytes) => this.#frames.id(bytes)),
      isClosed: move.isClosed,
      pauses: move.pauses,
      persists: move.persists,
    };
    this.#deviceMoves.set(full, step);
    return step;
  }

  #coordinate(world: World, event: HostEvent, key: string): void {
    const full = `${world[COORDINATOR]}/${world[CLOCK]}/${key}`;
    let step = this.#coordinatorMoves.get(full);
    if (step === undefined) {
      const nowMs = this.#nowMs(world);
      const move = moveCoordinator(this.setup, this.coordinator(world), event, nowMs);
      step = {
        node: this.#coordinatorNodes.id(move.node),
        sent: move.sent.map(({ connection, bytes }) => [connection, this.#frames.id(bytes)]),
        closed: move.closed,
        asked: move.asked.map((request) => this.#requests.id(request)),
      };
      this.#coordinatorMoves.set(full, step);
    }
    world[COORDINATOR] = step.node;
    for (const [connection, frame] of step.sent) this.#sendDown(world, connection, frame);
    for (const connection of step.closed) this.#sendDown(world, connection, END);
    if (step.asked.length > 0) {
      const asked = step.asked.map((request) => {
        const isAwaited = this.#requests.at(request).kind !== 'close';
        return { request, isAwaited, response: -1 };
      });
      this.#putLinks(world, [...this.links(world), ...asked]);
    }
    this.#forgetClosed(world);
  }

  #sendDown(world: World, connection: number, frame: number): void {
    const i = connection % this.devices;
    const isPresent = this.isLive(world, i) && this.#part(world, i, CONNECTION) === connection;
    if (isPresent) this.#putList(world, i, DOWN, [...this.down(world, i), frame]);
  }

  /** What goes up on a connection that the coordinator has closed reaches nobody. */
  #forgetClosed(world: World): void {
    const { connections } = this.coordinator(world);
    for (let i = 0; i < this.devices; i++) {
      if (this.up(world, i).length > 0 && !connections.has(this.#part(world, i, CONNECTION))) {
        this.#putList(world, i, UP, []);
      }
      const gone = this.gone(world, i);
      if (gone.length === 0) continue;
      const heard = gone.filter((item) => connections.has(Math.floor(item / FRAMES)));
      if (heard.length < gone.length) this.#putList(world, i, GONE, heard);
    }
  }

  #putLinks(world: World, links: readonly Link[]): void {
    const ids = links.map((link) => this.#links.id(link));
    world[LINKS] = this.#lists.id(ids.sort((a, b) => a - b));
  }

  #nowMs(world: World): number {
    return this.setup.clocks[world[CLOCK] ?? 0] ?? Number.NaN;
  }

  #interner(i: number): Interner<DeviceNode> {
    const interner = this.#deviceNodes[i];
    if (interner === undefined) throw new RangeError(`no device ${i}`);
    return interner;
  }

  #list(world: World, i: number, part: number): readonly number[] {
    return this.#lists.at(this.#part(world, i, part));
  }

  #putList(world: World, i: number, part: number, list: readonly number[]): void {
    this.#put(world, i, part, this.#lists.id(list));
  }

  #part(world: World, i: number, part: number): number {
    return world[FIXED + i * PER_DEVICE + part] ?? -1;
  }

  #put(world: World, i: number, part: number, value: number): void {
    world[FIXED + i * PER_DEVICE + part] = value;
  }
}

/** Whether the device is finished or dead. */
export function isDeviceOver(worlds: Worlds, world: World, i: number): boolean {
  return isOver(worlds.device(world, i));
}
