/** A mining proxy between pools and miners, all of them without connections: what one says reaches the other at once. */
import {
  clientChannel,
  extranonceAllocator,
  isMiningServerMessage,
  jobMarks,
  miningClient,
  miningProxy,
  type ClientChannel,
  type MiningClient,
  type MiningClientMessage,
  type MiningProxy,
  type MiningProxyOptions,
  type MiningProxyOutcome,
  type MiningProxyOutput,
  type MiningServer,
  type MiningServerOutcome,
  type MiningServerOutput,
  type OpenMiningChannel,
  type ShareAccepted,
  type UpstreamInfo,
} from '../../../src/mining/index.js';
import { upstreamRoute } from '../../../src/mining/aggregation/upstream-route.js';
import { OpenExtendedMiningChannelSuccess, type Message } from '../../../src/messages/index.js';
import type { MiningToClient } from '../../../src/messages/directions.js';
import {
  hash,
  mineShare,
  NOW,
  NTIME,
  openExtended,
  openStandard,
  prevHashFor,
  REQUIRES_STANDARD_JOBS,
  server,
  template,
  zeros,
} from '../support.js';

/** A miner behind the proxy. */
export interface Miner {
  readonly id: number;
  readonly core: MiningClient;
  /** All that the proxy has sent it. */
  readonly received: Message[];
  /** Says something; a request for a channel is remembered. */
  send(message: MiningClientMessage): readonly MiningProxyOutcome[];
  /** Mines a share for a channel, its first unless given, and hands it in. */
  mine(channel?: ClientChannel, firstNonce?: number): readonly MiningProxyOutcome[];
  /** Its first channel. */
  readonly channel: ClientChannel;
  leave(): void;
}

/** A proxy, and what is connected to it. */
export interface ProxyNetwork {
  readonly proxy: MiningProxy;
  /** Milliseconds since 1970. */
  now: number;
  /** What happened at the proxy. */
  readonly outcomes: MiningProxyOutcome[];
  /** What happened at the pools. */
  readonly poolOutcomes: MiningServerOutcome[];
  /** What the proxy has sent upstreams. */
  readonly sent: Message[];
  /** What miners made no sense of. */
  readonly nonsense: Error[];
  /** Connects the proxy to a pool, as a client with an id of its own there. */
  connect(pool: MiningServer, info?: UpstreamInfo, upstream?: number): number;
  /** The connection breaks. */
  disconnect(upstream?: number): void;
  /** Tells the proxy what a pool has led to. */
  fromPool(output: MiningServerOutput): void;
  /** Tells the proxy something that no pool has said. */
  upstreamSays(message: MiningToClient, upstream?: number): readonly MiningProxyOutcome[];
  miner(flags?: number): Miner;
  /** Time passes. @param step milliseconds from one `tick` of the proxy to the next */
  tick(milliseconds: number, step?: number): void;
  /** The outcomes of one type. */
  of<T extends MiningProxyOutcome['type']>(type: T): Extract<MiningProxyOutcome, { readonly type: T }>[];
}

