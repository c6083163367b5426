import { describe, expect, it } from '@jest/globals';
import { targetFromBigInt } from '../../../src/bitcoin/index.js';
import { ChannelEndpointChanged, CloseChannel, UnknownMessage } from '../../../src/messages/index.js';
import { hash, openExtended, prevHashFor, server, template, typesOf } from '../support.js';
import { openAll, poolWith, proxyNetwork, type ProxyNetwork } from './support.js';

describe('a mining proxy', () => {
  it('opens one extended channel for all', () => {
    const network = proxyNetwork();
    network.connect(poolWith(1));
    openAll(network);
    expect(typesOf(network.sent)).toEqual(['OpenExtendedMiningChannel']);
    expect(network.sent[0]).toMatchObject({ userIdentity: 'farm', minExtranonceSize: 10 });
    expect(network.nonsense).toEqual([]);
  });

  it('has shares of standard and extended channels and of groups accepted by the pool', () => {
    const network = proxyNetwork();
    const pool = poolWith(1);
    network.connect(pool);
    const { extended, standard, grouped } = openAll(network);
    const channels = [...grouped.core.channels.values()];
    const outcomes = [
      ...extended.mine(),
      ...standard.mine(),
      ...channels.flatMap((channel) => grouped.mine(channel)),
    ];
    expect(outcomes.filter(({ type }) => type === 'ShareRejected')).toEqual([]);
    expect(network.of('ShareForwarded')).toHaveLength(4);
    expect(network.poolOutcomes.filter(({ type }) => type === 'ShareAccepted')).toHaveLength(4);
    expect(network.of('UpstreamAccepted').flatMap(({ shares }) => shares)).toMatchObject([
      { clientId: extended.id, worker: 'rig1' },
      { clientId: standard.id, worker: 'rig2' },
      { clientId: grouped.id, worker: 'rig3' },
      { clientId: grouped.id, worker: 'rig4' },
    ]);

    network.fromPool(pool.newTemplate(template(2, { futureTemplate: false })));
    extended.mine();
    standard.mine();
    for (const channel of channels) grouped.mine(channel);
    network.fromPool(pool.newTemplate(template(3)));
    network.fromPool(pool.setNewPrevHash(prevHashFor(3), network.now));
    extended.mine();
    standard.mine();
    for (const channel of channels) grouped.mine(channel);
    expect(network.of('ShareRejected')).toEqual([]);
    expect(network.poolOutcomes.filter(({ type }) => type === 'ShareAccepted')).toHaveLength(12);
    expect(network.nonsense).toEqual([]);
  });

  it('has room for whoever comes, however many came and went without work on one block', () => {
    const network = proxyNetwork({ indexSize: 1 });
    network.connect(poolWith(1));
    for (let count = 0; count < 600; count++) {
      const flighty = network.miner();
      flighty.send(openExtended());
      flighty.leave();
    }
    const lasting = network.miner();
    lasting.send(openExtended());
    expect(lasting.mine().map(({ type }) => type)).toContain('ShareForwarded');
    expect(network.of('ChannelRefused')).toEqual([]);
  });

  it('goes on under the same prefixes at another pool, by messages that all firmware knows', () => {
    const network = proxyNetwork();
    network.connect(poolWith(1));
    const { extended, standard, grouped } = openAll(network);
    const prefixes = () =>
      [extended, standard, grouped].flatMap(({ core }) =>
        [...core.channels.values()].map(({ extranoncePrefix }) => extranoncePrefix),
      );
    const before = prefixes();
    network.disconnect();
    for (const miner of [extended, standard, grouped]) miner.received.length = 0;
    network.connect(poolWith(2, hash(2)));
    expect(prefixes()).toEqual(before);
    for (const miner of [extended, standard, grouped]) {
      const known = ['NewMiningJob', 'NewExtendedMiningJob', 'SetNewPrevHash', 'SetTarget'];
      expect(typesOf(miner.received).filter((type) => !known.includes(type))).toEqual([]);
      miner.mine();
    }
    expect(network.of('ShareRejected')).toEqual([]);
    expect(network.of('UpstreamAccepted').flatMap(({ shares }) => shares)).toHaveLength(3);
    expect(network.nonsense).toEqual([]);
  });

  it('keeps counting late shares for the pool before when the next one builds on the same block', () => {
    const network = proxyNetwork();
    const first = poolWith(1);
    network.connect(first);
    const { extended } = openAll(network);
    network.disconnect();
    const outcomes = extended.mine();
    expect(outcomes.map(({ type }) => type)).toContain('ShareAccepted');
    expect(network.of('ShareNotForwarded')).toMatchObject([{ reason: 'upstream-gone' }]);
    network.connect(poolWith(2));
    expect(typesOf(extended.received)).not.toContain('SetExtranoncePrefix');
    extended.mine();
    expect(network.of('UpstreamAccepted').flatMap(({ shares }) => shares)).toHaveLength(1);
  });

  it('keeps back what does not meet the upstream target, and says so', () => {
    const network = proxyNetwork();
    const pool = poolWith(1);
    const clientId = network.connect(pool);
    const { extended } = openAll(network);
    const [[, channel] = []] = [...pool.channels()].filter(([id]) => id === clientId);
    network.fromPool(pool.setTarget(clientId, channel?.channelId ?? 0, targetFromBigInt(1n << 240n)));
    network.fromPool(pool.newTemplate(template(2, { futureTemplate: false })));
    for (let nonce = 0; nonce < 20; nonce++) extended.mine(extended.channel, nonce * 1_000);
    expect(network.of('ShareNotForwarded').length).toBeGreaterThan(15);
    expect(new Set(network.of('ShareNotForwarded').map(({ reason }) => reason))).toEqual(
      new Set(['below-upstream-target']),
    );
    expect(network.of('UpstreamRejected')).toEqual([]);
    const fates = network.of('ShareForwarded').length + network.of('ShareNotForwarded').length;
    expect(fates).toBe(network.of('ShareAccepted').length);
  });

  it('never has a target that is harder than that of the upstream channel', () => {
    const network = proxyNetwork();
    const pool = poolWith(1);
    network.connect(pool);
    const miner = network.miner();
    miner.send(openExtended({ nominalHashRate: 1e15 }));
    const [[, upstream] = []] = [...pool.channels()];
    expect(miner.channel.target).toEqual(upstream?.target);
  });

  it('passes an extranonce prefix that the upstream sets on as other jobs', () => {
    const network = proxyNetwork();
    const pool = poolWith(1);
    const clientId = network.connect(pool);
    const { extended, standard } = openAll(network);
    const [[, channel] = []] = [...pool.channels()];
    network.fromPool(pool.setExtranoncePrefix(clientId, channel?.channelId ?? 0));
    network.fromPool(pool.newTemplate(template(2, { futureTemplate: false })));
    extended.mine();
    standard.mine();
    expect(network.of('UpstreamAccepted').flatMap(({ shares }) => shares)).toHaveLength(2);
    expect(typesOf(extended.received)).not.toContain('SetExtranoncePrefix');
  });

  it('names workers to a pool that takes it: whom the share names, or who opened the channel', () => {
    const network = proxyNetwork();
    const pool = poolWith(1);
    network.connect(pool, { takesWorkerNames: true });
    const { extended } = openAll(network);
    extended.mine();
    expect(network.poolOutcomes.at(-1)).toMatchObject({ type: 'ShareAccepted', worker: 'rig1' });
  });

  it('tells of an upstream that is of no use: a refused channel, a closed one', () => {
    const faults = (act: (network: ProxyNetwork) => void): string[] => {
      const network = proxyNetwork();
      act(network);
      return network.of('UpstreamFault').map(({ code }) => code);
    };
    expect(
      faults((network) => {
        const pool = server({ isKnownUser: () => false });
        network.connect(pool);
        openAll(network);
      }),
    ).toEqual(['channel-refused']);
    expect(
      faults((network) => {
        const pool = poolWith(1);
        network.connect(pool);
        openAll(network);
        const [[, channel] = []] = [...pool.channels()];
        network.upstreamSays(CloseChannel({ channelId: channel?.channelId ?? 0, reasonCode: 'bye' }));
      }),
    ).toEqual(['channel-closed']);
  });
});

