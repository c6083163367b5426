import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeMessage,
  encodeFrame,
  encodeFrames,
  frameAssembler,
  FramingError,
  type Frame,
  type FrameHeader,
} from '../../src/framing/index.js';
import { messageCreators, UnknownMessage, type Message } from '../../src/messages/index.js';
import { messageArbitrary, unknownMessageArbitrary } from '../../src/testing/arbitraries.js';

const anyMessage = fc.oneof(
  ...messageCreators.map((creator) => messageArbitrary(fc, creator)),
  unknownMessageArbitrary(fc),
) as unknown as fc.Arbitrary<Message>;

const decode = ({ header, payload }: Frame) => decodeMessage(header, payload);
const unknown = (payload: Uint8Array) =>
  UnknownMessage({ extensionType: 0x4000, messageType: 1, channelMessage: false, payload });

/** The lengths of a cut, cycled through. */
function cut(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let offset = 0, index = 0; offset < bytes.length; index++) {
    const length = lengths[index % lengths.length] as number;
    chunks.push(bytes.slice(offset, offset + length));
    offset += length;
  }
  return chunks;
}

describe('a frame assembler', () => {
  it('gives the same frames however the bytes are cut', () => {
    const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 300 })), {
      minLength: 1,
    });
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 6 }), lengths, (messages, cuts) => {
        const assembler = frameAssembler();
        const frames = cut(encodeFrames(messages), cuts).flatMap((chunk) => [...assembler.push(chunk)]);
        expect(frames.map(decode)).toEqual(messages);
        expect(assembler.pending).toBe(0);
      }),
      { seed: 42, numRuns: 300 },
    );
  });

  it('gives several frames of one chunk, empty payloads among them', () => {
    const messages = [unknown(new Uint8Array(0)), unknown(Uint8Array.of(1)), unknown(new Uint8Array(0))];
    expect([...frameAssembler().push(encodeFrames(messages))].map(decode)).toEqual(messages);
  });

  it('gives a frame with an empty payload as soon as its header is there', () => {
    const assembler = frameAssembler();
    const frame = encodeFrame(unknown(new Uint8Array(0)));
    expect([...assembler.push(frame.subarray(0, 5))]).toEqual([]);
    expect([...assembler.push(frame.subarray(5))].map(decode)).toEqual([unknown(new Uint8Array(0))]);
    expect([...assembler.push(new Uint8Array(0))]).toEqual([]);
  });

  it('gives a payload of 16 MiB - 1 bytes, cut or not', () => {
    const payload = new Uint8Array(0xffffff).map((_, index) => index * 7);
    const bytes = encodeFrame(unknown(payload));
    for (const lengths of [[bytes.length], [65_536], [3, 1_000_003]]) {
      const assembler = frameAssembler();
      const frames = cut(bytes, lengths).flatMap((chunk) => [...assembler.push(chunk)]);
      expect(frames).toHaveLength(1);
      expect(Buffer.compare(frames[0]?.payload as Uint8Array, payload)).toBe(0);
    }
  });

  it('gives payloads that later bytes do not change', () => {
    const assembler = frameAssembler();
    const bytes = encodeFrames([unknown(new Uint8Array(10).fill(1)), unknown(new Uint8Array(10).fill(2))]);
    const payloads = cut(bytes, [7]).flatMap((chunk) =>
      [...assembler.push(chunk)].map(({ payload }) => payload),
    );
    expect(payloads.map((payload) => [...payload])).toEqual([new Array(10).fill(1), new Array(10).fill(2)]);
  });

  it('counts what it holds and allocates for what has arrived, not for what is announced', () => {
    const assembler = frameAssembler();
    const header = encodeFrame(unknown(new Uint8Array(0xffffff))).subarray(0, 6);
    const sizes: number[] = [];
    const original = globalThis.Uint8Array;
    class Counted extends original {
      constructor(...parameters: unknown[]) {
        super(...(parameters as [number]));
        if (typeof parameters[0] === 'number') sizes.push(parameters[0]);
      }
    }
    globalThis.Uint8Array = Counted;
    try {
      expect([...assembler.push(header)]).toEqual([]);
      expect([...assembler.push(new original(3))]).toEqual([]);
      expect([...assembler.push(new original(5000))]).toEqual([]);
    } finally {
      globalThis.Uint8Array = original;
    }
    expect(assembler.pending).toBe(6 + 5003);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2 * 5003);
    expect(sizes.length).toBeGreaterThan(0);
  });
});

