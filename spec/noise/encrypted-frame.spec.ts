import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import {
  createFrameOpener,
  encryptedHeaderLength,
  encryptedLength,
  sealFrames,
  type FrameOpener,
} from '../../src/noise/index.js';
import { providers } from '../crypto/providers.js';
import { cipherPair, codeOf, plainFrame } from './fixtures.js';

/** Pushes chunks and returns the frames they complete, each with header and payload put together again. */
function open(opener: FrameOpener, ...chunks: readonly Uint8Array[]): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (const chunk of chunks) {
    opener.push(chunk, (header, payload) => frames.push(concat(header, payload)));
  }
  return frames;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** expect().toEqual is slow on large arrays. */
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

describe('the encrypted length', () => {
  test.each([
    [0, 0],
    [1, 17],
    [65_518, 65_534],
    [65_519, 65_535],
    [65_520, 65_535 + 17],
    [65_521, 65_535 + 18],
    [131_037, 65_535 + 65_534],
    [131_038, 2 * 65_535],
    [131_039, 2 * 65_535 + 17],
    [131_040, 2 * 65_535 + 18],
    [0xff_ffff, 16_777_215 + 257 * 16],
  ])('of %i bytes is %i', (plaintext, ciphertext) => {
    expect(encryptedLength(plaintext)).toBe(ciphertext);
  });

  it('is that of the formula in §4.6', () => {
    fc.assert(
      fc.property(fc.nat(0xff_ffff), (length) => {
        const remainder = length % 65_519;
        const expected = Math.floor(length / 65_519) * 65_535 + (remainder > 0 ? remainder + 16 : 0);
        expect(encryptedLength(length)).toBe(expected);
      }),
      { seed: 42, numRuns: 500 },
    );
  });
});

