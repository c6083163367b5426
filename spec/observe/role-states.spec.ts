import { describe, expect, it, test } from '@jest/globals';
import { map, type Observable } from 'rxjs';
import type {
  ClientOutcome,
  MinerOutcome,
  PoolOutcome,
  ProxyOutcome,
  ServerOutcome,
  TemplateProviderOutcome,
} from 'rx-sv2';
import {
  isOfSide,
  minerFold,
  minerState,
  observed,
  observedFromJson,
  observedToJson,
  proxyFold,
  proxyState,
  sideOf,
  templateProviderFold,
  templateProviderState,
  translatorState,
  type AnyOutcome,
  type Fold,
  type Observed,
  type StateTimes,
} from 'rx-sv2/observe';
import { marbles } from 'rx-sv2/testing';
import { outcomesOf } from './outcome-arbitraries.js';
import { connected, hashOf, opened, provider, share, tip } from './support.js';
import * as fc from 'fast-check';

function after<S extends StateTimes>(fold: Fold<S>, ...outcomes: readonly AnyOutcome[]): S {
  let now = 0;
  for (const outcome of outcomes) fold.note(outcome, (now += 1_000));
  return fold.state(now);
}

const pool = {
  peer: { address: 'pool:3333', encrypted: true },
  endpoint: { host: 'pool', port: 3333 },
} as const;
const connectedToPool: ClientOutcome = {
  ...{ type: 'connected', protocol: 'mining' },
  server: { ...pool, upstream: 0, protocol: 'mining', version: 2, flags: 0, extensions: [] },
};
const lostPool: ClientOutcome = {
  ...{ type: 'disconnected', protocol: 'mining', reason: { code: 'inactive', message: 'it is silent' } },
};

describe('minerState', () => {
  const channel = [
    connectedToPool,
    { type: 'ChannelOpened', kind: 'standard', channelId: 7, difficulty: 2 },
    { type: 'JobStarted', channelId: 7, jobId: 3 },
    { type: 'TargetChanged', channelId: 7, difficulty: 4 },
    { type: 'HashRate', hashesPerSecond: 1e6 },
    { type: 'ShareFound', channelId: 7, jobId: 3, sequenceNumber: 1 },
    { type: 'ShareFound', channelId: 7, jobId: 3, sequenceNumber: 2 },
    { type: 'SharesAccepted', channelId: 7, count: 1 },
    { type: 'ShareRejected', channelId: 7, sequenceNumber: 2, errorCode: 'stale-share' },
  ] satisfies ClientOutcome<MinerOutcome>[];
  const shares = {
    found: 2,
    accepted: 1,
    rejected: 1,
    rejectedByCode: { 'stale-share': 1 },
    lastAcceptedAt: 8_000,
  };

  it('has its channels, what it delivered, and its pool', () => {
    expect(after(minerFold(0), ...channel)).toMatchObject({
      ...{ role: 'miner', time: 9_000, startedAt: 0, measuredHashRate: 1e6, shares },
      channels: [
        { channelId: 7, kind: 'standard', difficulty: 4, openedAt: 2_000, job: { jobId: 3 }, shares },
      ],
      upstreams: [{ status: 'connected', address: 'pool:3333' }],
    });
  });

  it('has no channels without its pool, and keeps what it counted', () => {
    expect(after(minerFold(0), ...channel, lostPool)).toMatchObject({
      ...{ channels: [], measuredHashRate: 0, shares },
      upstreams: [{ status: 'disconnected', lastFailure: { code: 'inactive' } }],
    });
  });
});