/** A network of a proxy alone. */
export const proxyNetwork = (options: Partial<MiningProxyOptions> = {}): ProxyNetwork => {
  const proxy = miningProxy({
    mode: 'aggregate',
    randomBytes: zeros,
    shareBatchSize: 1,
    minHashrate: 1,
    ...options,
  });
  const links = new Map<number, { readonly pool: MiningServer; readonly clientId: number }>();
  const miners = new Map<number, Miner>();
  let lastClientId = 0;
  let lastMiner = 0;

  const receive = (output: MiningProxyOutput): readonly MiningProxyOutcome[] => {
    network.outcomes.push(...output.outcomes);
    for (const { clientId, messages } of output.messages) {
      const miner = miners.get(clientId);
      miner?.received.push(...messages);
      for (const message of messages) {
        if (miner === undefined || !isMiningServerMessage(message)) continue;
        for (const change of miner.core.handle(message, network.now))
          if (change.type === 'nonsense' || change.type === 'unusable') network.nonsense.push(change.error);
      }
    }
    for (const { upstream, messages } of output.toUpstreams) {
      network.sent.push(...messages);
      const link = links.get(upstream);
      for (const message of messages)
        if (link !== undefined)
          network.fromPool(link.pool.handle(link.clientId, message as MiningClientMessage, network.now));
    }
    return output.outcomes;
  };

  const network: ProxyNetwork = {
    proxy,
    now: NOW,
    outcomes: [],
    poolOutcomes: [],
    sent: [],
    nonsense: [],
    connect(pool, info = {}, upstream = 0) {
      const clientId = ++lastClientId;
      pool.addClient(clientId, 0);
      links.set(upstream, { pool, clientId });
      const userIdentity = options.mode === 'pass-through' ? {} : { userIdentity: 'farm' };
      receive(proxy.addUpstream(upstream, { ...userIdentity, ...info }, network.now));
      return clientId;
    },
    disconnect(upstream = 0) {
      const link = links.get(upstream);
      links.delete(upstream);
      link?.pool.removeClient(link.clientId);
      receive(proxy.removeUpstream(upstream, 'the connection broke', network.now));
    },
    fromPool({ messages, outcomes }) {
      network.poolOutcomes.push(...outcomes);
      for (const { clientId, messages: own } of messages)
        for (const [upstream, link] of links)
          if (link.clientId === clientId)
            for (const message of own)
              receive(proxy.handleUpstream(upstream, message as MiningToClient, network.now));
    },
    upstreamSays: (message, upstream = 0) => receive(proxy.handleUpstream(upstream, message, network.now)),
    miner(flags = 0) {
      const id = ++lastMiner;
      const core = miningClient();
      const miner: Miner = {
        id,
        core,
        received: [],
        send(message) {
          if (message.type.startsWith('Open')) core.request(message as OpenMiningChannel);
          return receive(proxy.handle(id, message, network.now));
        },
        mine: (channel = miner.channel, firstNonce = 0) =>
          miner.send(mineShare(channel, network.now, firstNonce).message),
        get channel() {
          const [first] = core.channels.values();
          if (first === undefined) throw new Error('the miner has no channel');
          return first;
        },
        leave() {
          miners.delete(id);
          receive(proxy.removeClient(id, network.now));
        },
      };
      proxy.addClient(id, flags, '10.0.0.1');
      miners.set(id, miner);
      return miner;
    },
    tick(milliseconds, step = 250) {
      const end = network.now + milliseconds;
      while (network.now < end) {
        network.now += step;
        receive(proxy.tick(network.now));
      }
    },
    of: (type) =>
      network.outcomes.filter(
        (outcome): outcome is Extract<MiningProxyOutcome, { type: typeof type }> => outcome.type === type,
      ),
  };
  return network;
};

/** A pool whose extranonce prefixes are told from another's by its id, with work. */
export const poolWith = (serverId: number, prevHash = hash(1), headerTimestamp = NTIME): MiningServer => {
  const pool = server({
    extranonce: extranonceAllocator({ serverId, randomBytes: (length) => new Uint8Array(length) }),
    marks: jobMarks((length) => new Uint8Array(length).fill(serverId)),
  });
  pool.newTemplate(template(1));
  pool.setNewPrevHash(prevHashFor(1, { prevHash, headerTimestamp }), NOW);
  return pool;
};

/** Miners of each kind, with their channels. */
export const openAll = (network: ProxyNetwork) => {
  const extended = network.miner();
  extended.send(openExtended({ userIdentity: 'a.rig1' }));
  const standard = network.miner(REQUIRES_STANDARD_JOBS);
  standard.send(openStandard({ userIdentity: 'a.rig2' }));
  const grouped = network.miner();
  grouped.send(openStandard({ userIdentity: 'a.rig3' }));
  grouped.send(openExtended({ userIdentity: 'a.rig4', requestId: 2 }));
  return { extended, standard, grouped };
};

/** A route to an upstream whose channel is 3, and a share accepted from a miner that is handed in there. */
export const routeToUpstream = () => {
  const channel = clientChannel(
    OpenExtendedMiningChannelSuccess({
      ...{ requestId: 1, channelId: 3, groupChannelId: 2, extranonceSize: 10 },
      target: new Uint8Array(32).fill(0xff),
      extranoncePrefix: new Uint8Array(4),
    }),
  );
  const route = upstreamRoute(0, channel);
  const accepted: ShareAccepted = {
    ...{ type: 'ShareAccepted' as const, clientId: 1, channelId: 1, userIdentity: 'a', worker: '' },
    ...{ jobId: 1, sequenceNumber: 1, hash: hash(1), difficulty: 1, target: hash(2) },
  };
  const share = { jobId: 1, nonce: 0, ntime: 0, version: 0, extranonce: new Uint8Array(10) };
  return { route, submit: () => route.submit(accepted, share, hash(2), '', false) };
};