describe.each(providers)('encrypted frames with %s', (_, crypto) => {
  test.each([0, 1, 24, 65_518, 65_519, 65_520, 65_521, 131_037, 131_038, 131_039, 131_040])(
    'of %i bytes are opened again, whole and in two pieces',
    (length) => {
      const [sender, receiver] = cipherPair(crypto);
      const opener = createFrameOpener(receiver);
      const frame = plainFrame(length);
      const sealed = sealFrames(sender, frame);
      expect(sealed).toHaveLength(encryptedHeaderLength + encryptedLength(length));
      const [opened] = open(opener, sealed);
      expect(same(opened!, frame)).toBe(true);
      const again = sealFrames(sender, frame);
      const cut = Math.floor(again.length / 2);
      const [reopened] = open(opener, again.subarray(0, cut), again.subarray(cut));
      expect(same(reopened!, frame)).toBe(true);
      expect(sender.nonce).toBe(BigInt(2 + 2 * Math.ceil(length / 65_519)));
      expect(opener.pending).toBe(0);
    },
  );

  it('are the same however the bytes are cut', () => {
    const lengths = fc.array(fc.oneof(fc.nat(60), fc.constantFrom(0, 1, 2000, 65_519, 65_540)), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(
        lengths,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
        (lengths, cuts) => {
          const [sender, receiver] = cipherPair(crypto);
          const frames = lengths.map(plainFrame);
          const sealed = sealFrames(sender, concat(...frames));
          const offsets = cuts.map((cut) => Math.floor(cut * sealed.length)).sort((a, b) => a - b);
          const bounds = [0, ...offsets, sealed.length];
          const chunks = bounds.slice(1).map((end, i) => sealed.slice(bounds[i], end));
          const opened = open(createFrameOpener(receiver), ...chunks);
          expect(opened).toHaveLength(frames.length);
          expect(opened.every((frame, i) => same(frame, frames[i]!))).toBe(true);
        },
      ),
      { seed: 42, numRuns: 40 },
    );
  });

  it('arrive one byte at a time', () => {
    const [sender, receiver] = cipherPair(crypto);
    const frames = [0, 1, 50, 0, 7].map(plainFrame);
    const sealed = sealFrames(sender, concat(...frames));
    expect(open(createFrameOpener(receiver), ...Array.from(sealed, (byte) => Uint8Array.of(byte)))).toEqual(
      frames,
    );
  });

  it('cannot be changed in any byte, and what follows a change is refused too', () => {
    const first = plainFrame(3);
    for (let i = 0; i < 22 + 40 + 16; i++) {
      const [sender, receiver] = cipherPair(crypto);
      const before = sealFrames(sender, first);
      const sealed = sealFrames(sender, plainFrame(40));
      sealed[i]! ^= 1 << (i & 7);
      const opener = createFrameOpener(receiver);
      const opened: Uint8Array[] = [];
      const push = (chunk: Uint8Array) =>
        codeOf(() => opener.push(chunk, (header, payload) => opened.push(concat(header, payload))));
      const failed = 'frame-authentication-failed';
      expect(push(concat(before, sealed))).toBe(failed);
      expect(opened).toEqual([first]);
      sealed[i]! ^= 1 << (i & 7);
      expect(push(sealed)).toBe(failed);
      expect(push(sealFrames(sender, first))).toBe(failed);
      expect(opened).toEqual([first]);
      expect(opener.pending).toBe(0);
    }
  });

  test.each([22, 22 + 65_534, 22 + 65_535, 22 + 65_535 + 500, 22 + 65_535 + 1000 + 15])(
    'release nothing of a large frame when byte %i is flipped',
    (i) => {
      const [sender, receiver] = cipherPair(crypto);
      const sealed = sealFrames(sender, plainFrame(65_519 + 1000));
      sealed[i]! ^= 0x10;
      for (const size of [sealed.length, 1000]) {
        const opener = createFrameOpener(size === 1000 ? cipherPair(crypto)[1] : receiver);
        const push = () => {
          for (let offset = 0; offset < sealed.length; offset += size) {
            opener.push(sealed.subarray(offset, offset + size), () => expect('a frame').toBe('withheld'));
          }
        };
        expect(codeOf(push)).toBe('frame-authentication-failed');
      }
    },
  );

  it('cannot be reordered, repeated or left out', () => {
    const [sender] = cipherPair(crypto);
    const [a, b, c] = [0, 1, 2].map((seed) => sealFrames(sender, plainFrame(10, seed))) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    for (const wrong of [[b], [a, a], [a, c]]) {
      const opener = createFrameOpener(cipherPair(crypto)[1]);
      expect(codeOf(() => open(opener, ...wrong))).toBe('frame-authentication-failed');
    }
  });
});

