import { describe, expect, it } from '@jest/globals';
import { VirtualTimeScheduler } from 'rxjs';
import { doubleSha256 } from '../../../src/bitcoin/hash.js';
import { meetsTarget, targetFromNbits } from '../../../src/bitcoin/target.js';
import { shareLimit, sharesPerSecond } from '../../../src/roles/miner/share-limit.js';

const regtest = 0x207fffff;
const mainnet = 0x170331db;
const header = (index: number): Uint8Array => Uint8Array.from({ length: 80 }, (_, at) => (at * index) & 0xff);
const isBlock = (index: number): boolean =>
  meetsTarget(doubleSha256(header(index)), targetFromNbits(regtest));

/** A limit, and how many of so many shares with other headers it lets pass now. */
const limited = () => {
  const clock = new VirtualTimeScheduler();
  const maySend = shareLimit(clock);
  return {
    clock,
    sent: (tries: number, nbits: number): number[] =>
      Array.from({ length: tries }, (_, index) => index).filter((index) =>
        maySend(() => header(index), nbits),
      ),
  };
};

describe('the shares of a channel', () => {
  it('are kept to a hundred a second, after a burst of twice that', () => {
    const { clock, sent } = limited();
    expect(sent(5_000, mainnet)).toHaveLength(2 * sharesPerSecond);
    clock.frame = 1_000;
    expect(sent(5_000, mainnet)).toHaveLength(sharesPerSecond);
  });

  it('that are blocks are sent all the same', () => {
    const { sent } = limited();
    sent(200, mainnet);
    const blocks = Array.from({ length: 300 }, (_, index) => index).filter(isBlock);
    expect(blocks.length).toBeGreaterThan(100);
    expect(sent(300, regtest)).toEqual(blocks);
  });

  it('are no flood either when every second hash is a block', () => {
    const { clock, sent } = limited();
    expect(sent(5_000, regtest)).toHaveLength(4 * sharesPerSecond);
    clock.frame = 1_000;
    expect(sent(5_000, regtest)).toHaveLength(2 * sharesPerSecond);
  });

  it('are not taken for blocks by nbits that stand for no target', () => {
    const { sent } = limited();
    sent(200, 0xffff_ffff);
    expect(sent(10, 0xffff_ffff)).toEqual([]);
  });
});
