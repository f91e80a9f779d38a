/**
 * ChaCha20 (RFC 8439, zero nonce) added into u32 lanes as it is made. Four blocks are a quad: word i
 * of all four is one vector, so that rounds need no shuffles. Two quads at a time, since one is a chain
 * of dependent steps that leaves half of the processor idle.
 * Knows: lanes, states, signs, as addresses. Doesn't know: how long they stay (../src/simd-kernel.ts).
 * Invariant: no branch and no address depends on a key, a lane or the stream.
 */

/** Bytes of a state: 4 words of constant, 8 of key, counter (kept 0 here), nonce. */
const STATE_BYTES: usize = 64;
const BLOCK_BYTES: usize = 64;
const QUAD_BYTES: usize = 4 * BLOCK_BYTES;

/**
 * Adds or subtracts the streams of `count` keys, from block `counter` on, to `quads` quads of lanes.
 *
 * @param lanes - one more quad must be there when both `count` and `quads` are odd; it is spoilt.
 * @param states - STATE_BYTES for each key.
 * @param flips - one i32 for each key: 0 to add, −1 to subtract.
 * @param scratch - two quads, which hold key stream afterwards.
 */
export function addStreams(
  lanes: usize,
  quads: u32,
  states: usize,
  flips: usize,
  count: u32,
  counter: u32,
  scratch: usize,
): void {
  const end = lanes + QUAD_BYTES * quads;
  for (; count >= 2; count -= 2) {
    const flipA = load<i32>(flips);
    const flipB = load<i32>(flips, 4);
    const other = states + STATE_BYTES;
    let block = counter;
    for (let at = lanes; at < end; at += QUAD_BYTES) {
      addTwoQuads(at, states, flipA, block, at, other, flipB, block, scratch);
      block += 4;
    }
    states += 2 * STATE_BYTES;
    flips += 8;
  }
  if (count === 0) return;
  const flip = load<i32>(flips);
  for (let at = lanes; at < end; at += 2 * QUAD_BYTES) {
    addTwoQuads(at, states, flip, counter, at + QUAD_BYTES, states, flip, counter + 4, scratch);
    counter += 8;
  }
}