describe('an opener', () => {
  it('hands out payloads that live in a buffer of their own', () => {
    const [sender, receiver] = cipherPair();
    const opener = createFrameOpener(receiver);
    const sealed = sealFrames(sender, concat(plainFrame(30), plainFrame(30, 1)));
    const payloads: Uint8Array[] = [];
    for (const chunk of [sealed.subarray(0, 40), sealed.subarray(40)]) {
      const copy = chunk.slice();
      opener.push(copy, (_, payload) => payloads.push(payload));
      copy.fill(0);
    }
    expect(payloads).toEqual([plainFrame(30).subarray(6), plainFrame(30, 1).subarray(6)]);
    expect(payloads[0]!.buffer).not.toBe(payloads[1]!.buffer);
    expect(payloads.every(({ buffer }) => buffer.byteLength <= 30 + 16)).toBe(true);
  });

  it('refuses a payload above the limit as soon as it has read the header', () => {
    const [sender, receiver] = cipherPair();
    const opener = createFrameOpener(receiver, 100);
    expect(open(opener, sealFrames(sender, plainFrame(100)))).toHaveLength(1);
    const sealed = sealFrames(sender, plainFrame(101));
    expect(codeOf(() => open(opener, sealed.subarray(0, 21)))).toBeUndefined();
    const push = () => open(opener, sealed.subarray(21, 22));
    expect(push).toThrow(/at most 100 bytes is accepted here, the header announces 101/);
    expect(codeOf(push)).toBe('frame-too-large');
  });

  it('allocates nothing for what it refuses', () => {
    const [sender, receiver] = cipherPair();
    const sealed = sealFrames(sender, plainFrame(200_000));
    const opener = createFrameOpener(receiver, 1000);
    const before = process.memoryUsage().arrayBuffers;
    expect(codeOf(() => open(opener, sealed.subarray(0, 100)))).toBe('frame-too-large');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000);
  });

  it('applies a new limit to the next header, even in the same chunk', () => {
    const [sender, receiver] = cipherPair();
    const opener = createFrameOpener(receiver, 10);
    const sealed = sealFrames(sender, concat(plainFrame(10), plainFrame(500), plainFrame(20)));
    const lengths: number[] = [];
    const push = () =>
      opener.push(sealed, (_, payload) => {
        lengths.push(payload.length);
        opener.limit(payload.length === 10 ? 500 : 19);
      });
    expect(codeOf(push)).toBe('frame-too-large');
    expect(lengths).toEqual([10, 500]);
  });

  it('reads past larger frames that are to be ignored, however they are cut, with one block in memory', () => {
    const lengths = [65_519, 65_520, 200_000, 3_000_000];
    for (const size of [1_009, 65_537, 1_000_003, Infinity]) {
      const [sender, receiver] = cipherPair();
      const opener = createFrameOpener(receiver);
      const plain = lengths.flatMap((length) => [plainFrame(50), plainFrame(length)]);
      const sealed = sealFrames(sender, concat(...plain, plainFrame(50)));
      opener.limit(100, (header) => header.length === 6);
      const before = process.memoryUsage().arrayBuffers;
      let most = 0;
      const received: number[] = [];
      for (let start = 0; start < sealed.length; start += size) {
        opener.push(sealed.subarray(start, Math.min(start + size, sealed.length)), (_, payload) =>
          received.push(payload.length),
        );
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      }
      expect(received).toEqual([50, 50, 50, 50, 50]);
      expect(opener.pending).toBe(0);
      expect(most).toBeLessThan(1_000_000);
    }
  });

  it('authenticates what it reads past', () => {
    const [sender, receiver] = cipherPair();
    const opener = createFrameOpener(receiver);
    opener.limit(100, () => true);
    const sealed = sealFrames(sender, plainFrame(200_000));
    sealed[150_000]! ^= 1;
    expect(codeOf(() => open(opener, sealed))).toBe('frame-authentication-failed');
  });

  it('accepts the largest payload there is by default', () => {
    const [sender, receiver] = cipherPair();
    const header = Uint8Array.of(0, 0, 0, 0xff, 0xff, 0xff);
    const sealed = new Uint8Array(22);
    sender.encrypt(new Uint8Array(0), header, 0, 6, sealed, 0);
    expect(codeOf(() => open(createFrameOpener(receiver), sealed))).toBeUndefined();
  });

  it.each([1, 21, 22, 23])(
    'puts a frame together of which %i bytes come first, and then the rest',
    (first) => {
      const [sender, receiver] = cipherPair();
      const sealed = sealFrames(sender, concat(plainFrame(30), plainFrame(100, 1)));
      const opened = open(createFrameOpener(receiver), sealed.subarray(0, first), sealed.subarray(first));
      expect(opened).toEqual([plainFrame(30), plainFrame(100, 1)]);
    },
  );

  it('allocates for what has arrived, not for what a header announces', () => {
    const [sender, receiver] = cipherPair();
    const sealed = sealFrames(sender, plainFrame(16_000_000));
    const openers = Array.from({ length: 4 }, () => createFrameOpener(receiver));
    const before = process.memoryUsage().arrayBuffers;
    open(openers[0]!, sealed.subarray(0, 300_000));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
    expect(openers[0]!.pending).toBe(300_000);
  });

  it('stops after as many frames as it was asked for, and goes on where it stopped', () => {
    const [sender, receiver] = cipherPair();
    const opener = createFrameOpener(receiver);
    const sealed = sealFrames(
      sender,
      concat(plainFrame(0), plainFrame(30, 1), plainFrame(0, 2), plainFrame(7, 3)),
    );
    const lengths: number[] = [];
    const push = (start: number) =>
      start + opener.push(sealed.subarray(start), (_, { length }) => lengths.push(length), 2);
    const end = push(0);
    expect(lengths).toEqual([0, 30]);
    expect(end).toBe(22 + 22 + 46);
    expect(push(end)).toBe(sealed.length);
    expect(lengths).toEqual([0, 30, 0, 7]);
  });

  it('says how many bytes it holds', () => {
    const [sender, receiver] = cipherPair();
    const opener = createFrameOpener(receiver);
    const sealed = sealFrames(sender, plainFrame(70_000));
    let sent = 0;
    for (const upTo of [0, 10, 22, 100, 65_557, 65_600, sealed.length - 1]) {
      open(opener, sealed.subarray(sent, upTo));
      sent = upTo;
      expect(opener.pending).toBe(sent);
    }
    expect(open(opener, sealed.subarray(sent))).toHaveLength(1);
    expect(opener.pending).toBe(0);
  });

  it('stops when it is destroyed, also from within', () => {
    const [sender, receiver] = cipherPair();
    const opener = createFrameOpener(receiver);
    let frames = 0;
    opener.push(sealFrames(sender, concat(plainFrame(1), plainFrame(2))), () => {
      frames++;
      opener.destroy();
    });
    expect(frames).toBe(1);
    expect(codeOf(() => open(opener, sealFrames(sender, plainFrame(1))))).toBe('key-destroyed');
    expect(
      codeOf(() => receiver.decrypt(new Uint8Array(0), new Uint8Array(16), 0, 16, new Uint8Array(0), 0)),
    ).toBe('key-destroyed');
  });

  it('is out of step after its listener threw, and says so with that error', () => {
    const [sender, receiver] = cipherPair();
    const opener = createFrameOpener(receiver);
    const broken = new Error('broken listener');
    const push = () =>
      opener.push(sealFrames(sender, plainFrame(1)), () => {
        throw broken;
      });
    expect(push).toThrow(broken);
    expect(() => open(opener, sealFrames(sender, plainFrame(1)))).toThrow(broken);
  });

  it('does not copy what it collected again and again', () => {
    // 16 MiB in small pieces would take minutes if every piece copied those before it
    const [sender, receiver] = cipherPair(providers[2]![1]);
    const frame = plainFrame(4_000_000);
    const sealed = sealFrames(sender, frame);
    const opener = createFrameOpener(receiver);
    const opened: Uint8Array[] = [];
    for (let offset = 0; offset < sealed.length; offset += 50) {
      opener.push(sealed.subarray(offset, offset + 50), (_, payload) => opened.push(payload));
    }
    expect(same(opened[0]!, frame.subarray(6))).toBe(true);
  });
});

