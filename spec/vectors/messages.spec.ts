import { describe, expect, it, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { messageCreators } from '../../src/messages/index.js';
import { decodeFrame, encodeFrame, fromJson, toJson, type MessageJson } from '../../src/framing/index.js';
import { bytesToHex, expand, readVectors } from './support.js';

interface MessageVector extends Omit<MessageJson, 'payload'> {
  readonly case: string;
  readonly payload: unknown;
  readonly frame: string | Abbreviated;
}

/** A long frame, cut out of the middle. */
interface Abbreviated {
  readonly length: number;
  readonly sha256: string;
  readonly head: string;
  readonly tail: string;
}

const { messages } = readVectors<{ messages: readonly MessageVector[] }>('messages');

/** A frame in the form the vectors have it. */
const abbreviate = (frame: Uint8Array, like: string | Abbreviated): string | Abbreviated =>
  typeof like === 'string'
    ? bytesToHex(frame)
    : {
        length: frame.length,
        sha256: createHash('sha256').update(frame).digest('hex'),
        head: bytesToHex(frame.subarray(0, 64)),
        tail: bytesToHex(frame.subarray(-64)),
      };

/** The names of `TemplateDistribution.SetNewPrevHash` differ: the JSON form has the specification's. */
const specName = (name: string) => name.replace('TemplateDistribution.', '');

const jsonOf = ({ name, messageType, extensionType, channelMsg, payload, tlvs }: MessageVector) => ({
  name: specName(name),
  messageType,
  extensionType,
  channelMsg,
  payload: expand(payload),
  ...(tlvs === undefined ? {} : { tlvs }),
});

/** Swaps the bytes of the type and length of each TLV at the end of a frame: `tlvByteOrder` in differences.ts. */
const swapTlvIntegers = (frame: Uint8Array, { tlvs = [] }: MessageVector): Uint8Array => {
  const swapped = frame.slice();
  let end = frame.length;
  for (const { value } of tlvs.toReversed()) {
    const start = end - 5 - value.length / 2;
    swapped.set([frame[start + 1]!, frame[start]!], start);
    swapped.set([frame[start + 4]!, frame[start + 3]!], start + 3);
    end = start;
  }
  return swapped;
};

describe('messages of the reference implementation', () => {
  it('are all there are, each at least empty, typical and maximal', () => {
    for (const { type } of messageCreators) {
      const cases = messages.filter(({ name }) => name === type).map((vector) => vector.case);
      expect([type, cases]).toEqual([type, expect.arrayContaining(['empty', 'typical', 'maximal'])]);
    }
    expect(new Set(messages.map(({ name }) => name)).size).toBe(44);
  });

  test.each(messages.map((vector) => [vector.name, vector.case, vector] as const))(
    '%s, %s',
    (name, _, vector) => {
      const json = jsonOf(vector);
      const message = fromJson(json);
      expect(message.type).toBe(name);
      const frame = encodeFrame(message);
      expect(abbreviate(frame, vector.frame)).toEqual(vector.frame);

      const swapped = swapTlvIntegers(frame, vector);
      expect(Buffer.compare(frame, swapped) === 0).toBe(vector.tlvs === undefined);
      expect(Buffer.compare(encodeFrame(decodeFrame(swapped)), frame)).toBe(0);
      if (frame.length > 1_000_000) return; // as hex, megabytes take seconds
      expect(isSame(toJson(decodeFrame(swapped)), json)).toBe(true);
      expect(isSame(toJson(decodeFrame(frame)), json)).toBe(true);
    },
  );
});

/** Whether two JSON values are the same; of megabytes, quicker than a matcher. */
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
