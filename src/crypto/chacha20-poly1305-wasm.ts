/**
 * The AEAD of RFC 8439 §2.8 in WebAssembly, for the messages that most are: both ChaCha20 blocks of a short one at once, a row of a
 * block in a vector of four words (RFC 8439 §2.3), and Poly1305 in five limbs of 26 bits. A share's header and payload take 0.8 µs to
 * open or seal where JavaScript takes 1.5. The module is put together here.
 *
 * Constant time for a length: additions, exclusive-ors, rotations by fixed counts and multiplications of integers; branches and
 * addresses depend on lengths alone.
 */
import {
  below,
  fold,
  get,
  i32Add,
  i32And,
  int,
  long,
  longLoad,
  longStore,
  set,
  vector,
  vectorLoad,
  vectorOf,
  vectorStore,
  vectorXor,
  whileLoop,
  wordsAdd,
} from './wasm-instructions.js';
import { i32, i64, instantiateWasm, unsigned, v128 } from './wasm-module.js';

/** The longest text it takes, in bytes; it stays in the one page of memory with all else. */
export const longestText = 4096;

/** Where things are in memory, in bytes: what JavaScript writes and reads, then what is of the call under way alone. */
export const at = { key: 0, nonce: 32, tag: 48, text: 256 } as const;
const keystream = 64;
const oneTimeKey = 192;

/** The module, and its memory: bytes alone, so that the order of bytes in the machine does not matter. */
export interface AeadWasm {
  readonly bytes: Uint8Array;
  /**
   * Encrypts the text where it is, and writes its tag; overwrites the key. The word before the 12 bytes of the nonce is to be 0.
   * @param length of the text, at most {@link longestText}
   */
  seal(length: number): void;
  /** Decrypts the text where it is, and writes the tag that it should have; overwrites the key. */
  open(length: number): void;
}

/**
 * Compiles the module.
 * @throws WebAssembly.CompileError where there are no vectors, or the policy of a page forbids WebAssembly
 */
export function aeadWasm(): AeadWasm {
  const { memory, seal, open } = instantiateWasm([
    {
      name: 'blocks',
      parameters: 1,
      locals: [
        [9, v128],
        [1, i32],
      ],
      body: blocksBody(),
    },
    {
      name: 'authenticate',
      parameters: 1,
      locals: [
        [24, i64],
        [1, i32],
      ],
      body: authenticateBody(),
    },
    { name: 'encrypt', parameters: 1, locals: [[3, i32]], body: encryptBody() },
    { name: 'clearTail', parameters: 1, body: clearTailBody() },
    { name: 'begin', parameters: 0, body: beginBody() },
    { name: 'forget', parameters: 0, body: forgetBody() },
    { name: 'seal', parameters: 1, body: inOrder('begin', 'encrypt', 'clearTail', 'authenticate', 'forget') },
    {
      name: 'open',
      parameters: 1,
      body: inOrder('begin', 'clearTail', 'authenticate', 'encrypt', 'clearTail', 'forget'),
    },
  ]) as {
    readonly memory: { readonly buffer: ArrayBuffer };
    seal(length: number): void;
    open(length: number): void;
  };
  return { bytes: new Uint8Array(memory.buffer), seal, open };
}

const functions = ['blocks', 'authenticate', 'encrypt', 'clearTail', 'begin', 'forget'] as const;

/** Calls of functions, with the length for those that take one. */
const inOrder = (...names: (typeof functions)[number][]): number[] =>
  names.flatMap((name) => [
    ...(name === 'begin' || name === 'forget' ? [] : get(0)),
    ...[0x10, functions.indexOf(name)],
  ]);

// ---- ChaCha20 ----

/** Words of the first row: "expand 32-byte k". */
const constants = vectorOf(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);

const shuffled = (local: number, lanes: readonly number[]): number[] => [
  ...[...get(local), ...get(local)],
  ...[...vector(0x0d), ...lanes],
  ...set(local),
];
const byWord = (lane: (byte: number) => number): number[] =>
  Array.from({ length: 16 }, (_, byte) => (byte & ~3) + lane(byte & 3));
