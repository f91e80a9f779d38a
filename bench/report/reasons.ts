/** Why a target is missed where it is missed, by bench and figure. Nothing here says that it is missed. */

/** Of runs that measured in one process; passes are processes of their own since. */
const SPILLED =
  'V8 lays out code and stack frames anew in each process. Where vectors that it spills lie across ' +
  'cache lines, every call of that process costs half as much again. Medians over several processes ' +
  'are in research.md.';

export const REASONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  kernel: {
    '256 B stream, kernel against noble':
      'A quarter round of ChaCha20 is a chain of SIMD operations that depend on each other, and as V8 ' +
      'compiles them each takes two cycles. To hide that, several blocks have to be in flight at once, ' +
      'but with four of them V8 runs out of registers and spills. The wider registers of AVX2 and ' +
      'AVX-512 cannot be reached from WebAssembly, whose vectors have 128 bits. What would be needed: ' +
      'registers for 32 vectors, or vectors of 256 bits. ' +
      SPILLED,
    '65536 B stream, kernel against noble': SPILLED,
  },
  'coordinator-round': {
    'coordinator against bare ws replay':
      'Profiled after eight rounds (research.md has the figures), both servers spend two thirds of ' +
      'the bare time on the same two things: a signature check for each device, and system calls ' +
      'that write to sockets. What the coordinator adds is spread thin: opening the sum in worker ' +
      'threads (a commitment, two tags and one HKDF for each mask that is taken off), collecting garbage, ' +
      'half of it in threads of V8, encoding and decoding, digests for resuming, adding vectors. None ' +
      'is above a seventh of the bare time. What would be needed: batch verification of ' +
      'Ed25519, which node:crypto does not have, and hashing the tags of a device in one call.',
  },
};
