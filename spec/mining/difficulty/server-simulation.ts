/** A whole mining server with its miners in virtual time: what they would see of it, hour by hour, without hashing. */
import { jest } from '@jest/globals';
import { targetFromBigInt, targetToBigInt } from '../../../src/bitcoin/target.js';
import type {
  MiningClientMessage,
  MiningServerMessage,
  MiningServerOptions,
  MiningServerOutput,
} from '../../../src/mining/index.js';
import { randomOf } from './vardiff-simulation.js';

/** The hashes of the headers that were found, by their nonces: each nonce is used once. */
const found = new Map<number, Uint8Array>();

const headers = await import('../../../src/bitcoin/block-header.js');
jest.unstable_mockModule('../../../src/bitcoin/block-header.js', () => ({
  ...headers,
  blockHashOf: (...fields: Parameters<typeof headers.blockHashOf>) =>
    found.get(fields[5]) ?? headers.blockHashOf(...fields),
}));
// only what is imported from here on gets the hashes above
const { extranonceAllocator, miningClient, miningServer, nextWork, shareFrom, submission } =
  await import('../../../src/mining/index.js');
const { openExtended, openStandard, payoutOutputs, prevHashFor, sentTo, template } =
  await import('../support.js');
const { UpdateChannel } = await import('../../../src/messages/index.js');

const MINUTE = 60_000;
const TICK = 250;
/** When the simulation begins, in milliseconds since 1970: `NTIME` of the templates. */
const START = 1_700_000_000_000;
const EASIEST = new Uint8Array(32).fill(0xff);

/** A miner with one channel. Times are minutes since the simulation began. */
export interface SimulatedMiner {
  /** Hashes per second. */
  readonly hashrate: (minute: number) => number;
  readonly nominalHashrate: number;
  readonly kind?: 'standard' | 'extended';
  readonly maxTarget?: Uint8Array;
  /** Whether all its shares are for a job that does not exist. */
  readonly isLost?: (minute: number) => boolean;
  /** What it says of its hashrate every so many minutes. */
  readonly updates?: { readonly every: number; readonly nominalHashrate: (minute: number) => number };
}

/** A simulated network. */
export interface Network {
  readonly seed: number;
  readonly minutes: number;
  readonly miners: readonly SimulatedMiner[];
  readonly server?: Partial<MiningServerOptions>;
  /** Minutes until there is a first template; default 0. */
  readonly firstTemplate?: number;
  readonly nBits?: number;
}

/** What one miner saw. Times are minutes. */
export interface Seen {
  readonly accepted: readonly { readonly at: number; readonly difficulty: number }[];
  readonly rejected: readonly { readonly at: number; readonly errorCode: string; readonly isLost: boolean }[];
  /** The first is that of the opening, at minus infinity. */
  readonly targets: readonly { readonly at: number; readonly target: Uint8Array }[];
}

const chanceOf = (target: Uint8Array): number => (Number(targetToBigInt(target)) + 1) / 2 ** 256;

