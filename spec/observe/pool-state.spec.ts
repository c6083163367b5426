import { describe, expect, it, test } from '@jest/globals';
import { EMPTY, map, NEVER, of, type Observable } from 'rxjs';
import type { PoolOutcome } from 'rx-sv2';
import { poolFold, poolState, type PoolState } from 'rx-sv2/observe';
import { marbles } from 'rx-sv2/testing';
import {
  block,
  closed,
  connected,
  disconnected,
  opened,
  provider,
  rejectedShare,
  share,
  solved,
  template,
  tip,
} from './support.js';

/** The state after outcomes that came a second after each other. */
function after(...outcomes: readonly PoolOutcome[]): PoolState {
  const fold = poolFold(0);
  let now = 0;
  for (const outcome of outcomes) fold.note(outcome, (now += 1_000));
  return fold.state(now);
}

const opening = [connected(), opened('alice')] as const;

describe('poolState', () => {
  const accepted = (state$: Observable<PoolState>) => state$.pipe(map(({ shares }) => shares.accepted));

  it('has the present state at once, then the newest once an interval, and the last before the end', () => {
    marbles(({ hot, expectObservable }) => {
      const outcome$ = hot('c 99ms o 99ms s 99ms s 99ms s 999ms s 99ms |', {
        ...{ c: connected(), o: opened(), s: share() },
      });
      // 0: nothing yet, then the client; a second later three shares in one state
      expectObservable(accepted(outcome$.pipe(poolState()))).toBe('(aa) 996ms b 499ms (c|)', {
        ...{ a: 0, b: 3, c: 4 },
      });
    });
  });

  it('is there every few seconds though nothing happens: rates fall', () => {
    marbles(({ hot, expectObservable }) => {
      const times$ = hot<PoolOutcome>('-').pipe(
        poolState(),
        map(({ time }) => time),
      );
      expectObservable(times$, '10001ms !').toBe('a 4999ms b 4999ms c', { a: 0, b: 5_000, c: 10_000 });
    });
  });

  it('is one state for all who look, and whoever comes late sees the present: not that of a second ago', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const outcome$ = cold('c 99ms o 99ms s 99ms s 9s -', { c: connected(), o: opened(), s: share() });
      const state$ = outcome$.pipe(poolState());
      expectObservable(accepted(state$), '2s !').toBe('(aa) 996ms b', { a: 0, b: 2 });
      expectObservable(accepted(state$), '400ms ^ 1s !').toBe('400ms b 599ms b', { b: 2 });
      expectSubscriptions(outcome$.subscriptions).toBe('^ 1999ms !');
    });
  });

  it('begins anew when everybody has gone and somebody comes', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const outcome$ = cold('(cos)', { c: connected(), o: opened(), s: share() });
      const state$ = outcome$.pipe(poolState({ interval: 0 }));
      expectObservable(accepted(state$), '5ms !').toBe('(aaab)', { a: 0, b: 1 });
      expectObservable(accepted(state$), '10ms ^ 5ms !').toBe('10ms (aaab)', { a: 0, b: 1 });
      expectSubscriptions(outcome$.subscriptions).toBe(['^ 4ms !', '10ms ^ 5ms !']);
    });
  });

  it('passes errors on, and says the last of those that end at once', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(accepted(cold<PoolOutcome>('#').pipe(poolState()))).toBe('(a#)', { a: 0 });
      expectObservable(accepted((EMPTY as Observable<PoolOutcome>).pipe(poolState()))).toBe('(aa|)', {
        a: 0,
      });
      expectObservable(accepted(of(...opening, share()).pipe(poolState()))).toBe('(aab|)', { a: 0, b: 1 });
      expectObservable(accepted((NEVER as Observable<PoolOutcome>).pipe(poolState())), '5s !').toBe('a', {
        a: 0,
      });
    });
  });
});

