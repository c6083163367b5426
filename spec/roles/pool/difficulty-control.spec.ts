import { describe, expect, it } from '@jest/globals';
import { difficultyFromTarget, targetFromHashrate, targetFromNbits } from '../../../src/bitcoin/target.js';
import type { ChannelOpened, MiningServerOutput } from '../../../src/mining/index.js';
import { difficultyControl } from '../../../src/roles/pool/difficulty-control.js';

const policy = { sharesPerMinute: 6, minHashrate: 1_000 };
const targetFor = (hashRate: number) => targetFromHashrate(hashRate, policy.sharesPerMinute);
const easiest = new Uint8Array(32).fill(0xff);

const opened = (channelId: number, hashRate: number): ChannelOpened => ({
  type: 'ChannelOpened',
  clientId: 1,
  channelId,
  kind: 'extended',
  userIdentity: 'alice',
  nominalHashRate: hashRate,
  target: targetFor(Math.max(hashRate, policy.minHashrate)),
  maxTarget: easiest,
});

/** A control over a mining server that only notes its targets, as hash rates would have them. */
const control = () => {
  const set: { channelId: number; difficulty: number }[] = [];
  const nothing: MiningServerOutput = { messages: [], outcomes: [] };
  const setTarget = (_: number, channelId: number, target: Uint8Array) => {
    set.push({ channelId, difficulty: difficultyFromTarget(target) });
    return nothing;
  };
  return { set, ...difficultyControl({ setTarget }, policy) };
};

describe('the difficulty of channels', () => {
  it('is left as it was opened with, for every nominal hash rate', () => {
    for (const hashRate of [0, 1, 999, 1_000, 1_001, 1e6, 1e18]) {
      const { observe, set } = control();
      observe([opened(2, hashRate)], 0);
      expect(set).toEqual([]);
    }
  });

  it('falls while no shares come, for those channels only', () => {
    const { observe, tick, set } = control();
    observe([opened(2, 1e9), opened(3, 1e9)], 0);
    const { target } = opened(3, 1e9);
    for (let now = 10_000; now <= 100_000; now += 10_000) {
      tick(now);
      observe(
        [
          {
            ...{ type: 'ShareAccepted', clientId: 1, channelId: 3, userIdentity: 'alice', jobId: 1 },
            ...{ worker: '', sequenceNumber: 1, hash: target, difficulty: 1, target },
          },
        ],
        now,
      );
    }
    expect(set.length).toBeGreaterThan(0);
    const [first] = set;
    expect(first?.channelId).toBe(2);
    expect(first?.difficulty).toBeLessThan(difficultyFromTarget(target));
  });

  it('follows a client that says it has another hash rate', () => {
    const { observe, set } = control();
    observe([opened(2, 1e9)], 0);
    observe(
      [{ type: 'ChannelUpdated', clientId: 1, channelId: 2, nominalHashRate: 1e10, maxTarget: easiest }],
      1,
    );
    expect(set).toHaveLength(1);
    expect((set[0]?.difficulty ?? 0) / difficultyFromTarget(targetFor(1e10))).toBeCloseTo(1, 6);
  });

  it('is forgotten with the channel', () => {
    const { observe, tick, set, setNetworkTarget } = control();
    observe([opened(2, 1e9)], 0);
    observe([{ type: 'ChannelClosed', clientId: 1, channelId: 2, userIdentity: 'alice', reason: '' }], 1);
    for (let now = 5_000; now <= 120_000; now += 5_000) tick(now);
    setNetworkTarget(easiest, 120_000);
    expect(set).toEqual([]);
  });

  it('is never above that of the network, for channels old and new', () => {
    const { observe, setNetworkTarget, set } = control();
    observe([opened(2, 1e9)], 0);
    setNetworkTarget(targetFor(1e6), 1);
    setNetworkTarget(targetFor(1e6), 2);
    observe([opened(3, 1e9)], 3);
    const network = difficultyFromTarget(targetFor(1e6));
    expect(set).toEqual([
      { channelId: 2, difficulty: network },
      { channelId: 3, difficulty: network },
    ]);
  });

  it('does not follow a network on which nearly every hash is a block: that would be a flood', () => {
    const { observe, setNetworkTarget, set } = control();
    observe([opened(2, 1e9)], 0);
    setNetworkTarget(targetFromNbits(0x207fffff), 1);
    const hashesPerShare = 2 ** 32 * (set[0]?.difficulty ?? 0);
    expect(hashesPerShare / 65_536).toBeCloseTo(1, 4);
  });
});
