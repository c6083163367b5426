/** A proxy whose miners' work is split between pools by weight, for an hour of virtual time. */
import { targetToBigInt } from '../../src/bitcoin/target.js';
import {
  extranonceAllocator,
  jobMarks,
  type MiningProxyOptions,
  type MiningProxyOutcome,
  type MiningServer,
} from '../../src/mining/index.js';
import { proxyNetwork, type Miner, type ProxyNetwork } from '../mining/aggregation/support.js';
import {
  hash,
  mineShare,
  openExtended,
  openStandard,
  prevHashFor,
  server,
  template,
} from '../mining/support.js';
import { randomOf } from './random.js';

/** What is simulated. */
export interface SplitOptions {
  readonly seed: number;
  readonly mode?: MiningProxyOptions['mode'];
  /** Of the pools. */
  readonly weights: readonly number[];
  /** Hashes per second of the miners, each of which has a channel. */
  readonly hashRates: readonly number[];
  /** What a miner says of its hash rate; the truth unless given. */
  readonly nominal?: (hashRate: number) => number;
  /** Shares a minute that pools aim at; 12 unless given. */
  readonly poolSharesPerMinute?: number;
  readonly proxy?: Partial<MiningProxyOptions>;
  /** Called each second, before it is mined. */
  readonly each?: (second: number, simulation: SplitSimulation) => void;
}

/** A simulation under way. */
export interface SplitSimulation {
  readonly network: ProxyNetwork;
  readonly miners: readonly Miner[];
  /** What miners here were credited with for work of each pool: difficulties. */
  readonly work: number[];
  /** What each pool has credited. Fewer shares, so that it is more of a matter of luck. */
  readonly accepted: number[];
  /** What miners were credited with for work of pools that are gone. */
  lost: number;
  /** How often a miner was moved. */
  moves: number;
  /** What every miner would have proved on average. */
  expected: number;
  /** What pools were told of hash rates, and in which second. */
  readonly told: { readonly second: number; readonly upstream: number; readonly hashRate: number }[];
  die(upstream: number): void;
  comeBack(upstream: number): void;
}

/** Runs it for that many seconds. */
export function splitWork(seconds: number, options: SplitOptions): SplitSimulation {
  const { seed, weights, hashRates, mode = 'aggregate', each = () => undefined } = options;
  const { nominal = (hashRate: number) => hashRate, poolSharesPerMinute = 12 } = options;
  const random = randomOf(seed);
  const randomBytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(random() * 256));
  const network = proxyNetwork({ mode, randomBytes, minHashrate: 0.01, ...options.proxy });
  const pools = new Map<number, { readonly pool: MiningServer; templates: number }>();
  const clientIds = new Map<number, number>();
  const work = weights.map(() => 0);
  const accepted = weights.map(() => 0);

  const simulation: SplitSimulation = {
    ...{ network, work, accepted, lost: 0, moves: 0, expected: 0, told: [] },
    miners: hashRates.map(() => network.miner()),
    die(upstream) {
      pools.delete(upstream);
      clientIds.delete(upstream);
      network.disconnect(upstream);
    },
    comeBack(upstream) {
      const pool = server({
        extranonce: extranonceAllocator({ serverId: upstream, randomBytes, indexSize: 2 }),
        marks: jobMarks(randomBytes),
        sharesPerMinute: poolSharesPerMinute,
        minHashrate: 0.01,
        vardiff: true,
      });
      pools.set(upstream, { pool, templates: 1 });
      pool.newTemplate(template(1));
      pool.setNewPrevHash(prevHashFor(1, { prevHash: hash(1) }), network.now);
      clientIds.set(upstream, network.connect(pool, { weight: weights[upstream] as number }, upstream));
    },
  };
  weights.forEach((_, upstream) => simulation.comeBack(upstream));
  simulation.miners.forEach((miner, index) => {
    const fields = { userIdentity: `user${index}.rig`, nominalHashRate: nominal(hashRates[index] as number) };
    miner.send(index % 2 === 0 ? openExtended(fields) : openStandard(fields));
  });

  const take = (outcome: MiningProxyOutcome, second: number): void => {
    const add = (to: number[], upstream: number, difficulty: number): void => {
      to[upstream] = (to[upstream] as number) + difficulty;
    };
    switch (outcome.type) {
      case 'ShareForwarded':
        add(work, outcome.upstream, outcome.share.difficulty);
        break;
      case 'ShareNotForwarded':
        if (outcome.reason === 'below-upstream-target')
          add(work, outcome.upstream as number, outcome.difficulty);
        else simulation.lost += outcome.difficulty;
        break;
      case 'UpstreamAccepted':
        for (const { upstreamDifficulty } of outcome.shares)
          add(accepted, outcome.upstream, upstreamDifficulty);
        break;
      case 'HashRateTold':
        simulation.told.push({ second, upstream: outcome.upstream, hashRate: outcome.hashRate });
        break;
      case 'ClientMoved':
        simulation.moves += 1;
        break;
      case 'ShareRejected':
      case 'UpstreamRejected':
        throw new Error(`seed ${seed}, second ${second}: ${outcome.type} ${outcome.errorCode}`);
      case 'UpstreamFault':
      case 'UpstreamNonsense':
      case 'ClientUnserved':
        throw new Error(`seed ${seed}, second ${second}: ${outcome.type} ${outcome.message}`);
    }
  };

  for (let second = 0; second < seconds; second++) {
    each(second, simulation);
    network.tick(1_000, 1_000);
    for (const [upstream, one] of pools) {
      network.fromPool(one.pool.tick(network.now));
      network.fromPool(one.pool.renewJobs(network.now, 30_000));
      if ((second + 15 * upstream) % 40 !== 39) continue;
      one.templates += 1;
      network.fromPool(one.pool.newTemplate(template(one.templates, { futureTemplate: false })));
    }
    simulation.miners.forEach((miner, index) => {
      const hashRate = hashRates[index] as number;
      simulation.expected += hashRate / 2 ** 32;
      for (const channel of miner.core.channels.values()) {
        const target = channel.jobs.active?.target;
        if (target === undefined) continue;
        // of shares that come by chance, one each so many seconds
        const every = 2 ** 256 / (hashRate * Number(targetToBigInt(target)));
        for (let at = 0; ;) {
          at -= Math.log(1 - random()) * every;
          if (at >= 1) break;
          miner.send(mineShare(channel, network.now, Math.floor(random() * 2 ** 31)).message);
        }
      }
    });
    for (const outcome of network.outcomes.splice(0)) take(outcome, second);
    network.sent.length = 0;
    network.poolOutcomes.length = 0;
    for (const miner of simulation.miners) miner.received.length = 0;
  }
  return simulation;
}
