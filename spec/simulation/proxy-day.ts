/** A day of a proxy by the seed: miners come and go, pools die and return. Asserts that no share is lost without a word. */
import { bytesToHex } from '../../src/codec/hex.js';
import { targetToBigInt } from '../../src/bitcoin/target.js';
import { CloseChannel, UpdateChannel, type Message } from '../../src/messages/index.js';
import type { MiningToClient } from '../../src/messages/directions.js';
import {
  extranonceAllocator,
  isMiningServerMessage,
  jobMarks,
  miningClient,
  miningProxy,
  type ClientChannel,
  type ForwardedShare,
  type MiningClient,
  type MiningClientMessage,
  type MiningProxyOptions,
  type MiningProxyOutput,
  type MiningServer,
  type MiningServerOutput,
} from '../../src/mining/index.js';
import {
  EASIEST_TARGET,
  hash,
  mineShare,
  NOW,
  openExtended,
  openStandard,
  prevHashFor,
  REQUIRES_STANDARD_JOBS,
  server as serverWith,
  template,
} from '../mining/support.js';
import { diceOf } from './random.js';

/** Few, so that a day does not take long. */
const sharesPerMinute = 0.5;

/** What a day came to. */
export interface DayCounts {
  credited: number;
  forwarded: number;
  kept: number;
  accepted: number;
  rejected: number;
  unanswered: number;
  stale: number;
  switches: number;
  miners: number;
  /** Difficulty credited here while there was an upstream, and at the pools. */
  work: number;
  upstreamWork: number;
}

interface Miner {
  readonly id: number;
  readonly core: MiningClient;
  /** Hashes per second of each channel. */
  readonly hashRate: number;
  readonly isStandard: boolean;
  requests: number;
}

interface Pool {
  readonly index: number;
  server: MiningServer;
  isUp: boolean;
  templates: number;
}

/**
 * Runs a proxy between two pools and some twenty miners, in steps of a second.
 *
 * @param seed decides everything
 * @throws Error naming the seed, the second and what did not hold
 */