describe('sealing', () => {
  it('puts several frames into one buffer', () => {
    const [one, two] = cipherPair();
    const frames = [5, 0, 9].map(plainFrame);
    const together = sealFrames(one, concat(...frames));
    expect(together).toEqual(concat(...frames.map((frame) => sealFrames(two, frame))));
    expect(together.buffer.byteLength).toBe(together.length);
    expect(sealFrames(one, new Uint8Array(0))).toHaveLength(0);
  });

  test.each([
    ['half a header', plainFrame(5).subarray(0, 4)],
    ['a payload that is too short', plainFrame(5).subarray(0, 10)],
    ['a payload that is too long', concat(plainFrame(5), Uint8Array.of(1))],
    ['a second frame that is cut off', concat(plainFrame(5), plainFrame(5).subarray(0, 10))],
  ])('refuses %s before it has used a nonce', (_, frames) => {
    const [sender] = cipherPair();
    expect(codeOf(() => sealFrames(sender, frames))).toBe('frame-length-mismatch');
    expect(sender.nonce).toBe(0n);
  });

  it('ends when the nonces do', () => {
    const [sender, receiver] = cipherPair(undefined, 0xffff_ffff_ffff_fffdn);
    const sealed = sealFrames(sender, plainFrame(5));
    expect(open(createFrameOpener(receiver), sealed)).toEqual([plainFrame(5)]);
    expect(codeOf(() => sealFrames(sender, plainFrame(5)))).toBe('nonce-exhausted');
    expect(codeOf(() => open(createFrameOpener(receiver), sealed))).toBe('nonce-exhausted');
  });
});