describe('who is served', () => {
  it('is a client with what it says of itself, until it is gone', () => {
    expect(after(...opening).clients).toMatchObject([
      { clientId: 1, address: '192.0.2.1:5000', vendor: 'Bitaxe', firmware: '2.9', channels: 1 },
    ]);
    expect(after(...opening, disconnected())).toMatchObject({ clients: [], channels: [] });
  });

  it('has channels, with what a share is to be worth', () => {
    const { channels } = after(...opening);
    expect(channels).toMatchObject([
      { clientId: 1, channelId: 1, kind: 'extended', user: 'alice', openedAt: 2_000 },
    ]);
    expect(channels[0]?.difficulty).toBeCloseTo(1_000);
    expect(channels[0]?.target).toMatch(/^0{8}00[0-9a-f]{54}$/);
    expect(channels[0]?.maxTarget).toBe('f'.repeat(64));
  });

  it('is counted with every share, for client, channel, user and worker', () => {
    const shares = [
      share({ reached: 5_000 }),
      share({ worker: 'rig1' }),
      rejectedShare(),
      rejectedShare('stale-share', 'x'),
    ];
    const state = after(...opening, ...shares);
    const of2 = { accepted: 2, work: 2_000, rejected: 2, rejectedByCode: { 'stale-share': 2 } };
    expect(state).toMatchObject({
      shares: of2,
      clients: [{ shares: of2 }],
      channels: [{ shares: of2 }],
      users: [{ shares: of2 }],
    });
    expect(state.shares.bestDifficulty).toBeCloseTo(5_000);
    expect(state.shares.lastAcceptedAt).toBe(4_000);
    // a worker that only rejected shares name has no row: anybody could make any number of them
    expect(
      state.workers.map(({ worker, shares: { accepted, rejected } }) => [worker, accepted, rejected]),
    ).toEqual([
      ['', 1, 2],
      ['rig1', 1, 0],
    ]);
  });

  it('stays listed when silent or gone; who has a channel is there without a share', () => {
    const state = after(
      ...opening,
      share(),
      closed(),
      disconnected(),
      connected(2),
      opened('bob', { clientId: 2 }),
    );
    expect(state.users.map(({ user, openChannels }) => [user, openChannels])).toEqual([
      ['alice', 0],
      ['bob', 1],
    ]);
    expect(state.workers.map(({ user, isConnected, device }) => [user, isConnected, device])).toEqual([
      ['alice', false, 'Bitaxe BM1370 2.9'],
      ['bob', true, 'Bitaxe BM1370 2.9'],
    ]);
  });

  it('has no worker without a name if all its shares name one', () => {
    const { workers, users } = after(...opening, share({ worker: 'rig1' }), share({ worker: 'rig2' }));
    expect(workers.map(({ worker }) => worker)).toEqual(['rig1', 'rig2']);
    expect(users[0]?.workers).toBe(2);
  });

  it('is as many as there is room for, the idlest go first, those with channels never', () => {
    const fold = poolFold(0, { maxUsers: 20, maxWorkers: 30 });
    fold.note(connected(), 0);
    for (let id = 1; id <= 50; id++) {
      fold.note(opened(`user ${id}`, { channelId: id }), id);
      if (id > 1) fold.note(closed(`user ${id}`, 1, id), id);
    }
    const state = fold.state(100);
    expect(state.users).toHaveLength(20);
    expect(state.users[0]).toMatchObject({ user: 'user 1', openChannels: 1 });
    expect(state.users.at(-1)).toMatchObject({ user: 'user 50' });
    for (let id = 1; id <= 1_000; id++) fold.note(share({ worker: `w${id}` }), 100 + id);
    const { workers, shares, users } = fold.state(2_000);
    expect(workers.length).toBeLessThanOrEqual(30);
    expect(workers.at(-1)?.worker).toBe('w1000');
    expect([shares.accepted, users[0]?.shares.accepted]).toEqual([1_000, 1_000]);
  });
});

it('takes the first named worker of a user in the place of the one without a name, though there is no room for more', () => {
  const fold = poolFold(0, { maxWorkers: 2 });
  fold.note(connected(), 0);
  for (const id of [1, 2]) fold.note(opened(`user ${id}`, { channelId: id }), id);
  for (const channelId of [1, 2]) fold.note(share({ channelId, worker: 'rig' }), 10);
  const named = () => fold.state(20).workers.map(({ user, worker }) => [user, worker]);
  expect(named()).toEqual([
    ['user 1', 'rig'],
    ['user 2', 'rig'],
  ]);
});

it('shares with the state before what has not changed', () => {
  const fold = poolFold(0);
  for (const outcome of [connected(1), opened('alice'), connected(2), opened('bob', { clientId: 2 }), tip(1)])
    fold.note(outcome, 1_000);
  const one = fold.state(1_000);
  expect(fold.state(1_000)).toEqual(one);
  fold.note(share(), 2_000);
  const two = fold.state(2_000);
  for (const of of ['clients', 'channels', 'users', 'workers'] as const) {
    expect(two[of][0]).not.toBe(one[of][0]);
    expect(two[of][1]).toBe(one[of][1]);
    expect(fold.state(2_500)[of]).toBe(two[of]);
  }
  expect([two.tip, two.blocks, two.upstreams, two.problems]).toEqual([
    one.tip,
    one.blocks,
    one.upstreams,
    one.problems,
  ]);
  expect(two.tip === one.tip && two.problems === one.problems && two.upstreams === one.upstreams).toBe(true);
  expect(one.shares.accepted).toBe(0);
  expect(() => JSON.stringify(two)).not.toThrow();
});

