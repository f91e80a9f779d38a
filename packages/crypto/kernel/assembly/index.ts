/** What the kernel's module exports, besides its one page of memory. */
export { addStreams } from './chacha20';
export { addPowers, evaluate } from './gf65536';