/** Rotations of words by whole bytes move bytes. */
const rotated16 = byWord((byte) => (byte + 2) & 3);
const rotated8 = byWord((byte) => (byte + 3) & 3);
/** Moves the words of a row so many places to the front: columns become diagonals. */
const turned = (places: number): number[] =>
  Array.from({ length: 16 }, (_, byte) => (byte + 4 * places) & 15);
const rotated = (local: number, bits: number): number[] => [
  ...[...get(local), ...int(bits), ...vector(0xab)],
  ...[...get(local), ...int(32 - bits), ...vector(0xad)],
  ...[...vector(0x50), ...set(local)],
];

/** The rows of a block, as locals. */
type Rows = readonly [a: number, b: number, c: number, d: number];

const addTo = (local: number, other: number): number[] => [
  ...[...get(local), ...get(other)],
  ...[...wordsAdd, ...set(local)],
];
const xorInto = (local: number, other: number): number[] => [
  ...[...get(local), ...get(other)],
  ...[...vectorXor, ...set(local)],
];

/** A quarter round on all four columns of each block; step by step in turns, so that none waits for itself. */
const quarterRounds = (blocks: readonly Rows[]): number[] => {
  const each = (step: (rows: Rows) => number[]): number[] => blocks.flatMap(step);
  return [
    ...each(([a, b, , d]) => [...addTo(a, b), ...xorInto(d, a), ...shuffled(d, rotated16)]),
    ...each(([, b, c, d]) => [...addTo(c, d), ...xorInto(b, c), ...rotated(b, 12)]),
    ...each(([a, b, , d]) => [...addTo(a, b), ...xorInto(d, a), ...shuffled(d, rotated8)]),
    ...each(([, b, c, d]) => [...addTo(c, d), ...xorInto(b, c), ...rotated(b, 7)]),
  ];
};

/** Parameter: a counter. Two blocks of keystream, of that counter and the next. */
function blocksBody(): number[] {
  const first: Rows = [1, 2, 3, 4];
  const second: Rows = [5, 6, 7, 8];
  const [given, rounds] = [9, 10];
  const blocks = [first, second];
  const turn = (places: number): number[] =>
    blocks.flatMap(([, b, c, d]) => [
      ...shuffled(b, turned(places)),
      ...shuffled(c, turned(2)),
      ...shuffled(d, turned(4 - places)),
    ]);
  const counted = (steps: number): number[] => [
    ...[...get(given), ...vectorOf(0, 0, 0, 0), ...get(0), ...int(steps)],
    ...[...i32Add, ...vector(0x1c), 0, ...wordsAdd],
  ];
  const rowsOf = (steps: number): number[][] => [
    constants,
    vectorLoad(int(0), at.key),
    vectorLoad(int(0), at.key + 16),
    counted(steps),
  ];
  return [
    ...[...vectorLoad(int(0), at.nonce), ...set(given)],
    ...blocks.flatMap((rows, index) =>
      rowsOf(index).flatMap((row, at) => [...row, ...set(rows[at] as number)]),
    ),
    ...[...int(10), ...set(rounds)],
    ...whileLoop(get(rounds), [
      ...quarterRounds(blocks),
      ...turn(1),
      ...quarterRounds(blocks),
      ...turn(3),
      ...[...get(rounds), ...int(-1), ...i32Add, ...set(rounds)],
    ]),
    ...blocks.flatMap((rows, index) =>
      rowsOf(index).flatMap((row, at) =>
        vectorStore(int(0), keystream + 64 * index + 16 * at, [
          ...get(rows[at] as number),
          ...row,
          ...wordsAdd,
        ]),
      ),
    ),
  ];
}

