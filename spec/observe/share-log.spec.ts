/** Shares that are counted later are counted as if they had been at once. */
import { describe, expect, it } from '@jest/globals';
import type { PoolOutcome } from 'rx-sv2';
import { poolFold, type PoolState } from 'rx-sv2/observe';
import { shareLog, type Logged } from '../../src/observe/share-log.js';
import { randomOf } from '../simulation/random.js';
import { block, closed, connected, disconnected, opened, rejectedShare, share } from './support.js';

/** What happens at a pool with few clients that share users, by the seed. */
function* outcomesOf(seed: number, count: number): Generator<PoolOutcome> {
  const random = randomOf(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const users = ['alice', 'bob', 'carol'];
  for (const [index, user] of users.entries()) {
    yield connected(index + 1);
    yield opened(user, { clientId: index + 1 });
  }
  for (let index = 0; index < count; index++) {
    const [clientId, channelId, worker] = [
      1 + below(4),
      below(8) === 0 ? 2 : 1,
      below(4) === 0 ? 'shed' : 'rig',
    ];
    const user = users[below(3)];
    const kind = below(100);
    if (kind < 2) yield connected(clientId);
    else if (kind < 3) yield disconnected(clientId);
    else if (kind < 5) yield opened(user, { clientId, channelId });
    else if (kind < 6) yield closed(user, clientId, channelId);
    else if (kind < 24) yield rejectedShare('stale-share', worker, { clientId, channelId });
    else if (kind < 26) yield block(1, 2);
    else {
      const difficulty = 1_000 + below(1_000);
      // many by one worker, so that there are more of them than are counted together
      for (let left = below(4) === 0 ? 20 : 1; left > 0; left--)
        yield share({ clientId, channelId, worker, difficulty, reached: difficulty * (1 + below(50)) });
    }
  }
}

describe('a share of a pool', () => {
  it('is counted the same for all that it is of, however seldom the state is looked at', () => {
    let shares = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const limits = { maxUsers: 2, maxWorkers: 3 };
      const [often, once] = [poolFold(0, limits), poolFold(0, limits)];
      let now = 0;
      for (const outcome of outcomesOf(seed, seed % 60)) {
        now += 700;
        often.note(outcome, now);
        once.note(outcome, now);
        often.state(now);
        if (outcome.type === 'ShareAccepted') shares += 1;
      }
      now += 20_000; // rows are refreshed in turns
      const seen: PoolState = often.state(now);
      expect({ seed, state: once.state(now) }).toEqual({ seed, state: seen });
    }
    expect(shares).toBeGreaterThan(10_000);
  });

  it('stands in the very next state, and the state before is as it was', () => {
    const fold = poolFold(0);
    fold.note(connected(), 0);
    fold.note(opened(), 0);
    const before = fold.state(0);
    for (let count = 1; count <= 20; count++) {
      fold.note(share(), count * 1_000);
      const { clients, channels, users, workers } = fold.state(count * 1_000);
      for (const [row] of [clients, channels, users, workers]) expect(row?.shares.accepted).toBe(count);
    }
    expect(before.channels[0]?.shares.accepted).toBe(0);
  });
});

describe('shareLog', () => {
  it('counts each share once, in the order of its channel, whatever else has to make room', () => {
    const counted = new Map<Logged, number[]>();
    let isWhole = true;
    const channels = Array.from({ length: 70_000 }, (): Logged => ({ logSlot: -1, logged: 0 }));
    const log = shareLog<Logged>((channel, difficulty, sequence, reached, now) => {
      isWhole &&= difficulty === sequence + 1 && reached === sequence + 2 && now === sequence + 3;
      counted.set(channel, [...(counted.get(channel) ?? []), sequence]);
    });
    const [first] = channels as [Logged];
    const note = (channel: Logged, sequence: number) =>
      log.note(channel, sequence + 1, sequence, sequence + 2, sequence + 3);
    for (let sequence = 0; sequence < 9; sequence++) note(first, sequence);
    expect(counted.get(first)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    log.settle(first);
    log.settle(first);
    note(first, 9);
    for (const channel of channels.slice(1)) note(channel, 1);
    // there is room for 65,536: those before have been counted
    expect(counted.get(first)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(counted.size).toBe(65_536);
    log.settleAll();
    log.settleAll();
    expect(counted.size).toBe(channels.length);
    expect(isWhole).toBe(true);
    expect([...counted.values()].slice(1).every((sequences) => sequences.join() === '1')).toBe(true);
  });
});