describe('proxyState', () => {
  const forwarded = (upstreamSequenceNumber: number) => ({
    ...{
      clientId: 1,
      channelId: 1,
      userIdentity: 'alice',
      worker: 'rig',
      sequenceNumber: 1,
      hash: hashOf(0),
    },
    ...{ difficulty: 1_000, upstreamSequenceNumber, upstreamDifficulty: 4_000 },
  });
  const target = new Uint8Array(32).fill(0xff, 0, 26);
  const way = { upstream: 0, upstreamChannelId: 5 } as const;
  const passing = [
    connectedToPool,
    { type: 'UpstreamConnected', upstream: 0, server: 0, endpoint: pool.endpoint, since: 0 },
    {
      ...{ type: 'UpstreamChannelOpened', upstream: 0, channelId: 5, userIdentity: 'farm', target },
      nominalHashRate: 5e11,
    },
    { type: 'HashRateTold', upstream: 0, channelId: 5, hashRate: 1e12 },
    { type: 'UpstreamJobStarted', upstream: 0, channelId: 5, jobId: 9, prevHash: hashOf(3) },
    connected(),
    opened(),
    share(),
    { type: 'ShareForwarded', ...way, share: forwarded(1), isBlock: false },
    share(),
    { type: 'ShareForwarded', ...way, share: forwarded(2), isBlock: true },
    share(),
    {
      ...{ type: 'ShareNotForwarded', clientId: 1, channelId: 1, sequenceNumber: 3, difficulty: 1 },
      ...{ upstream: 0, reason: 'below-upstream-target' },
    },
    { type: 'UpstreamAccepted', ...way, shares: [forwarded(1)], newSharesSum: 4_000n, count: 1 },
    { type: 'UpstreamRejected', ...way, share: forwarded(2), errorCode: 'stale-share' },
    { type: 'UpstreamNonsense', upstream: 0, code: 'unknown-job', message: 'x' },
  ] satisfies ProxyOutcome[];
  const upstreamShares = {
    ...{ submitted: 2, accepted: 1, acceptedWork: 4_000, rejected: 1, rejectedByCode: { 'stale-share': 1 } },
    ...{ unanswered: 0, submittedWork: 8_000, bestDifficulty: Infinity, blocksFound: 1 },
  };

  it('has miners on one side, the pool on the other, and what became of the work between', () => {
    expect(after(proxyFold(0), ...passing)).toMatchObject({
      ...{ role: 'proxy', clients: [{ clientId: 1 }], shares: { accepted: 3 }, upstreamShares },
      upstreams: [{ status: 'connected', protocol: 'mining' }],
      upstreamChannels: [
        {
          ...{ channelId: 5, user: 'farm', nominalHashRate: 1e12, openedAt: 3_000, shares: upstreamShares },
          job: { jobId: 9, prevHash: '03'.repeat(32), at: 5_000 },
        },
      ],
      notForwarded: { 'below-upstream-target': 1 },
      upstreamFaults: { 'unknown-job': 1 },
    });
  });

  it('knows the hash rate that a channel was opened with, until the pool is told another', () => {
    const opening = passing.slice(0, 3);
    expect(after(proxyFold(0), ...opening).upstreamChannels).toMatchObject([{ nominalHashRate: 5e11 }]);
  });

  it('has no channels to a pool that is lost, and keeps what it counted', () => {
    const reason = { code: 'x', message: 'y' };
    const lost: ProxyOutcome = {
      type: 'UpstreamLost',
      upstream: 0,
      server: 0,
      endpoint: undefined,
      since: 0,
      reason,
    };
    expect(after(proxyFold(0), ...passing, lost)).toMatchObject({ upstreamChannels: [], upstreamShares });
  });

  it('shares what has not changed', () => {
    const fold = proxyFold(0);
    const one = after(fold, ...passing);
    fold.note(tip(1), 99_000);
    const two = fold.state(one.time);
    expect(two.upstreamChannels).toBe(one.upstreamChannels);
    expect(two.upstreamShares).toBe(one.upstreamShares);
    expect(two.clients).toBe(one.clients);
  });
});

describe('templateProviderState', () => {
  it('has its clients, tip, templates, blocks, and how its source fares', () => {
    const outcomes = [
      connected() as Extract<ServerOutcome, { readonly type: 'connected' }>,
      { type: 'TipChanged', height: 5, prevHash: hashOf(1), nbits: 0x207fffff },
      {
        ...{ type: 'TemplateSent', clientIds: [1, 2], templateId: 1n, futureTemplate: true, height: 5 },
        ...{ transactionCount: 3, fees: 900n },
      },
      {
        type: 'BlockAccepted',
        clientId: 1,
        templateId: 1n,
        height: 5,
        hash: hashOf(2),
        coinbaseTx: hashOf(1),
      },
      { type: 'BlockRejected', clientId: 1, templateId: 1n, hash: null, reason: 'high-hash', message: 'x' },
      { type: 'SourceError', code: 'rpc-refused', message: 'no node', retryIn: 1 },
    ] satisfies ServerOutcome<TemplateProviderOutcome>[];
    expect(after(templateProviderFold(0), ...outcomes)).toMatchObject({
      ...{ role: 'template-provider', clients: [{ clientId: 1 }], blocksAccepted: 1 },
      tip: { height: 5, prevHash: '01'.repeat(32) },
      template: { transactionCount: 3, fees: 900, count: 1, at: 3_000 },
      blocksRejected: { 'high-hash': 1 },
      blocks: [{ isAccepted: true }, { isAccepted: false, hash: null, reason: 'high-hash' }],
      source: { isWorking: false, since: 6_000, problem: { code: 'rpc-refused' } },
    });
    const recovered: TemplateProviderOutcome = { type: 'SourceRecovered' };
    expect(after(templateProviderFold(0), ...outcomes, recovered).source).toMatchObject({
      isWorking: true,
      since: 7_000,
    });
  });
});