/** One quad at `atA`, then one at `atB`, which may be the same place. */
function addTwoQuads(
  atA: usize,
  stateA: usize,
  flipA: i32,
  counterA: u32,
  atB: usize,
  stateB: usize,
  flipB: i32,
  counterB: u32,
  scratch: usize,
): void {
  const countersA = i32x4.add(i32x4.splat(counterA), i32x4(0, 1, 2, 3));
  const countersB = i32x4.add(i32x4.splat(counterB), i32x4(0, 1, 2, 3));
  let a0 = word(stateA, 0);
  let a1 = word(stateA, 1);
  let a2 = word(stateA, 2);
  let a3 = word(stateA, 3);
  let a4 = word(stateA, 4);
  let a5 = word(stateA, 5);
  let a6 = word(stateA, 6);
  let a7 = word(stateA, 7);
  let a8 = word(stateA, 8);
  let a9 = word(stateA, 9);
  let a10 = word(stateA, 10);
  let a11 = word(stateA, 11);
  let a12 = countersA;
  let a13 = word(stateA, 13);
  let a14 = word(stateA, 14);
  let a15 = word(stateA, 15);
  let b0 = word(stateB, 0);
  let b1 = word(stateB, 1);
  let b2 = word(stateB, 2);
  let b3 = word(stateB, 3);
  let b4 = word(stateB, 4);
  let b5 = word(stateB, 5);
  let b6 = word(stateB, 6);
  let b7 = word(stateB, 7);
  let b8 = word(stateB, 8);
  let b9 = word(stateB, 9);
  let b10 = word(stateB, 10);
  let b11 = word(stateB, 11);
  let b12 = countersB;
  let b13 = word(stateB, 13);
  let b14 = word(stateB, 14);
  let b15 = word(stateB, 15);
  for (let round = 0; round < 10; round++) {
    // Columns of a.
    a0 = i32x4.add(a0, a4);
    a1 = i32x4.add(a1, a5);
    a2 = i32x4.add(a2, a6);
    a3 = i32x4.add(a3, a7);
    a12 = rotate16(v128.xor(a12, a0));
    a13 = rotate16(v128.xor(a13, a1));
    a14 = rotate16(v128.xor(a14, a2));
    a15 = rotate16(v128.xor(a15, a3));
    a8 = i32x4.add(a8, a12);
    a9 = i32x4.add(a9, a13);
    a10 = i32x4.add(a10, a14);
    a11 = i32x4.add(a11, a15);
    a4 = rotate12(v128.xor(a4, a8));
    a5 = rotate12(v128.xor(a5, a9));
    a6 = rotate12(v128.xor(a6, a10));
    a7 = rotate12(v128.xor(a7, a11));
    a0 = i32x4.add(a0, a4);
    a1 = i32x4.add(a1, a5);
    a2 = i32x4.add(a2, a6);
    a3 = i32x4.add(a3, a7);
    a12 = rotate8(v128.xor(a12, a0));
    a13 = rotate8(v128.xor(a13, a1));
    a14 = rotate8(v128.xor(a14, a2));
    a15 = rotate8(v128.xor(a15, a3));
    a8 = i32x4.add(a8, a12);
    a9 = i32x4.add(a9, a13);
    a10 = i32x4.add(a10, a14);
    a11 = i32x4.add(a11, a15);
    a4 = rotate7(v128.xor(a4, a8));
    a5 = rotate7(v128.xor(a5, a9));
    a6 = rotate7(v128.xor(a6, a10));
    a7 = rotate7(v128.xor(a7, a11));
    // Columns of b.
    b0 = i32x4.add(b0, b4);
    b1 = i32x4.add(b1, b5);
    b2 = i32x4.add(b2, b6);
    b3 = i32x4.add(b3, b7);
    b12 = rotate16(v128.xor(b12, b0));
    b13 = rotate16(v128.xor(b13, b1));
    b14 = rotate16(v128.xor(b14, b2));
    b15 = rotate16(v128.xor(b15, b3));
    b8 = i32x4.add(b8, b12);
    b9 = i32x4.add(b9, b13);
    b10 = i32x4.add(b10, b14);
    b11 = i32x4.add(b11, b15);
    b4 = rotate12(v128.xor(b4, b8));
    b5 = rotate12(v128.xor(b5, b9));
    b6 = rotate12(v128.xor(b6, b10));
    b7 = rotate12(v128.xor(b7, b11));
    b0 = i32x4.add(b0, b4);
    b1 = i32x4.add(b1, b5);
    b2 = i32x4.add(b2, b6);
    b3 = i32x4.add(b3, b7);
    b12 = rotate8(v128.xor(b12, b0));
    b13 = rotate8(v128.xor(b13, b1));
    b14 = rotate8(v128.xor(b14, b2));
    b15 = rotate8(v128.xor(b15, b3));
    b8 = i32x4.add(b8, b12);
    b9 = i32x4.add(b9, b13);
    b10 = i32x4.add(b10, b14);
    b11 = i32x4.add(b11, b15);
    b4 = rotate7(v128.xor(b4, b8));
    b5 = rotate7(v128.xor(b5, b9));
    b6 = rotate7(v128.xor(b6, b10));
    b7 = rotate7(v128.xor(b7, b11));
    // Diagonals of a.
    a0 = i32x4.add(a0, a5);
    a1 = i32x4.add(a1, a6);
    a2 = i32x4.add(a2, a7);
    a3 = i32x4.add(a3, a4);
    a15 = rotate16(v128.xor(a15, a0));
    a12 = rotate16(v128.xor(a12, a1));
    a13 = rotate16(v128.xor(a13, a2));
    a14 = rotate16(v128.xor(a14, a3));
    a10 = i32x4.add(a10, a15);
    a11 = i32x4.add(a11, a12);
    a8 = i32x4.add(a8, a13);
    a9 = i32x4.add(a9, a14);
    a5 = rotate12(v128.xor(a5, a10));
    a6 = rotate12(v128.xor(a6, a11));
    a7 = rotate12(v128.xor(a7, a8));
    a4 = rotate12(v128.xor(a4, a9));
    a0 = i32x4.add(a0, a5);
    a1 = i32x4.add(a1, a6);
    a2 = i32x4.add(a2, a7);
    a3 = i32x4.add(a3, a4);
    a15 = rotate8(v128.xor(a15, a0));
    a12 = rotate8(v128.xor(a12, a1));
    a13 = rotate8(v128.xor(a13, a2));
    a14 = rotate8(v128.xor(a14, a3));
    a10 = i32x4.add(a10, a15);
    a11 = i32x4.add(a11, a12);
    a8 = i32x4.add(a8, a13);
    a9 = i32x4.add(a9, a14);
    a5 = rotate7(v128.xor(a5, a10));
    a6 = rotate7(v128.xor(a6, a11));
    a7 = rotate7(v128.xor(a7, a8));
    a4 = rotate7(v128.xor(a4, a9));
    // Diagonals of b.
    b0 = i32x4.add(b0, b5);
    b1 = i32x4.add(b1, b6);
    b2 = i32x4.add(b2, b7);
    b3 = i32x4.add(b3, b4);
    b15 = rotate16(v128.xor(b15, b0));
    b12 = rotate16(v128.xor(b12, b1));
    b13 = rotate16(v128.xor(b13, b2));
    b14 = rotate16(v128.xor(b14, b3));
    b10 = i32x4.add(b10, b15);
    b11 = i32x4.add(b11, b12);
    b8 = i32x4.add(b8, b13);
    b9 = i32x4.add(b9, b14);
    b5 = rotate12(v128.xor(b5, b10));
    b6 = rotate12(v128.xor(b6, b11));
    b7 = rotate12(v128.xor(b7, b8));
    b4 = rotate12(v128.xor(b4, b9));
    b0 = i32x4.add(b0, b5);
    b1 = i32x4.add(b1, b6);
    b2 = i32x4.add(b2, b7);
    b3 = i32x4.add(b3, b4);
    b15 = rotate8(v128.xor(b15, b0));
    b12 = rotate8(v128.xor(b12, b1));
    b13 = rotate8(v128.xor(b13, b2));
    b14 = rotate8(v128.xor(b14, b3));
    b10 = i32x4.add(b10, b15);
    b11 = i32x4.add(b11, b12);
    b8 = i32x4.add(b8, b13);
    b9 = i32x4.add(b9, b14);
    b5 = rotate7(v128.xor(b5, b10));
    b6 = rotate7(v128.xor(b6, b11));
    b7 = rotate7(v128.xor(b7, b8));
    b4 = rotate7(v128.xor(b4, b9));
  }
  // Through memory, because one small loop then serves both quads and all their words.
  v128.store(scratch, a0);
  v128.store(scratch, a1, 16);
  v128.store(scratch, a2, 32);
  v128.store(scratch, a3, 48);
  v128.store(scratch, a4, 64);
  v128.store(scratch, a5, 80);
  v128.store(scratch, a6, 96);
  v128.store(scratch, a7, 112);
  v128.store(scratch, a8, 128);
  v128.store(scratch, a9, 144);
  v128.store(scratch, a10, 160);
  v128.store(scratch, a11, 176);
  v128.store(scratch, i32x4.add(a12, countersA), 192);
  v128.store(scratch, a13, 208);
  v128.store(scratch, a14, 224);
  v128.store(scratch, a15, 240);
  v128.store(scratch, b0, 256);
  v128.store(scratch, b1, 272);
  v128.store(scratch, b2, 288);
  v128.store(scratch, b3, 304);
  v128.store(scratch, b4, 320);
  v128.store(scratch, b5, 336);
  v128.store(scratch, b6, 352);
  v128.store(scratch, b7, 368);
  v128.store(scratch, b8, 384);
  v128.store(scratch, b9, 400);
  v128.store(scratch, b10, 416);
  v128.store(scratch, b11, 432);
  v128.store(scratch, i32x4.add(b12, countersB), 448);
  v128.store(scratch, b13, 464);
  v128.store(scratch, b14, 480);
  v128.store(scratch, b15, 496);
  addQuad(scratch, stateA, atA, flipA);
  addQuad(scratch + QUAD_BYTES, stateB, atB, flipB);
}

