/** Why a target is missed where it is missed, by bench and figure. Nothing here says that it is missed. */

export const REASONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  kernel: {
    '256 B stream, kernel against noble':
      'A quarter round of ChaCha20 is a chain of SIMD operations that depend on each other, and as V8 ' +
      'compiles them each takes two cycles. To hide that, several blocks have to be in flight at once, ' +
      'but with four of them V8 runs out of registers and spills. The wider registers of AVX2 and ' +
      'AVX-512 cannot be reached from WebAssembly, whose vectors have 128 bits.',
  },
};