test('states of all roles are there at once', () => {
  marbles(({ cold, expectObservable }) => {
    const role = map(({ role: name }: { readonly role: string }) => name);
    expectObservable(cold<ClientOutcome<MinerOutcome>>('-').pipe(minerState(), role), '4s !').toBe('a', {
      a: 'miner',
    });
    expectObservable(cold<ProxyOutcome>('-').pipe(proxyState(), role), '4s !').toBe('a', { a: 'proxy' });
    expectObservable(cold<ProxyOutcome>('-').pipe(translatorState(), role), '4s !').toBe('a', {
      a: 'translator',
    });
    const provider$ = cold<ServerOutcome<TemplateProviderOutcome>>('-').pipe(templateProviderState(), role);
    expectObservable(provider$, '4s !').toBe('a', { a: 'template-provider' });
  });
});

describe('observed', () => {
  it('gives outcomes role, side and time', () => {
    marbles(({ cold, expectObservable }) => {
      const outcome$ = cold('--a--b', { a: connected(), b: provider() });
      expectObservable(outcome$.pipe(observed('pool'))).toBe('--a--b', {
        a: { role: 'pool', side: 'server', time: 2, outcome: connected() },
        b: { role: 'pool', side: 'client', time: 5, outcome: provider() },
      });
    });
  });

  it('comes back from JSON, and what is no such thing does not', () => {
    marbles(({ cold, expectObservable }) => {
      const there$ = cold('a', { a: share() }).pipe(observed('pool'));
      const back$ = there$.pipe(
        map((each) => observedFromJson(JSON.parse(JSON.stringify(observedToJson(each))))),
      );
      expectObservable(back$ as Observable<unknown>).toEqual(there$);
    });
    for (const wrong of [null, 5, {}, { role: 'x', side: 'y', time: 1, outcome: { type: 'x' } }])
      expect(() => observedFromJson(wrong)).toThrow('expected an object with role, side, time and outcome');
  });

  it('has types: the side narrows the outcome', () => {
    const typeOf = (each: Observed<ServerOutcome | ClientOutcome>): string =>
      each.side === 'client' && each.outcome.type === 'connected'
        ? each.outcome.server.peer.address
        : each.outcome.type;
    const event = { role: 'x', side: 'client', time: 0, outcome: connectedToPool } as Observed<ClientOutcome>;
    expect(typeOf(event)).toBe('pool:3333');
  });

  test.each([
    ['server', 'ServerSide'],
    ['client', 'ClientSide'],
  ] as const)('tells the outcomes of a %s from those of the other side', (side, name) => {
    for (const [kind, arbitrary] of outcomesOf(name))
      for (const outcome of fc.sample(arbitrary as fc.Arbitrary<AnyOutcome>, { seed: 1, numRuns: 5 }))
        // of extra nodes servers are clients, too; a handler that failed is told apart by what it was handling
        if (outcome.type !== 'handlerError')
          expect([kind, sideOf(outcome)]).toEqual([
            kind,
            outcome.type === 'ExtraSubmission' ? 'client' : side,
          ]);
  });

  it('narrows the type: what is of a client has no clientId', () => {
    const address = (outcome: PoolOutcome): string | undefined =>
      isOfSide('client', outcome) && outcome.type === 'connected' ? outcome.server.peer.address : undefined;
    const clientIdOf = (outcome: PoolOutcome): number | undefined =>
      isOfSide('server', outcome) && outcome.type === 'connected' ? outcome.clientId : undefined;
    const there = [connected() as PoolOutcome, provider()];
    expect(there.map(address)).toEqual([undefined, expect.any(String)]);
    expect(there.map(clientIdOf)).toEqual([1, undefined]);
  });

  it('tells where a handler failed by what it was handling', () => {
    const failed = (handler: string, event?: object) =>
      sideOf({ type: 'handlerError', handler, error: 1, ...(event === undefined ? {} : { event }) } as never);
    expect(failed('mining')).toBe('server');
    expect(failed('templateDistribution')).toBe('client');
    expect(failed('mining', { type: 'message', clientId: 1 })).toBe('server');
    expect(failed('mining', { type: 'started' })).toBe('server');
    expect(failed('mining', { type: 'connected', protocol: 'mining' })).toBe('client');
  });
});
