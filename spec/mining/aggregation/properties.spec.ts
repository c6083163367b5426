import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesToHex } from '../../../src/codec/hex.js';
import { compareTargets, targetFromBigInt } from '../../../src/bitcoin/index.js';
import {
  extranonceAllocator,
  jobMarks,
  nextWork,
  type ClientChannel,
  type MiningProxyOptions,
  type MiningServer,
} from '../../../src/mining/index.js';
import { CloseChannel, UpdateChannel } from '../../../src/messages/index.js';
import {
  EASIEST_TARGET,
  hash,
  openExtended,
  openStandard,
  prevHashFor,
  server,
  template,
} from '../support.js';
import { proxyNetwork, type Miner, type ProxyNetwork } from './support.js';

/** What may happen to a proxy; numbers choose among what there is. */
type Step =
  | { readonly does: 'join'; readonly kind: 'standard' | 'extended'; readonly hashRate: number }
  | { readonly does: 'open'; readonly miner: number; readonly hashRate: number }
  | { readonly does: 'mine'; readonly miner: number; readonly channel: number; readonly nonce: number }
  | { readonly does: 'repeat' }
  | { readonly does: 'close' | 'update'; readonly miner: number; readonly channel: number }
  | { readonly does: 'leave'; readonly miner: number }
  | { readonly does: 'job' | 'tip' | 'prefix'; readonly upstream: number }
  | { readonly does: 'target'; readonly upstream: number; readonly bits: number }
  | { readonly does: 'break' | 'return'; readonly upstream: number }
  | { readonly does: 'wait'; readonly seconds: number };

const choice = fc.nat({ max: 7 });
const upstream = fc.nat({ max: 1 });
const hashRate = fc.integer({ min: 1, max: 1_000 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant('join'),
      kind: fc.constantFrom('standard', 'extended'),
      hashRate,
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('open'), miner: choice, hashRate }) },
  {
    weight: 8,
    arbitrary: fc.record({
      does: fc.constant('mine'),
      miner: choice,
      channel: choice,
      nonce: fc.nat({ max: 5_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('repeat') }) },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constantFrom('close', 'update'), miner: choice, channel: choice }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('leave'), miner: choice }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constantFrom('job', 'tip', 'prefix'), upstream }) },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constant('target'), upstream, bits: fc.integer({ min: 248, max: 256 }) }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constantFrom('break', 'return'), upstream }) },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constant('wait'), seconds: fc.integer({ min: 1, max: 90 }) }),
  },
);