describe('a mining proxy in pass-through mode', () => {
  it('opens a channel for each channel, for its user and with its target', () => {
    const network = proxyNetwork({ mode: 'pass-through' });
    const pool = poolWith(1);
    network.connect(pool);
    const { extended, standard, grouped } = openAll(network);
    expect(network.sent.map((message) => 'userIdentity' in message && message.userIdentity)).toEqual([
      'a.rig1',
      'a.rig2',
      'a.rig3',
      'a.rig4',
    ]);
    const upstream = [...pool.channels()].map(([, { target }]) => target);
    expect([extended, standard, grouped].map(({ channel }) => channel.target)).toEqual(upstream.slice(0, 3));
    for (const miner of [extended, standard, grouped])
      for (const channel of miner.core.channels.values()) miner.mine(channel);
    expect(network.poolOutcomes.filter(({ type }) => type === 'ShareAccepted')).toHaveLength(4);
    standard.leave();
    expect([...pool.channels()]).toHaveLength(3);
    expect(network.nonsense).toEqual([]);
  });

  it('passes a refusal on', () => {
    const network = proxyNetwork({ mode: 'pass-through' });
    network.connect(server({ isKnownUser: () => false }));
    const miner = network.miner();
    miner.send(openExtended({ requestId: 7 }));
    expect(miner.received).toMatchObject([
      { type: 'OpenMiningChannel.Error', requestId: 7, errorCode: 'unknown-user' },
    ]);
    expect(network.of('UpstreamFault')).toEqual([]);
  });
});