describe('blocks and what becomes of them', () => {
  const fates = (...outcomes: readonly PoolOutcome[]) =>
    after(...opening, ...outcomes).blocks.map(({ fate }) => fate);

  test.each<[string, readonly PoolOutcome[], readonly string[]]>([
    ['sent', [provider(), block(1, 9)], ['sent']],
    ['held while the provider is away', [provider(), provider(false), block(1, 9)], ['held']],
    [
      'sent when it is back',
      [block(1, 9), provider(), { type: 'SolutionsSentAgain', sent: 1, found: 1 }],
      ['sent'],
    ],
    ['unanswered', [provider(), block(1, 9), solved('SolutionUnanswered', 1, 9)], ['unanswered']],
    [
      'confirmed, and its rival lost',
      [provider(), block(1, 9), block(2, 9), solved('SolutionConfirmed', 2, 9)],
      ['lost', 'confirmed'],
    ],
    [
      'lost with all on that block',
      [provider(), block(1, 9), block(2, 9), block(3, 8), solved('SolutionLost', 1, 9)],
      ['lost', 'lost', 'sent'],
    ],
  ])('%s', (_, outcomes, expected) => {
    expect(fates(...outcomes)).toEqual(expected);
  });

  it('have whose they are, and the height if it is known', () => {
    const { blocks, shares, users } = after(...opening, tip(9), template(7), block(1, 9), block(2, 8));
    expect(blocks).toMatchObject([
      { height: 7, user: 'alice', hash: '01'.repeat(32), prevHash: '09'.repeat(32) },
      { height: null },
    ]);
    expect([shares.blocksFound, users[0]?.shares.blocksFound]).toEqual([2, 2]);
  });

  it('are a hundred at most', () => {
    const many = Array.from({ length: 130 }, (_, index) => block(index, 9));
    expect(after(...many).blocks.map(({ foundAt }) => foundAt)).toEqual(
      Array.from({ length: 100 }, (_, index) => 31_000 + index * 1_000),
    );
  });
});

describe('what the pool depends on', () => {
  it('is the template provider: since when, how often, why not', () => {
    expect(after().upstreams).toMatchObject([
      { protocol: 'templateDistribution', status: 'connecting', since: 0 },
    ]);
    expect(after(provider()).upstreams).toMatchObject([
      { status: 'connected', since: 1_000, address: 'tp:8442', connections: 1 },
    ]);
    const lost = after(provider(), provider(false), {
      ...{
        type: 'reconnecting',
        protocol: 'templateDistribution',
        attempt: 3,
        delay: 1,
        endpoint: undefined,
      },
    });
    expect(lost.upstreams).toMatchObject([
      {
        status: 'connecting',
        since: 2_000,
        attempts: 3,
        lastFailure: { code: 'connection-reset', at: 2_000 },
      },
    ]);
  });

  it('is a tip and a template, with their time', () => {
    expect(after(tip(1), tip(1), template(5, 3n), { type: 'TemplateOld', age: 1 })).toMatchObject({
      tip: { prevHash: '01'.repeat(32), difficulty: 1, at: 1_000 },
      template: { at: 3_000, height: 5, value: 3, count: 1, isOld: true },
    });
    expect(after(template(), { type: 'TemplateOld', age: 1 }, template()).template).toMatchObject({
      isOld: false,
      count: 2,
    });
  });
});

it('counts what went wrong by its code, with room for 32 of a kind', () => {
  const refusal = (errorCode: string): PoolOutcome => ({
    ...{ type: 'setupRefused', clientId: 1, peer: { address: 'a', encrypted: false }, errorCode, flags: 0 },
  });
  const { problems } = after(
    { type: 'handlerError', handler: 'mining', error: new RangeError('x') },
    { type: 'ChannelRefused', clientId: 1, userIdentity: 'x', errorCode: 'unknown-user' },
    disconnected(),
    ...Array.from({ length: 50 }, (_, index) => refusal(`code ${index}`)),
  );
  expect(problems).toMatchObject({
    ...{ handlerErrors: { RangeError: 1 }, channelsRefused: { 'unknown-user': 1 } },
    disconnects: { 'peer-closed': 1 },
  });
  expect(Object.keys(problems.setupsRefused)).toHaveLength(33);
  expect(problems.setupsRefused['other']).toBe(18);
});

it('says which outcomes it needs: those that are without number are few of them', () => {
  const { needs } = poolFold(0);
  expect(needs).toContain('ShareAccepted');
  expect([...needs].filter((type) => ['received', 'sent'].includes(type))).toEqual([]);
});