/** A proxy between two pools and miners, to which whatever happens. */
const world = (options: Partial<MiningProxyOptions>, serverIds: readonly number[] = [1, 2]) => {
  const network = proxyNetwork({ indexSize: 1, ...options });
  const pools = serverIds.map((serverId) =>
    server({
      extranonce: extranonceAllocator({ serverId, randomBytes: (length) => new Uint8Array(length) }),
      marks: jobMarks((length) => new Uint8Array(length).fill(serverId)),
    }),
  );
  /** Ids of the proxy at the pools, while it is there. */
  const links = new Map<number, number>();
  const miners: Miner[] = [];
  let templates = 0;
  let requests = 1;
  let last: (() => void) | undefined;

  const of = <T>(list: readonly T[], index: number): T | undefined =>
    list.length === 0 ? undefined : list[index % list.length];
  const channelOf = (miner: Miner | undefined, index: number): ClientChannel | undefined =>
    of([...(miner?.core.channels.values() ?? [])], index);
  const newTip = (pool: MiningServer): void => {
    const id = ++templates;
    network.fromPool(pool.newTemplate(template(id)));
    network.fromPool(pool.setNewPrevHash(prevHashFor(id, { prevHash: hash(id) }), network.now));
  };
  const connect = (index: number): void => {
    if (!links.has(index)) links.set(index, network.connect(pools[index] as MiningServer, {}, index));
  };
  const disconnect = (index: number): void => {
    if (links.delete(index)) network.disconnect(index);
  };
  pools.forEach((pool, index) => {
    newTip(pool);
    connect(index);
  });

  const act = (one: Step): void => {
    switch (one.does) {
      case 'join': {
        const miner = network.miner();
        miners.push(miner);
        const fields = {
          requestId: requests++,
          nominalHashRate: one.hashRate,
          userIdentity: `a.${miner.id}`,
        };
        miner.send(one.kind === 'standard' ? openStandard(fields) : openExtended(fields));
        break;
      }
      case 'open':
        of(miners, one.miner)?.send(openExtended({ requestId: requests++, nominalHashRate: one.hashRate }));
        break;
      case 'mine': {
        const miner = of(miners, one.miner);
        const channel = channelOf(miner, one.channel);
        if (miner === undefined || channel === undefined || nextWork(channel, network.now) === null) break;
        last = () => void miner.mine(channel, one.nonce);
        last();
        break;
      }
      case 'repeat':
        last?.();
        break;
      case 'close': {
        const miner = of(miners, one.miner);
        const channel = channelOf(miner, one.channel);
        if (miner === undefined || channel === undefined) break;
        miner.send(CloseChannel({ channelId: channel.channelId, reasonCode: '' }));
        miner.core.close(channel.channelId);
        last = undefined;
        break;
      }
      case 'update': {
        const miner = of(miners, one.miner);
        const channel = channelOf(miner, one.channel);
        if (miner === undefined || channel === undefined) break;
        const { channelId } = channel;
        miner.send(UpdateChannel({ channelId, nominalHashRate: 7, maximumTarget: EASIEST_TARGET }));
        break;
      }
      case 'leave': {
        const miner = of(miners, one.miner);
        if (miner === undefined) break;
        miners.splice(miners.indexOf(miner), 1);
        miner.leave();
        last = undefined;
        break;
      }
      case 'job':
        network.fromPool(
          (pools[one.upstream] as MiningServer).newTemplate(template(++templates, { futureTemplate: false })),
        );
        break;
      case 'tip':
        newTip(pools[one.upstream] as MiningServer);
        break;
      case 'prefix': {
        const pool = pools[one.upstream] as MiningServer;
        for (const [clientId, { channelId }] of [...pool.channels()])
          network.fromPool(pool.setExtranoncePrefix(clientId, channelId));
        break;
      }
      case 'target': {
        const pool = pools[one.upstream] as MiningServer;
        const { bits } = one;
        const target = targetFromBigInt((1n << BigInt(bits)) - 1n);
        for (const [clientId, { channelId }] of [...pool.channels()])
          network.fromPool(pool.setTarget(clientId, channelId, target));
        break;
      }
      case 'break':
        disconnect(one.upstream);
        break;
      case 'return':
        connect(one.upstream);
        break;
      case 'wait':
        network.tick(one.seconds * 1_000);
    }
  };
  return { network, pools, miners, act, disconnect, connect };
};

/** The extranonces that open channels have are their own: none is the beginning of another's. */
const expectDisjoint = (miners: readonly Miner[], size: number): void => {
  const channels = miners.flatMap(({ core }) => [...core.channels.values()]);
  const prefixes = channels.map(({ extranoncePrefix }) => bytesToHex(extranoncePrefix)).sort();
  prefixes.forEach((prefix, index) => {
    if (prefixes[index + 1]?.startsWith(prefix) === true) throw new Error(`${prefix} is given twice`);
  });
  for (const { kind, extranoncePrefix, extranonceSize } of channels)
    expect(extranoncePrefix.length + (kind === 'standard' ? 0 : extranonceSize)).toBe(size);
};

const key = (share: { clientId: number; channelId: number; sequenceNumber: number }): string =>
  `${share.clientId}/${share.channelId}/${share.sequenceNumber}`;