describe('the limit of a frame assembler', () => {
  const frame = (length: number) => encodeFrame(unknown(new Uint8Array(length)));

  it('takes a payload of that size and refuses one byte more at its header', () => {
    expect([...frameAssembler(100).push(frame(100))]).toHaveLength(1);
    const error = errorOf(() => [...frameAssembler(100).push(frame(101).subarray(0, 6))]);
    expect(error).toBeInstanceOf(FramingError);
    expect(error).toMatchObject({
      code: 'frame-too-large',
      message: 'a payload of at most 100 bytes is accepted here, the header announces 101',
    });
  });

  it('gives the frames before the one it refuses, and goes on refusing', () => {
    const assembler = frameAssembler(100);
    const lengths: number[] = [];
    const read = (chunk: Uint8Array) => {
      for (const { payload } of assembler.push(chunk)) lengths.push(payload.length);
    };
    expect(() => read(Uint8Array.of(...frame(7), ...frame(8), ...frame(101)))).toThrow(FramingError);
    expect(lengths).toEqual([7, 8]);
    expect(() => read(frame(1))).toThrow(FramingError);
    expect(lengths).toEqual([7, 8]);
  });

  it('holds from the next frame on when it is changed between two', () => {
    const assembler = frameAssembler(10);
    const lengths: number[] = [];
    const read = (chunk: Uint8Array) => {
      for (const { payload } of assembler.push(chunk)) {
        lengths.push(payload.length);
        assembler.limit(payload.length === 10 ? 1000 : 5);
      }
    };
    expect(() => read(Uint8Array.of(...frame(10), ...frame(1000), ...frame(6)))).toThrow(
      'a payload of at most 5 bytes',
    );
    expect(lengths).toEqual([10, 1000]);
  });

  it('reads past larger frames that are to be ignored, however they are cut, and holds nothing of them', () => {
    const isIgnored = ({ extensionType }: FrameHeader) => extensionType === 0x4000;
    const ignored = encodeFrame({ ...unknown(new Uint8Array(0xffffff)), extensionType: 0x4000 });
    const bytes = new Uint8Array(7 + ignored.length + 8);
    bytes.set(frame(1));
    bytes.set(ignored, 7);
    bytes.set(frame(2), 7 + ignored.length);
    const before = process.memoryUsage().arrayBuffers;
    for (const size of [65_537, 4_099, bytes.length]) {
      const assembler = frameAssembler();
      assembler.limit(100, isIgnored);
      const lengths: number[] = [];
      for (let start = 0; start < bytes.length; start += size) {
        for (const { payload } of assembler.push(bytes.subarray(start, start + size)))
          lengths.push(payload.length);
      }
      expect(lengths).toEqual([1, 2]);
      expect(assembler.pending).toBe(0);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  });

  it('yields frames that could be ignored but are small enough, and refuses the others', () => {
    const assembler = frameAssembler();
    assembler.limit(100, ({ extensionType }) => extensionType === 0x4000);
    const small = { ...unknown(new Uint8Array(100)), extensionType: 0x4000 };
    expect([...assembler.push(encodeFrame(small))]).toHaveLength(1);
    const known = encodeFrame({ ...unknown(new Uint8Array(101)), extensionType: 0 });
    expect(() => [...assembler.push(known)]).toThrow(FramingError);
  });
});

function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