/** The first two blocks; half of block 0 is the one-time key (RFC 8439 §2.6). */
function beginBody(): number[] {
  return [
    ...[...int(0), 0x10, functions.indexOf('blocks')],
    ...[0, 16].flatMap((offset) =>
      vectorStore(int(0), oneTimeKey + offset, vectorLoad(int(0), keystream + offset)),
    ),
  ];
}

/** Parameter: the length. Exclusive or of the text and the keystream from block 1 on. */
function encryptBody(): number[] {
  const [place, key, counter] = [1, 2, 3];
  return [
    ...[...int(64), ...set(key)],
    ...whileLoop(below(place, get(0)), [
      ...[...get(key), ...int(128), 0x46, 0x04, 0x40],
      ...[...get(counter), ...int(2), ...i32Add, 0x22, counter, 0x10, functions.indexOf('blocks')],
      ...[...int(0), ...set(key), 0x0b],
      ...vectorStore(get(place), at.text, [
        ...vectorLoad(get(place), at.text),
        ...vectorLoad(get(key), keystream),
        ...vectorXor,
      ]),
      ...[...get(place), ...int(16), ...i32Add, ...set(place)],
      ...[...get(key), ...int(16), ...i32Add, ...set(key)],
    ]),
  ];
}

/** Parameter: the length, which it counts up. Zeros behind the text, up to a whole block (`pad16` of RFC 8439 §2.8.1). */
function clearTailBody(): number[] {
  return whileLoop(
    [...get(0), ...int(15), ...i32And],
    [...get(0), ...int(0), 0x3a, 0, ...unsigned(at.text), ...get(0), ...int(1), ...i32Add, ...set(0)],
  );
}

/** Overwrites the key, the keystream and the one-time key. */
function forgetBody(): number[] {
  const places = [...range(at.key, 32), ...range(keystream, 128), ...range(oneTimeKey, 32)];
  return places.flatMap((place) => vectorStore(int(0), place, vectorOf(0, 0, 0, 0)));
}

const range = (start: number, length: number): number[] =>
  Array.from({ length: length / 16 }, (_, index) => start + 16 * index);

// ---- Poly1305 ----

const mask = long(0x3ffffffn);

/** Limbs of 26 bits of the number of 128 bits at an address; what is above bit 128 is added to the last. */
const limbsAt = (
  address: readonly number[],
  offset: number,
  masks: readonly [bigint, bigint],
  low: number,
  high: number,
): { readonly load: number[]; readonly limbs: number[][] } => ({
  load: [
    ...[...fold('and', longLoad(address, offset), long(masks[0])), ...set(low)],
    ...[...fold('and', longLoad(address, offset + 8), long(masks[1])), ...set(high)],
  ],
  limbs: [
    fold('and', get(low), mask),
    fold('and', fold('shr', get(low), long(26n)), mask),
    fold('and', fold('or', fold('shr', get(low), long(52n)), fold('shl', get(high), long(12n))), mask),
    fold('and', fold('shr', get(high), long(14n)), mask),
    fold('shr', get(high), long(40n)),
  ],
});