/** Each credited share has one fate, each forwarded one verdict, and pools have counted what they have accepted. */
const expectAccounts = (network: ProxyNetwork): void => {
  const credited = network.of('ShareAccepted');
  const forwarded = network.of('ShareForwarded').map(({ share }) => share);
  const kept = network.of('ShareNotForwarded');
  expect([...forwarded, ...kept].map(key).sort()).toEqual(credited.map(key).sort());
  const accepted = network.of('UpstreamAccepted').flatMap(({ shares }) => shares);
  const rejected = network.of('UpstreamRejected').flatMap(({ share }) => (share === null ? [] : [share]));
  const unanswered = network.of('UpstreamUnanswered').flatMap(({ shares }) => shares);
  expect([...accepted, ...rejected, ...unanswered].map(key).sort()).toEqual(forwarded.map(key).sort());
  const atPools = network.poolOutcomes.filter(({ type }) => type === 'ShareAccepted');
  expect(accepted.length + unanswered.length).toBe(atPools.length);
};

/** No channel's target is harder than that of the upstream channel, for jobs to come or the one that is mined. */
const expectEasier = (miners: readonly Miner[], pool: MiningServer): void => {
  const [[, upstreamChannel] = []] = [...pool.channels()];
  if (upstreamChannel === undefined) return;
  const { target, jobs } = upstreamChannel;
  const mined = jobs.active?.target ?? target;
  const hardest = compareTargets(target, mined) > 0 ? target : mined;
  for (const { core } of miners)
    for (const channel of core.channels.values())
      expect(compareTargets(channel.target, hardest)).toBeGreaterThanOrEqual(0);
};

describe.each([
  ['aggregates', { mode: 'aggregate' }],
  ['aggregates three channels at a time', { mode: 'aggregate', channelsPerUpstreamChannel: 3 }],
  ['passes channels through', { mode: 'pass-through' }],
] as const)('a proxy that %s, whatever happens', (_, options) => {
  it('gives no extranonce twice, has each share credited once and answered once, and gives everything back', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) => {
        const { network, miners, act, pools, connect } = world(options);
        for (const one of steps) {
          act(one);
          expectDisjoint(miners, 9);
        }
        expect(network.nonsense).toEqual([]);
        expectAccounts(network);
        while (miners.length > 0) act({ does: 'leave', miner: 0 });
        [0, 1].forEach(connect);
        act({ does: 'wait', seconds: 90 });
        expect(pools.flatMap((pool) => [...pool.channels()])).toEqual([]);
        expectAccounts(network);
      }),
      { seed: 8, numRuns: 15, endOnFailure: true },
    );
  });
});

describe('a proxy that shares one upstream channel', () => {
  const alone = step.filter(
    (one) => one.does !== 'break' && one.does !== 'return' && (!('upstream' in one) || one.upstream === 0),
  );

  it('has no target that is harder than that there, whatever is opened, asked for and set', () => {
    fc.assert(
      fc.property(fc.array(alone, { minLength: 10, maxLength: 40 }), (steps) => {
        const { miners, act, pools } = world({ mode: 'aggregate' }, [1]);
        for (const one of steps) {
          act(one);
          expectEasier(miners, pools[0] as MiningServer);
        }
      }),
      { seed: 8, numRuns: 30, endOnFailure: true },
    );
  });

  it('asks for one with the sum of the hash rates of those that are there', () => {
    fc.assert(
      fc.property(fc.array(hashRate, { minLength: 1, maxLength: 20 }), (hashRates) => {
        const { network, act, connect, disconnect } = world({ mode: 'aggregate' }, [1]);
        disconnect(0);
        for (const rate of hashRates) act({ does: 'join', kind: 'standard', hashRate: rate });
        connect(0);
        const sum = hashRates.reduce((all, rate) => all + rate, 0);
        const [request] = network.sent;
        expect(request).toMatchObject({ type: 'OpenExtendedMiningChannel' });
        const { nominalHashRate } = request as unknown as { readonly nominalHashRate: number };
        expect(nominalHashRate / sum).toBeCloseTo(1, 5);
      }),
      { seed: 8, numRuns: 30, endOnFailure: true },
    );
  });
});
