import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeFrame,
  encodeFrame,
  encodeFrames,
  FramingError,
  readHeader,
  writeHeader,
} from '../../src/framing/index.js';
import {
  messageCreators,
  RequestExtensions,
  SetupConnection,
  SubmitSharesExtended,
  SubmitSharesStandard,
  UnknownMessage,
  userIdentityTlv,
  type Message,
} from '../../src/messages/index.js';
import { messageArbitrary, unknownMessageArbitrary } from '../../src/testing/arbitraries.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

const share = SubmitSharesStandard({
  channelId: 1,
  sequenceNumber: 2,
  jobId: 3,
  nonce: 0xdeadbeef,
  ntime: 0x66554433,
  version: 0x20000000,
});

/** Frames worked out by hand from the tables of §3.2, §3.6.1, §5.3.11, §5.3.12 and extension 0x0001. */
const frames: readonly (readonly [Message, string])[] = [
  [share, '0080 1a 180000 01000000 02000000 03000000 efbeadde 33445566 00000020'],
  [
    SubmitSharesExtended({ ...share, extranonce: bytes('0a0b0c') }, [userIdentityTlv('Worker_001')]),
    '0080 1b 2b0000 01000000 02000000 03000000 efbeadde 33445566 00000020 03 0a0b0c 02 00 01 0A 00 57 6F 72 6B 65 72 5F 30 30 31',
  ],
  [
    SetupConnection({
      protocol: 2,
      minVersion: 2,
      maxVersion: 2,
      flags: 5,
      endpointHost: '::1',
      endpointPort: 34254,
      vendor: 'v',
      hardwareVersion: '',
      firmware: 'fw',
      deviceId: '',
    }),
    '0000 00 160000 02 0200 0200 05000000 03 3a3a31 ce85 01 76 00 02 6677 00',
  ],
  [
    RequestExtensions({ requestId: 258, requestedExtensions: [2, 0x4001] }),
    '0100 00 080000 0201 0200 0200 0140',
  ],
  [
    UnknownMessage({
      extensionType: 0x0abc,
      messageType: 7,
      channelMessage: true,
      payload: bytes('01020304ff'),
    }),
    'bc8a 07 050000 01020304ff',
  ],
];

test.each(frames.map(([message, frame]) => [message.type, message, frame] as const))(
  'the frame of a %s',
  (_, message, frame) => {
    const expected = frame.replaceAll(' ', '').toLowerCase();
    expect(hex(encodeFrame(message))).toBe(expected);
    expect(decodeFrame(bytes(frame))).toEqual(message);
  },
);

describe('a header', () => {
  it('survives a round trip', () => {
    const header = fc.record(
      {
        extensionType: fc.integer({ min: 0, max: 0x7fff }),
        channelMessage: fc.boolean(),
        messageType: fc.integer({ min: 0, max: 0xff }),
        payloadLength: fc.integer({ min: 0, max: 0xffffff }),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(header, fc.nat({ max: 9 }), (expected, offset) => {
        const buffer = new Uint8Array(20);
        writeHeader(buffer, offset, expected);
        expect(readHeader(buffer, offset)).toEqual(expected);
        expect(buffer.subarray(offset + 6).every((byte) => byte === 0)).toBe(true);
      }),
      { seed: 42 },
    );
  });

  it('has its channel_msg bit set by the schema, whatever the bit of a received frame was (§3.2.1)', () => {
    const frame = encodeFrame(share);
    frame[1] = 0;
    expect(decodeFrame(frame)).toEqual(share);
  });
});

describe('frames', () => {
  test.each(messageCreators.map((creator) => [creator.type, creator] as const))(
    'of %s survive a round trip',
    (_, creator) => {
      fc.assert(
        fc.property(messageArbitrary(fc, creator), (value) => {
          const message = value as unknown as Message;
          const frame = encodeFrame(message);
          expect(decodeFrame(frame)).toEqual(message);
          expect(readHeader(frame, 0)).toEqual({
            extensionType: creator.schema.extensionType,
            channelMessage: creator.schema.channelMessage,
            messageType: creator.schema.messageType,
            payloadLength: frame.length - 6,
          });
        }),
        { seed: 42, numRuns: 20 },
      );
    },
  );

  it('of unknown messages survive a round trip', () => {
    fc.assert(
      fc.property(unknownMessageArbitrary(fc), (message) => {
        const frame = encodeFrame(message);
        expect(decodeFrame(frame)).toEqual(message);
        expect(encodeFrame(decodeFrame(frame))).toEqual(frame);
      }),
      { seed: 42 },
    );
  });

  it('of several messages follow one another', () => {
    const messages = frames.map(([message]) => message);
    expect(hex(encodeFrames(messages))).toBe(messages.map((message) => hex(encodeFrame(message))).join(''));
    expect(encodeFrames([])).toHaveLength(0);
  });

  it('hold exactly what their header announces', () => {
    const frame = encodeFrame(share);
    for (let length = 0; length < frame.length; length++) {
      expect(errorOf(() => decodeFrame(frame.subarray(0, length)))).toMatchObject({
        code: 'truncated-frame',
      });
    }
    expect(errorOf(() => decodeFrame(Uint8Array.of(...frame, 0)))).toMatchObject({ code: 'trailing-bytes' });
  });

  it('reach 16 MiB - 1 bytes of payload and no further', () => {
    const numbers = { extensionType: 0x4000, messageType: 1, channelMessage: false };
    const largest = new Uint8Array(0xffffff).fill(7);
    const frame = encodeFrame(UnknownMessage({ ...numbers, payload: largest }));
    expect(frame.length).toBe(6 + 0xffffff);
    const decoded = decodeFrame(frame) as UnknownMessage;
    expect(Buffer.compare(decoded.payload, largest)).toBe(0);
    expect(() => encodeFrame(UnknownMessage({ ...numbers, payload: new Uint8Array(0x1000000) }))).toThrow(
      'Unknown: a payload holds at most 16777215 bytes, this one needs 16777216',
    );
  });

  it('refuse numbers that a header cannot hold', () => {
    const numbers = { extensionType: 1, messageType: 1, channelMessage: false, payload: new Uint8Array(0) };
    for (const extensionType of [-1, 0x8000, 1.5, '2' as never]) {
      expect(() => encodeFrame(UnknownMessage({ ...numbers, extensionType }))).toThrow(
        /^Unknown\.extensionType: expected an integer from 0 to 32767/,
      );
    }
    for (const messageType of [-1, 256, NaN]) {
      expect(() => encodeFrame(UnknownMessage({ ...numbers, messageType }))).toThrow(
        /^Unknown\.messageType: /,
      );
    }
    expect(() => encodeFrame(UnknownMessage({ ...numbers, payload: 'ff' as never }))).toThrow(
      'Unknown.payload: expected a Uint8Array, got string',
    );
  });

  it('refuse a message that does not exist', () => {
    const error = errorOf(() => encodeFrame({ type: 'Nonsense' } as never));
    expect(error).toBeInstanceOf(FramingError);
    expect(error).toMatchObject({ code: 'unknown-message-type', detail: { type: 'Nonsense' } });
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
