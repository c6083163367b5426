/** What a pool can do to a proxy, and what the proxy does about it. */
import { describe, expect, it } from '@jest/globals';
import { maxUnanswered } from '../../../src/mining/aggregation/upstream-route.js';
import {
  NewExtendedMiningJob,
  SetNewPrevHash,
  SetTarget,
  SubmitSharesError,
} from '../../../src/messages/index.js';
import { hash, NOW, server } from '../support.js';
import { openAll, poolWith, proxyNetwork, type ProxyNetwork, routeToUpstream } from './support.js';

describe('a hostile upstream', () => {
  const faultsOf = (network: ProxyNetwork): string[] => network.of('UpstreamFault').map(({ code }) => code);
  const open = (): { network: ProxyNetwork; channelId: number; miners: ReturnType<typeof openAll> } => {
    const network = proxyNetwork({ silenceLimit: 120_000, maxRejectedInARow: 5 });
    const pool = poolWith(1);
    network.connect(pool);
    const miners = openAll(network);
    const [[, channel] = []] = [...pool.channels()];
    return { network, channelId: channel?.channelId ?? 0, miners };
  };

  it('that sets a target of 0 is left, and the target before stays', () => {
    const { network, channelId, miners } = open();
    const before = miners.extended.channel.target;
    network.upstreamSays(SetTarget({ channelId, maximumTarget: new Uint8Array(32) }));
    expect(faultsOf(network)).toEqual(['channel-unusable']);
    expect(miners.extended.channel.target).toEqual(before);
  });

  it('that sends thousands of jobs is left before miners are sent as many', () => {
    const { network, channelId, miners } = open();
    miners.extended.received.length = 0;
    for (let jobId = 10; jobId < 10_010; jobId++) {
      const job = { channelId, jobId, minNtime: null, version: 0x2000_0000, versionRollingAllowed: true };
      const coinbase = { coinbaseTxPrefix: new Uint8Array(60), coinbaseTxSuffix: new Uint8Array(60) };
      network.upstreamSays(NewExtendedMiningJob({ ...job, merklePath: [], ...coinbase }));
    }
    expect(faultsOf(network)).toEqual(['too-many-jobs']);
    expect(miners.extended.received.length).toBeLessThanOrEqual(200);
    expect(miners.extended.mine().map(({ type }) => type)).toContain('ShareForwarded');
  });

  it('that sends two dozen jobs of 64 KiB, which everybody would have to hash, is left as soon', () => {
    const { network, channelId } = open();
    let sent = 0;
    for (; faultsOf(network).length === 0 && sent < 1_000; sent++) {
      const job = { channelId, jobId: 10 + sent, minNtime: null, version: 0x2000_0000, merklePath: [] };
      const coinbase = { coinbaseTxPrefix: new Uint8Array(60), coinbaseTxSuffix: new Uint8Array(65_000) };
      network.upstreamSays(NewExtendedMiningJob({ ...job, versionRollingAllowed: true, ...coinbase }));
    }
    expect(faultsOf(network)).toEqual(['too-many-jobs']);
    expect(sent).toBeLessThanOrEqual(24 + 1);
  });

  it('whose job leaves no room for an extranonce does no harm', () => {
    const { network, channelId, miners } = open();
    const job = { channelId, jobId: 99, minNtime: null, version: 0x2000_0000, versionRollingAllowed: true };
    const coinbase = { coinbaseTxPrefix: new Uint8Array(65_530), coinbaseTxSuffix: new Uint8Array(60) };
    network.upstreamSays(NewExtendedMiningJob({ ...job, merklePath: [], ...coinbase }));
    expect(network.of('UpstreamNonsense')).toMatchObject([{ code: 'invalid-job' }]);
    expect(miners.extended.mine().map(({ type }) => type)).toContain('ShareForwarded');
  });

  it('that says nothing that makes sense is left', () => {
    const { network, channelId } = open();
    for (let jobId = 50; jobId < 80; jobId++)
      network.upstreamSays(
        SetNewPrevHash({ channelId, jobId, prevHash: hash(jobId), minNtime: NOW / 1000, nbits: 0x1d00ffff }),
      );
    expect(faultsOf(network)).toEqual(['nonsense']);
  });

  it('that is silent is left: without an answer, a first job, another job', () => {
    const { network } = open();
    network.tick(119_000);
    expect(faultsOf(network)).toEqual([]);
    network.tick(2_000);
    expect(faultsOf(network)).toEqual(['no-jobs']);

    const idle = proxyNetwork();
    idle.connect(server());
    openAll(idle);
    idle.tick(61_000);
    expect(faultsOf(idle)).toEqual(['no-jobs']);

    const mute = proxyNetwork();
    mute.proxy.addUpstream(0, { userIdentity: 'farm' }, mute.now);
    openAll(mute);
    mute.tick(61_000);
    expect(faultsOf(mute)).toEqual(['no-answer']);
  });

  it('that rejects shares in a row is left, but not for stale ones', () => {
    const { network, channelId } = open();
    const reject = (errorCode: string) =>
      network.upstreamSays(SubmitSharesError({ channelId, sequenceNumber: 77, errorCode }));
    for (let count = 0; count < 20; count++) reject('stale-share');
    for (let count = 0; count < 4; count++) reject('difficulty-too-low');
    expect(faultsOf(network)).toEqual([]);
    reject('difficulty-too-low');
    expect(faultsOf(network)).toEqual(['shares-rejected']);
  });

  it('that never answers does not fill the memory', () => {
    const { route, submit } = routeToUpstream();
    const given: number[] = [];
    for (let count = 0; count < maxUnanswered + 7; count++)
      given.push(...submit().given.map(({ upstreamSequenceNumber }) => upstreamSequenceNumber));
    expect(route.unanswered).toBe(maxUnanswered);
    expect(given).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });
});
