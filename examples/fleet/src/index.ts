/** @onlysum/fleet: a fleet of real devices on real input. */
export { runDemo } from './demo.js';
export type { DemoOptions } from './options.js';
