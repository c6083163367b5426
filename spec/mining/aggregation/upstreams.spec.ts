import { describe, expect, it } from '@jest/globals';
import {
  CloseChannel,
  NewExtendedMiningJob,
  SetTarget,
  SubmitSharesSuccess,
} from '../../../src/messages/index.js';
import { hash, mineShare, NTIME, openExtended, prevHashFor, template, typesOf } from '../support.js';
import { proxyNetwork, routeToUpstream, poolWith } from './support.js';

describe('another upstream on the same block', () => {
  it.each([
    ['is gone on with when it takes no times that were too early before', NTIME + 100, []],
    ['is begun anew with when it takes earlier ones', NTIME - 100, ['SetNewPrevHash']],
  ])('%s', (_, headerTimestamp, told) => {
    const network = proxyNetwork();
    network.connect(poolWith(1));
    const miner = network.miner();
    miner.send(openExtended());
    network.disconnect();
    miner.received.length = 0;
    network.connect(poolWith(2, hash(1), headerTimestamp));
    expect(typesOf(miner.received).filter((type) => type === 'SetNewPrevHash')).toEqual(told);
    expect(miner.mine().map(({ type }) => type)).toContain('ShareForwarded');
  });
});

describe('an upstream job', () => {
  it('that another has replaced under its id is over: its shares go nowhere', () => {
    const network = proxyNetwork();
    network.connect(poolWith(1));
    const miner = network.miner();
    miner.send(openExtended());
    const { message } = mineShare(miner.channel, network.now);
    const [opened] = network.of('UpstreamChannelOpened');
    const jobId = network.of('UpstreamJobStarted').at(-1)?.jobId ?? 0;
    network.upstreamSays(
      NewExtendedMiningJob({
        ...{ channelId: opened?.channelId ?? 0, jobId, minNtime: NTIME, version: 0x2000_0000 },
        ...{ versionRollingAllowed: true, merklePath: [], coinbaseTxPrefix: new Uint8Array(60) },
        coinbaseTxSuffix: new Uint8Array(60),
      }),
    );
    miner.send(message);
    expect(network.of('ShareAccepted')).toHaveLength(1);
    expect(network.of('ShareNotForwarded')).toMatchObject([{ reason: 'upstream-job-ended' }]);
    expect(network.of('ShareForwarded')).toEqual([]);
  });
});

describe('an upstream channel', () => {
  it('stays for a minute when nobody shares it any more, and is closed then', () => {
    const network = proxyNetwork();
    network.connect(poolWith(1));
    const miner = network.miner();
    miner.send(openExtended());
    miner.leave();
    network.tick(59_000);
    expect(typesOf(network.sent)).not.toContain('CloseChannel');
    network.tick(1_000);
    expect(typesOf(network.sent).filter((type) => type === 'CloseChannel')).toHaveLength(1);
  });

  it('gives an upstream no more changes to send once it is closed and its shares are answered', () => {
    const network = proxyNetwork({ mode: 'pass-through' });
    network.connect(poolWith(1));
    for (let count = 0; count < 50; count++) {
      const miner = network.miner();
      miner.send(openExtended());
      miner.leave();
    }
    network.tick(250);
    network.miner().send(openExtended());
    const channelId = network.of('UpstreamChannelOpened').at(-1)?.channelId ?? 0;
    const maximumTarget = new Uint8Array(32).fill(0xff);
    for (let count = 0; count < 400; count++) network.upstreamSays(SetTarget({ channelId, maximumTarget }));
    expect(network.of('UpstreamFault')).toMatchObject([{ code: 'too-many-jobs' }]);
  });

  it('has those of its shares acknowledged that came before, and no others', () => {
    const { route, submit } = routeToUpstream();
    for (let count = 0; count < 3; count++) submit();
    const acknowledge = (lastSequenceNumber: number) =>
      route
        .accepted(
          SubmitSharesSuccess({
            ...{ channelId: 3, lastSequenceNumber, newSubmitsAcceptedCount: 1, newSharesSum: 1n },
          }),
        )
        .map(({ upstreamSequenceNumber }) => upstreamSequenceNumber);
    expect([acknowledge(2), acknowledge(2), acknowledge(3)]).toEqual([[1, 2], [], [3]]);
  });
});

describe('an extranonce prefix with credited shares', () => {
  it('rests until the previous hash has changed, however often the same one is told', () => {
    const network = proxyNetwork({ indexSize: 1 });
    const pool = poolWith(1);
    network.connect(pool);
    const miner = network.miner();
    for (let requestId = 0; requestId < 256; requestId++) miner.send(openExtended({ requestId }));
    miner.mine();
    miner.send(CloseChannel({ channelId: miner.channel.channelId, reasonCode: 'done' }));
    const tell = (id: number, prevHash: Uint8Array) => {
      network.now += 10_000;
      network.fromPool(pool.newTemplate(template(id)));
      network.fromPool(
        pool.setNewPrevHash(prevHashFor(id, { prevHash, headerTimestamp: NTIME + id }), network.now),
      );
    };
    const newcomer = network.miner();
    for (let id = 2; id < 12; id++) tell(id, hash(1));
    newcomer.send(openExtended());
    expect(network.of('ChannelRefused')).toMatchObject([{ errorCode: 'channel-capacity-exhausted' }]);
    for (let id = 12; id < 22; id++) tell(id, hash(id));
    newcomer.send(openExtended());
    expect(newcomer.mine().map(({ type }) => type)).toContain('ShareForwarded');
  });
});
