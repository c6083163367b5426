import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeMessage } from '../../src/framing/index.js';
import { plainChannel } from '../../src/transport/frame-channel.js';
import { frames, setTarget, setup } from './support.js';

describe('a plaintext channel', () => {
  it('yields the same messages however the bytes were cut', () => {
    const empty = { type: 'Unknown', extensionType: 0, messageType: 0xf0, channelMessage: false } as const;
    const messages = [
      setup(),
      { ...empty, payload: new Uint8Array(0) },
      setTarget(1),
      setup('x'.repeat(255)),
    ];
    const bytes = frames(...messages);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30 }), (cuts) => {
        const channel = plainChannel(2000);
        const received: unknown[] = [];
        let start = 0;
        for (const end of [...cuts.sort((a, b) => a - b), bytes.length]) {
          channel.open(bytes.slice(start, end), (header, payload) =>
            received.push(decodeMessage(header, payload)),
          );
          start = end;
        }
        expect(received).toEqual(messages);
        expect(channel.incomplete).toBe(false);
      }),
      { seed: 42, numRuns: 300 },
    );
  });

  it('stops after as many frames as it was asked for, and goes on where it stopped', () => {
    const channel = plainChannel(2000);
    const bytes = frames(setTarget(1), setTarget(2), setTarget(3), setTarget(4));
    const received: unknown[] = [];
    const push = (start: number) =>
      start +
      channel.open(
        bytes.subarray(start),
        (header, payload) => received.push(decodeMessage(header, payload)),
        3,
      );
    const end = push(0);
    expect(received).toEqual([setTarget(1), setTarget(2), setTarget(3)]);
    expect(push(end)).toBe(bytes.length);
    expect(received).toHaveLength(4);
  });

  it('says whether a frame is incomplete', () => {
    const channel = plainChannel(2000);
    const bytes = frames(setTarget(1));
    for (let index = 0; index < bytes.length; index += 1) {
      expect(channel.incomplete).toBe(index > 0);
      channel.open(bytes.subarray(index, index + 1), () => undefined);
    }
    expect(channel.incomplete).toBe(false);
  });

  it('yields nothing more once it was cleared', () => {
    const channel = plainChannel(2000);
    let count = 0;
    channel.open(frames(setTarget(1), setTarget(2)), () => {
      count += 1;
      channel.clear();
    });
    expect(count).toBe(1);
  });
});