describe('messages of extensions that are unknown to a mining proxy', () => {
  const unknown = (channelId: number, ...rest: number[]) =>
    UnknownMessage({
      extensionType: 0x4001,
      messageType: 5,
      channelMessage: true,
      payload: Uint8Array.of(channelId, 0, 0, 0, ...rest),
    });
  const talking = () => {
    const network = proxyNetwork();
    network.connect(poolWith(1));
    const { extended, grouped } = openAll(network);
    const [upstreamChannel] = network.of('UpstreamChannelOpened').map(({ channelId }) => channelId);
    const ids = [...grouped.core.channels.keys()];
    return { network, extended, grouped, upstream: upstreamChannel ?? 0, ids };
  };

  it('go on to the upstream of their channel, under its id there and otherwise unchanged (§3.4.1)', () => {
    const { network, grouped, upstream, ids } = talking();
    const { toUpstreams, messages } = network.proxy.forward(grouped.id, unknown(ids[1] ?? 0, 7, 8, 9));
    expect(toUpstreams).toEqual([{ upstream: 0, messages: [unknown(upstream, 7, 8, 9)] }]);
    expect(messages).toEqual([]);
  });

  it('go on to the channels that share an upstream channel', () => {
    const { network, extended, upstream } = talking();
    network.upstreamSays(unknown(upstream, 3));
    expect(extended.received.filter(UnknownMessage.match)).toEqual([unknown(extended.channel.channelId, 3)]);
  });

  it('lead nowhere if they are for no channel, for one of another client, or too short', () => {
    const { network, extended, upstream } = talking();
    const nowhere = [
      unknown(200),
      { ...unknown(extended.channel.channelId), channelMessage: false },
      { ...unknown(0), payload: new Uint8Array(3) },
    ];
    for (const message of nowhere) {
      expect(network.proxy.forward(extended.id, message).toUpstreams).toEqual([]);
      network.upstreamSays(message);
    }
    network.disconnect();
    expect(network.proxy.forward(extended.id, unknown(extended.channel.channelId)).toUpstreams).toEqual([]);
    expect(extended.received.filter(UnknownMessage.match)).toEqual([]);
    expect(upstream).toBeGreaterThan(0);
  });

  it('are told of when the other end of their channel is another, whoever has had some (§3.6.4)', () => {
    const { network, extended, grouped, upstream, ids } = talking();
    const changes = (miner: typeof grouped) =>
      miner.received.filter(({ type }) => type === 'ChannelEndpointChanged');
    const [first = 0, second = 0] = ids;
    network.proxy.forward(grouped.id, unknown(first));
    network.disconnect();
    expect(changes(grouped)).toEqual([]);
    network.connect(poolWith(2, hash(2)));
    expect(changes(grouped)).toEqual([ChannelEndpointChanged({ channelId: first })]);
    // and by an upstream, whose own end has changed
    network.proxy.forward(grouped.id, unknown(second));
    const [, again = 0] = network.of('UpstreamChannelOpened').map(({ channelId }) => channelId);
    network.upstreamSays(ChannelEndpointChanged({ channelId: again }));
    network.upstreamSays(ChannelEndpointChanged({ channelId: again }));
    expect(changes(grouped).slice(1)).toEqual([ChannelEndpointChanged({ channelId: second })]);
    expect(changes(extended)).toEqual([]);
    expect(upstream).toBeGreaterThan(0);
  });

  it('are told of, too, when their channel is moved to another upstream that is there', () => {
    const network = proxyNetwork();
    network.connect(poolWith(1), { weight: 1 }, 0);
    network.connect(poolWith(2), { weight: 1 }, 1);
    const miner = network.miner();
    miner.send(openExtended());
    const { channelId } = miner.channel;
    const [{ upstream = 0 } = {}] = network.proxy.forward(miner.id, unknown(channelId)).toUpstreams;
    network.disconnect(upstream);
    network.tick(60_000);
    expect(network.of('ClientMoved')).toMatchObject([{ from: upstream, to: 1 - upstream }]);
    expect(miner.received.filter(({ type }) => type === 'ChannelEndpointChanged')).toEqual([
      ChannelEndpointChanged({ channelId }),
    ]);
  });

  it('are forgotten with their channel', () => {
    const { network, grouped, ids } = talking();
    for (const id of ids) network.proxy.forward(grouped.id, unknown(id));
    grouped.send(CloseChannel({ channelId: ids[0] ?? 0, reasonCode: 'done' }));
    network.disconnect();
    network.connect(poolWith(2, hash(2)));
    expect(grouped.received.filter(({ type }) => type === 'ChannelEndpointChanged')).toEqual([
      ChannelEndpointChanged({ channelId: ids[1] ?? 0 }),
    ]);
  });

  it('are one change too many when an upstream sends thousands', () => {
    const { network, upstream } = talking();
    for (let count = 0; count < 1_000; count++) network.upstreamSays(unknown(upstream));
    expect(network.of('UpstreamFault')).toMatchObject([{ code: 'too-many-jobs' }]);
  });
});