export function proxyDay(seed: number, seconds: number, mode: MiningProxyOptions['mode']): DayCounts {
  const { random, below, pick, randomBytes } = diceOf(seed);
  /** Whether something happens this second that happens once in so many. */
  const once = (every: number): boolean => random() < 1 / every;
  const counts: DayCounts = {
    ...{ credited: 0, forwarded: 0, kept: 0, accepted: 0, rejected: 0, unanswered: 0, stale: 0 },
    ...{ switches: 0, miners: 0, work: 0, upstreamWork: 0 },
  };
  let second = 0;
  let now = NOW;
  let tips = 1;
  let lastClient = 0;

  function fail(problem: string): never {
    throw new Error(`seed ${seed}, second ${second}: ${problem}`);
  }

  const proxy = miningProxy({ mode, randomBytes, shareBatchSize: 3, sharesPerMinute, minHashrate: 0.1 });
  const miners = new Map<number, Miner>();
  const startPool = (index: number): MiningServer =>
    serverWith({
      extranonce: extranonceAllocator({ serverId: index, randomBytes, indexSize: 2 }),
      marks: jobMarks(randomBytes),
      shareBatchSize: 1 + below(5),
      sharesPerMinute: mode === 'aggregate' ? 2 : sharesPerMinute,
      minHashrate: 0.1,
      vardiff: true,
    });
  const pools: readonly Pool[] = [0, 1].map((index) => ({
    index,
    server: startPool(index),
    isUp: true,
    templates: 0,
  }));

  /** The connection upstream: what is on its way is lost with it. */
  let link: { readonly pool: Pool; readonly clientId: number } | undefined;
  let toPool: MiningClientMessage[] = [];
  let fromPool: Message[] = [];
  let reconnectAt = 0;
  let connectedAt = 0;

  /** Credited here and without a fate, by client, channel and sequence number; then sent and without a verdict. */
  const undecided = new Map<string, number>();
  const onTheWay = new Map<string, ForwardedShare>();
  /** What pools have credited, by hash, that the proxy does not know of yet. */
  const creditedAtPools = new Map<string, number>();

  const keyOf = (share: { clientId: number; channelId: number; sequenceNumber: number }): string =>
    `${share.clientId}/${share.channelId}/${share.sequenceNumber}`;

  const decide = (key: string, difficulty: number): void => {
    if (undecided.get(key) !== difficulty) fail(`share ${key} has a fate that it should not have`);
    undecided.delete(key);
  };
  const judge = (share: ForwardedShare): void => {
    if (!onTheWay.delete(bytesToHex(share.hash))) fail(`share ${keyOf(share)} has a second verdict`);
  };

  function take({ messages, toUpstreams, outcomes }: MiningProxyOutput): void {
    for (const outcome of outcomes) {
      switch (outcome.type) {
        case 'ShareAccepted':
          undecided.set(keyOf(outcome), outcome.difficulty);
          counts.credited += 1;
          if (link !== undefined) counts.work += outcome.difficulty;
          break;
        case 'ShareRejected':
          if (outcome.errorCode !== 'stale-share') fail(`a share was rejected here: ${outcome.errorCode}`);
          counts.stale += 1;
          break;
        case 'ShareForwarded': {
          const { share } = outcome;
          decide(keyOf(share), share.difficulty);
          onTheWay.set(bytesToHex(share.hash), share);
          counts.forwarded += 1;
          break;
        }
        case 'ShareNotForwarded':
          decide(keyOf(outcome), outcome.difficulty);
          counts.kept += 1;
          // until the first job of the next upstream comes, work is still that of the one before
          if (link !== undefined && outcome.reason === 'upstream-gone' && now - connectedAt > 3_000)
            fail('a share was kept back though there is an upstream');
          break;
        case 'UpstreamAccepted':
          if (outcome.count !== outcome.shares.length) fail('the pool has counted other shares');
          for (const share of outcome.shares) {
            judge(share);
            const key = bytesToHex(share.hash);
            if (creditedAtPools.get(key) !== share.upstreamDifficulty)
              fail('the pool has credited it otherwise');
            creditedAtPools.delete(key);
            counts.accepted += 1;
          }
          break;
        case 'UpstreamRejected':
          if (outcome.share === null) return fail('a share was rejected that was not sent');
          if (outcome.errorCode !== 'stale-share') fail(`the pool rejected a share: ${outcome.errorCode}`);
          judge(outcome.share);
          counts.rejected += 1;
          break;
        case 'UpstreamUnanswered':
          for (const share of outcome.shares) {
            judge(share);
            creditedAtPools.delete(bytesToHex(share.hash)); // it may have got there
          }
          counts.unanswered += outcome.shares.length;
          break;
        case 'UpstreamFault':
        case 'UpstreamNonsense':
        case 'ClientUnserved':
          fail(`${outcome.type}: ${outcome.message}`);
      }
    }
    for (const { clientId, messages: own } of messages) {
      const miner = miners.get(clientId);
      for (const message of own) {
        if (miner === undefined || !isMiningServerMessage(message)) continue;
        for (const change of miner.core.handle(message, now))
          if (change.type === 'nonsense' || change.type === 'unusable') fail(change.error.message);
      }
    }
    for (const { messages: own } of toUpstreams) toPool.push(...(own as MiningClientMessage[]));
  }

  function takePool(pool: Pool, { messages, outcomes }: MiningServerOutput): void {
    for (const outcome of outcomes) {
      if (outcome.type !== 'ShareAccepted') continue;
      creditedAtPools.set(bytesToHex(outcome.hash), outcome.difficulty);
      counts.upstreamWork += outcome.difficulty;
    }
    if (link?.pool !== pool) return;
    for (const { clientId, messages: own } of messages) if (clientId === link.clientId) fromPool.push(...own);
  }

  function connect(): void {
    if (link !== undefined || now < reconnectAt) return;
    const pool = pools.find(({ isUp }) => isUp);
    if (pool === undefined) return;
    counts.switches += 1;
    connectedAt = now;
    const clientId = ++lastClient;
    pool.server.addClient(clientId, 0);
    link = { pool, clientId };
    take(proxy.addUpstream(0, mode === 'aggregate' ? { userIdentity: 'farm' } : {}, now));
  }

  function disconnect(): void {
    if (link === undefined) return;
    const { pool, clientId } = link;
    link = undefined;
    toPool = [];
    fromPool = [];
    takePool(pool, pool.server.removeClient(clientId));
    reconnectAt = now + 1_000 * below(20);
    take(proxy.removeUpstream(0, 'the connection broke', now));
  }

  function newWork(pool: Pool, isTip: boolean): void {
    pool.templates += 1;
    const future = isTip || pool.templates === 1;
    takePool(pool, pool.server.newTemplate(template(pool.templates, { futureTemplate: future })));
    if (!future) return;
    const headerTimestamp = Math.floor(now / 1_000);
    const tip = prevHashFor(pool.templates, { prevHash: hash(tips), headerTimestamp });
    takePool(pool, pool.server.setNewPrevHash(tip, now));
  }

  function join(): void {
    counts.miners += 1;
    const id = counts.miners;
    const isStandard = random() < 0.5;
    const flags = isStandard && random() < 0.5 ? REQUIRES_STANDARD_JOBS : 0;
    proxy.addClient(id, flags);
    const miner: Miner = { id, core: miningClient(), hashRate: (1 + below(8)) / 8, isStandard, requests: 0 };
    miners.set(id, miner);
    open(miner);
  }

  function open(miner: Miner): void {
    miner.requests += 1;
    const fields = {
      requestId: miner.requests,
      nominalHashRate: miner.hashRate,
      userIdentity: `user${miner.id}.rig`,
    };
    const request = miner.isStandard ? openStandard(fields) : openExtended(fields);
    miner.core.request(request);
    take(proxy.handle(miner.id, request, now));
  }

  function leave(miner: Miner): void {
    miners.delete(miner.id);
    take(proxy.removeClient(miner.id, now));
  }

  function close(miner: Miner): void {
    const channelId = pick([...miner.core.channels.keys()]);
    if (channelId === undefined || miner.core.channels.size < 2) return;
    miner.core.close(channelId);
    take(proxy.handle(miner.id, CloseChannel({ channelId, reasonCode: '' }), now));
  }

  function update({ id, core, hashRate }: Miner): void {
    const channelId = pick([...core.channels.keys()]);
    if (channelId === undefined) return;
    const said = { channelId, nominalHashRate: hashRate, maximumTarget: EASIEST_TARGET };
    take(proxy.handle(id, UpdateChannel(said), now));
  }

  /** Mines for a second. */
  function mine(miner: Miner, channel: ClientChannel): void {
    const { active } = channel.jobs;
    if (active === null) return;
    const expected = (miner.hashRate * Number(targetToBigInt(active.target))) / 2 ** 256;
    if (random() >= 1 - Math.exp(-expected)) return;
    const { message } = mineShare(channel, now, below(2 ** 31));
    take(proxy.handle(miner.id, message, now));
  }

  for (const pool of pools) newWork(pool, true);
  for (let count = 0; count < 10; count++) join();
  for (second = 1; second <= seconds; second++) {
    now += 1_000;
    for (const pool of pools) {
      if (!pool.isUp) {
        if (!once(300)) continue;
        pool.isUp = true;
        pool.server = startPool(pool.index);
        newWork(pool, true);
        if (pool.index === 0 && link !== undefined) disconnect(); // back to the preferred one
      } else if (once(5_400)) {
        pool.isUp = false;
        if (link?.pool === pool) disconnect();
        continue;
      }
      if (once(45)) newWork(pool, false);
      takePool(pool, pool.server.tick(now));
      takePool(pool, pool.server.renewJobs(now, 30_000));
    }
    if (once(600)) {
      tips += 1;
      for (const pool of pools) if (pool.isUp) newWork(pool, true);
    }
    connect();
    const present = [...miners.values()];
    if (once(900) && present.length < 25) join();
    const one = pick(present);
    const dice = below(3_600);
    if (one !== undefined && dice < 3 && present.length > 5) leave(one);
    else if (one !== undefined && dice < 5) open(one);
    else if (one !== undefined && dice < 7) close(one);
    else if (one !== undefined && dice < 9) update(one);
    for (const miner of miners.values())
      for (const channel of miner.core.channels.values()) mine(miner, channel);
    take(proxy.tick(now));
    // what was said last second arrives
    if (link !== undefined) {
      const { pool, clientId } = link;
      const [up, down] = [toPool, fromPool];
      toPool = [];
      fromPool = [];
      for (const message of up) takePool(pool, pool.server.handle(clientId, message, now));
      for (const message of down) take(proxy.handleUpstream(0, message as MiningToClient, now));
    } else toPool = [];
    if (undecided.size > 0) fail('a share was credited and has no fate');
  }
  disconnect();
  if (onTheWay.size > 0) fail(`${onTheWay.size} shares were sent and have no verdict`);
  return counts;
}