/** Adds the state to what the rounds made of it, as the cipher does, and the sum to four blocks. */
function addQuad(vectors: usize, state: usize, at: usize, flip: i32): void {
  const flips = i32x4.splat(flip);
  for (const end = state + STATE_BYTES; state < end; state += 16) {
    const w0 = i32x4.add(v128.load(vectors), v128.load_splat<u32>(state));
    const w1 = i32x4.add(v128.load(vectors, 16), v128.load_splat<u32>(state, 4));
    const w2 = i32x4.add(v128.load(vectors, 32), v128.load_splat<u32>(state, 8));
    const w3 = i32x4.add(v128.load(vectors, 48), v128.load_splat<u32>(state, 12));
    const low01 = v128.shuffle<u32>(w0, w1, 0, 4, 1, 5);
    const high01 = v128.shuffle<u32>(w0, w1, 2, 6, 3, 7);
    const low23 = v128.shuffle<u32>(w2, w3, 0, 4, 1, 5);
    const high23 = v128.shuffle<u32>(w2, w3, 2, 6, 3, 7);
    addVector(at, v128.shuffle<u64>(low01, low23, 0, 2), flips);
    addVector(at + BLOCK_BYTES, v128.shuffle<u64>(low01, low23, 1, 3), flips);
    addVector(at + 2 * BLOCK_BYTES, v128.shuffle<u64>(high01, high23, 0, 2), flips);
    addVector(at + 3 * BLOCK_BYTES, v128.shuffle<u64>(high01, high23, 1, 3), flips);
    vectors += 64;
    at += 16;
  }
}

/** Adds `stream`, or its negative where `flips` is all ones: −s = (s ^ ~0) − ~0. */
function addVector(at: usize, stream: v128, flips: v128): void {
  v128.store(at, i32x4.add(v128.load(at), i32x4.sub(v128.xor(stream, flips), flips)));
}

function word(state: usize, index: usize): v128 {
  return v128.load_splat<u32>(state + 4 * index);
}

// A swizzle by a constant is one instruction, where V8 sets the pattern of a shuffle up every time.
function rotate16(x: v128): v128 {
  return v128.swizzle(x, i8x16(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
}

function rotate12(x: v128): v128 {
  return v128.or(i32x4.shl(x, 12), i32x4.shr_u(x, 20));
}

function rotate8(x: v128): v128 {
  return v128.swizzle(x, i8x16(3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14));
}

function rotate7(x: v128): v128 {
  return v128.or(i32x4.shl(x, 7), i32x4.shr_u(x, 25));
}