/** Mines for so many minutes. A new template comes every 30 s, a new tip every 10 minutes on average and with each block. */
export const simulateNetwork = (network: Network): readonly Seen[] => {
  const { seed, minutes, miners, firstTemplate = 0 } = network;
  const random = randomOf(seed);
  const server = miningServer({
    extranonce: extranonceAllocator(),
    payoutOutputs,
    sharesPerMinute: 6,
    shareBatchSize: 10,
    ...network.server,
  });
  const sites = miners.map((miner, index) => {
    const clientId = index + 1;
    server.addClient(clientId, 0);
    const seen: Required<{ -readonly [K in keyof Seen]: Seen[K][number][] }> = {
      accepted: [],
      rejected: [],
      targets: [],
    };
    const { updates } = miner;
    return {
      ...{ miner, clientId, seen, client: miningClient(), untilShare: -Math.log(random()) },
      nextUpdate: updates === undefined ? Infinity : updates.every * MINUTE,
    };
  });
  let now = 0;
  let isNewTipDue = false;

  const deliver = (output: MiningServerOutput, isLost = false): void => {
    for (const { clientId, seen, client } of sites) {
      const messages = sentTo(output, clientId);
      if (messages.filter(({ type }) => type === 'SetTarget').length > 1)
        throw new Error(`seed ${seed}: two SetTargets for one cause`);
      for (const message of messages) {
        if (message.type === 'SetTarget')
          seen.targets.push({ at: now / MINUTE, target: message.maximumTarget });
        if (!message.type.startsWith('SubmitShares.'))
          client.handle(message as MiningServerMessage, START + now);
      }
    }
    for (const outcome of output.outcomes) {
      if (outcome.type === 'BlockFound') isNewTipDue = true;
      if (outcome.type !== 'ShareAccepted' && outcome.type !== 'ShareRejected') continue;
      const { accepted, rejected } = sites[outcome.clientId - 1]!.seen;
      const at = now / MINUTE;
      if (outcome.type === 'ShareAccepted') accepted.push({ at, difficulty: outcome.difficulty });
      else rejected.push({ at, errorCode: outcome.errorCode, isLost });
    }
  };
  const say = (clientId: number, message: MiningClientMessage, isLost?: boolean): void =>
    deliver(server.handle(clientId, message, START + now), isLost);

  for (const { miner, clientId, seen, client } of sites) {
    const { nominalHashrate: nominalHashRate, maxTarget = EASIEST } = miner;
    const fields = { nominalHashRate, maxTarget };
    const request = miner.kind === 'extended' ? openExtended(fields) : openStandard(fields);
    client.request(request);
    say(clientId, request);
    const [channel] = client.channels.values();
    seen.targets.push({ at: -Infinity, target: channel!.target });
  }

  let templateId = 0;
  const newTip = (): void => {
    templateId++;
    deliver(server.newTemplate(template(templateId)));
    const headerTimestamp = (START + now) / 1000 - 7_000;
    const nBits = network.nBits ?? 0x1702_0000;
    const tip = prevHashFor(templateId, { headerTimestamp: Math.floor(headerTimestamp), nBits });
    deliver(server.setNewPrevHash(tip, START + now));
    isNewTipDue = false;
  };

  let nonce = 0;
  const share = (site: (typeof sites)[number]): void => {
    site.untilShare = -Math.log(random());
    const channel = [...site.client.channels.values()][0]!;
    const work = nextWork(channel, START + now)!;
    const isLost = site.miner.isLost?.(now / MINUTE) === true;
    nonce++;
    found.set(
      nonce,
      targetFromBigInt((targetToBigInt(work.target) * BigInt(Math.floor(random() * 2 ** 53))) >> 53n),
    );
    const message = submission(channel, shareFrom(isLost ? { ...work, jobId: 0 } : work, { nonce }));
    say(site.clientId, message, isLost);
    found.delete(nonce);
  };

  const end = minutes * MINUTE;
  let nextTemplate = firstTemplate * MINUTE;
  let nextTip = nextTemplate;
  for (let nextTick = TICK; now < end;) {
    const speeds = sites.map(({ miner, client }) => {
      const active = [...client.channels.values()][0]!.jobs.active;
      return active === null ? 0 : (miner.hashrate(now / MINUTE) * chanceOf(active.target)) / 1000;
    });
    let until = Math.min(nextTick, nextTemplate, nextTip, end, ...sites.map(({ nextUpdate }) => nextUpdate));
    let finder: (typeof sites)[number] | undefined;
    sites.forEach((site, index) => {
      const shareAt = now + site.untilShare / speeds[index]!;
      if (shareAt < until) [until, finder] = [shareAt, site];
    });
    sites.forEach((site, index) => (site.untilShare -= (until - now) * speeds[index]!));
    now = until;
    if (finder !== undefined) share(finder);
    for (const site of sites) {
      if (now < site.nextUpdate) continue;
      const { every, nominalHashrate } = site.miner.updates!;
      site.nextUpdate += every * MINUTE;
      const [channelId] = site.client.channels.keys();
      const maximumTarget = site.miner.maxTarget ?? EASIEST;
      const nominalHashRate = nominalHashrate(now / MINUTE);
      say(site.clientId, UpdateChannel({ channelId: channelId!, nominalHashRate, maximumTarget }));
    }
    if (now >= nextTip || isNewTipDue) {
      newTip();
      nextTip = now - Math.log(random()) * 10 * MINUTE;
      nextTemplate = now + MINUTE / 2;
    } else if (now >= nextTemplate) {
      templateId++;
      deliver(server.newTemplate(template(templateId, { futureTemplate: false })));
      nextTemplate += MINUTE / 2;
    }
    if (now >= nextTick) {
      deliver(server.tick(START + now));
      nextTick += TICK;
    }
  }
  return sites.map(({ seen }) => seen);
};

/** Accepted shares a minute, from one minute to another. */
export const rateOf = ({ accepted }: Seen, from: number, to: number): number =>
  accepted.filter(({ at }) => at >= from && at < to).length / (to - from);

/** SetTargets from one minute to another. */
export const changesOf = ({ targets }: Seen, from: number, to: number): number =>
  targets.filter(({ at }) => at >= from && at < to).length;
