import { describe, expect, it } from '@jest/globals';
import { encodeFrame } from '../../src/framing/frame.js';
import { NewExtendedMiningJob } from '../../src/messages/index.js';
import { messageCreators } from '../../src/messages/registry.js';
import { DEVICE_FRAME_SIZE, extendedJobFrameSize } from '../../src/mining/frame-size.js';
import { hash } from './support.js';

describe('the frames of a mining server', () => {
  it.each([
    [null, 0, 0, 0],
    [1, 16, 70, 8_000],
  ])(
    'of a job (min_ntime %p, %d hashes, coinbase parts of %d and %d bytes) have the size that is reckoned',
    (minNtime, hashes, prefix, suffix) => {
      const job = NewExtendedMiningJob({
        ...{ channelId: 1, jobId: 2, minNtime, version: 3, versionRollingAllowed: true },
        merklePath: Array.from({ length: hashes }, (_, seed) => hash(seed)),
        coinbaseTxPrefix: new Uint8Array(prefix),
        coinbaseTxSuffix: new Uint8Array(suffix),
      });
      expect(extendedJobFrameSize(job)).toBe(encodeFrame(job).length);
    },
  );

  it('are all read by devices, but for those of messages with lists and coinbases of any length', () => {
    const tooLarge = messageCreators
      .map(({ schema }) => schema)
      .filter(({ sentBy }) => sentBy !== 'client')
      .filter(({ protocol }) => ['common', 'extensions', 'mining'].includes(protocol))
      .filter(({ maxSize }) => 6 + maxSize > DEVICE_FRAME_SIZE)
      .map(({ type }) => type);
    expect(tooLarge.sort()).toEqual([
      'NewExtendedMiningJob', // warned of: no part of it can be sent apart
      'RequestExtensions.Error', // of 64 extensions at most
      'RequestExtensions.Success',
      'SetGroupChannel', // sent in parts
    ]);
  });
});