/** Parameter: the length of the ciphertext behind which there are zeros. Writes its tag, for no associated data. */
function authenticateBody(): number[] {
  const locals = (first: number, count: number): number[] =>
    Array.from({ length: count }, (_, index) => first + index);
  const h = locals(1, 5);
  const r = locals(6, 5);
  const s = locals(11, 5); // 5r: 2^130 is congruent to 5
  const d = locals(16, 5);
  const [low, high, carry, , place] = locals(21, 5) as [number, number, number, number, number];
  const five = 5;
  const product = (limb: number): number[] =>
    fold(
      'add',
      ...h.map((factor, index) => {
        const other = limb - index;
        return fold('mul', get(factor), get((other >= 0 ? r[other] : s[other + five]) as number));
      }),
    );
  /** Moves what is above 26 bits from one local to the next, times something. */
  const carried = (from: number, to: number, times = 1n): number[] => [
    ...[...fold('shr', get(from), long(26n)), ...set(carry)],
    ...[...fold('and', get(from), mask), ...set(from)],
    ...[...fold('add', get(to), fold('mul', get(carry), long(times))), ...set(to)],
  ];
  const chain = (limbs: readonly number[]): number[] =>
    limbs.flatMap((limb, index) => carried(limb, limbs[(index + 1) % five] as number, index === 4 ? 5n : 1n));
  const end = [...get(0), ...int(15), ...i32Add, ...int(-16), ...i32And];
  const key = limbsAt(int(0), oneTimeKey, [0x0ffffffc0fffffffn, 0x0ffffffc0ffffffcn], low, high);
  const all = -1n;
  const block = limbsAt(get(place), at.text, [all, all], low, high);
  const g = d; // h + 5 - 2^130, which is the answer unless it is negative
  const taken = carry;
  return [
    // the lengths: no associated data, and this text
    ...longStore(end, at.text, long(0n)),
    ...longStore(end, at.text + 8, [...get(0), 0xad]),
    ...key.load,
    ...key.limbs.flatMap((limb, index) => [...limb, ...set(r[index] as number)]),
    ...r.flatMap((limb, index) => [...fold('mul', get(limb), long(5n)), ...set(s[index] as number)]),
    ...whileLoop(
      [...get(place), ...end, 0x4d],
      [
        ...block.load,
        ...block.limbs.flatMap((limb, index) => [
          ...fold('add', get(h[index] as number), index < 4 ? limb : fold('or', limb, long(1n << 24n))),
          ...set(h[index] as number),
        ]),
        ...d.flatMap((sum, index) => [...product(index), ...set(sum)]),
        ...d.flatMap((sum, index) => [...get(sum), ...set(h[index] as number)]),
        ...[...chain(h), ...carried(h[0] as number, h[1] as number)],
        ...[...get(place), ...int(16), ...i32Add, ...set(place)],
      ],
    ),
    ...[...chain(h), ...chain(h), ...carried(h[0] as number, h[1] as number)],
    ...[...fold('add', get(h[0] as number), long(5n)), ...set(g[0] as number)],
    ...g
      .slice(1)
      .flatMap((limb, index) => [
        ...fold('add', get(h[index + 1] as number), fold('shr', get(g[index] as number), long(26n))),
        ...[...set(limb), ...fold('and', get(g[index] as number), mask), ...set(g[index] as number)],
      ]),
    ...[...fold('sub', get(g[4] as number), long(1n << 26n)), ...set(g[4] as number)],
    ...[...fold('sar', get(g[4] as number), long(63n)), ...set(taken)], // all ones where h is the answer
    ...h.flatMap((limb, index) => [
      ...fold(
        'xor',
        get(g[index] as number),
        fold('and', fold('xor', get(limb), get(g[index] as number)), get(taken)),
      ),
      ...set(limb),
    ]),
    // (h + the second half of the key) mod 2^128
    ...fold(
      'or',
      get(h[0] as number),
      fold('shl', get(h[1] as number), long(26n)),
      fold('shl', get(h[2] as number), long(52n)),
    ),
    ...set(low),
    ...fold(
      'or',
      fold('shr', get(h[2] as number), long(12n)),
      fold('shl', get(h[3] as number), long(14n)),
      fold('shl', get(h[4] as number), long(40n)),
    ),
    ...set(high),
    ...[...longLoad(int(0), oneTimeKey + 16), ...set(d[0] as number)],
    ...[...fold('add', get(low), get(d[0] as number)), ...set(d[1] as number)],
    ...longStore(int(0), at.tag, get(d[1] as number)),
    // the carry, by bits and not by a comparison
    ...fold(
      'shr',
      fold(
        'or',
        fold('and', get(low), get(d[0] as number)),
        fold('and', fold('or', get(low), get(d[0] as number)), fold('xor', get(d[1] as number), long(-1n))),
      ),
      long(63n),
    ),
    ...set(carry),
    ...longStore(int(0), at.tag + 8, fold('add', get(high), longLoad(int(0), oneTimeKey + 24), get(carry))),
  ];
}
