import { describe, expect, it, jest } from '@jest/globals';
import {
  checkBlock,
  coinbaseTag,
  compareTargets,
  hashrateFromTarget,
  parseBlockHeader,
  parseTransaction,
  targetFromHashrate,
  targetFromNbits,
} from '../../src/bitcoin/index.js';
import { extranonceAllocator, type MiningServerOptions } from '../../src/mining/index.js';
import {
  CloseChannel,
  OpenMiningChannelError,
  SetTarget,
  UpdateChannel,
  UpdateChannelError,
  type NewExtendedMiningJob,
  type OpenExtendedMiningChannelSuccess,
  type Message,
  type OpenStandardMiningChannelSuccess,
  type SetNewPrevHash,
} from '../../src/messages/index.js';
import { codeOf } from '../bitcoin/support.js';
import {
  EASIEST_TARGET,
  mineShare,
  NOW,
  NTIME,
  openExtended,
  openStandard,
  outcomeOf,
  prevHashFor,
  REGTEST_NBITS,
  sentTo,
  server,
  template,
  typesOf,
  wire,
  wireChannel,
  REQUIRES_STANDARD_JOBS,
  REQUIRES_WORK_SELECTION,
} from './support.js';

/** A server with template 1 on a tip. */
const running = (options: Partial<MiningServerOptions> = {}) => {
  const miningServer = server(options);
  miningServer.newTemplate(template(1));
  miningServer.setNewPrevHash(prevHashFor(1), NOW);
  return miningServer;
};

describe('options', () => {
  it.each([
    [{ sharesPerMinute: 0 }, 'invalid-shares-per-minute'],
    [{ sharesPerMinute: NaN }, 'invalid-shares-per-minute'],
    [{ minHashrate: -1 }, 'invalid-hashrate'],
    [{ shareBatchSize: 0 }, 'out-of-range'],
  ])('%j are refused with %s before any client comes', (options, code) => {
    expect(codeOf(() => server(options))).toBe(code);
  });
});

describe('opening a channel', () => {
  it('is answered with Success, a future job, and the SetNewPrevHash that activates it', () => {
    const miningServer = running();
    miningServer.addClient(1, 0);
    const [success, job, prevHash, ...rest] = sentTo(
      miningServer.handle(1, openStandard({ requestId: 5 }), NOW),
    );
    const { channelId, groupChannelId, extranoncePrefix, ...opened } =
      success as OpenStandardMiningChannelSuccess;
    expect(opened).toEqual({
      type: 'OpenStandardMiningChannel.Success',
      requestId: 5,
      target: targetFromHashrate(1, 60),
    });
    expect(groupChannelId).not.toBe(channelId);
    expect(extranoncePrefix).toHaveLength(20);
    expect(job).toMatchObject({ type: 'NewMiningJob', channelId, jobId: 1, minNtime: null });
    expect(prevHash).toMatchObject({ type: 'SetNewPrevHash', channelId, jobId: 1, minNtime: NTIME });
    expect(rest).toEqual([]);
  });

  it('on an extended channel gives an extended job of its own, and bytes to roll', () => {
    const miningServer = running();
    miningServer.addClient(1, 0);
    const [success, job, prevHash] = sentTo(miningServer.handle(1, openExtended(), NOW));
    const { channelId, extranoncePrefix, extranonceSize } = success as OpenExtendedMiningChannelSuccess;
    expect(extranoncePrefix.length + extranonceSize).toBe(20);
    expect(extranonceSize).toBeGreaterThanOrEqual(4);
    expect(job).toMatchObject({ type: 'NewExtendedMiningJob', channelId, jobId: 1, minNtime: null });
    expect(prevHash).toMatchObject({ type: 'SetNewPrevHash', channelId, jobId: 1 });
  });

  it('gives the jobs for the next tip after the current one, as SetNewPrevHash would invalidate them', () => {
    const miningServer = running();
    miningServer.newTemplate(template(2));
    miningServer.newTemplate(template(3));
    const { channel, client } = wireChannel(miningServer);
    expect(channel.jobs.active?.jobId).toBe(1);
    expect([...channel.jobs.future.keys()]).toEqual([2, 3]);
    for (const message of sentTo(miningServer.setNewPrevHash(prevHashFor(3), NOW))) {
      client.handle(message as SetNewPrevHash, NOW);
    }
    expect(channel.jobs.active?.jobId).toBe(3);
  });

  it('gives the template that is mined now, not the one the tip came with', () => {
    const miningServer = running();
    miningServer.newTemplate(template(2, { futureTemplate: false }));
    const { channel } = wireChannel(miningServer);
    expect(channel.jobs.active?.jobId).toBe(2);
  });

  it('before the first template gets its first job with that', () => {
    const miningServer = server();
    const { client, channel } = wireChannel(miningServer);
    expect(channel.jobs.future.size).toBe(0);
    const [job] = sentTo(miningServer.newTemplate(template(1)));
    expect(job).toMatchObject({
      type: 'NewExtendedMiningJob',
      channelId: channel.groupChannelId,
      minNtime: null,
    });
    client.handle(job as NewExtendedMiningJob, NOW);
    expect(channel.jobs.future.has(1)).toBe(true);
  });

  it.each([
    ['unknown-user', openStandard(), 0, { isKnownUser: () => false }],
    ['invalid-nominal-hashrate', openStandard({ nominalHashRate: -1 }), 0, {}],
    ['invalid-nominal-hashrate', openExtended({ nominalHashRate: Infinity }), 0, {}],
    ['invalid-nominal-hashrate', openStandard({ nominalHashRate: NaN }), 0, {}],
    ['max-target-out-of-range', openStandard({ maxTarget: new Uint8Array(32) }), 0, {}],
    ['min-extranonce-size-too-large', openExtended({ minExtranonceSize: 19 }), 0, {}],
    ['standard-channels-not-supported-for-custom-work', openStandard(), REQUIRES_WORK_SELECTION, {}],
    ['extended-channels-not-supported-for-standard-jobs', openExtended(), REQUIRES_STANDARD_JOBS, {}],
    ['too-many-channels', openStandard(), 0, { maxChannelsPerClient: 0 }],
  ] as const)('is refused with %s', (errorCode, request, flags, options) => {
    const extranonce = extranonceAllocator();
    const miningServer = running({ ...options, extranonce });
    miningServer.addClient(1, flags);
    const output = miningServer.handle(1, { ...request, requestId: 8 }, NOW);
    expect(sentTo(output)).toEqual([OpenMiningChannelError({ requestId: 8, errorCode })]);
    expect(outcomeOf(output, 'ChannelRefused').errorCode).toBe(errorCode);
    expect([...miningServer.channels()]).toEqual([]);
    expect(extranonce.live).toBe(0);
  });

  it('is refused when the extranonce space is exhausted, and possible again when a channel closes', () => {
    const miningServer = running({ extranonce: extranonceAllocator({ indexSize: 1 }) });
    const { send, client } = wire(miningServer);
    for (let requestId = 0; requestId < 256; requestId++) send(openStandard({ requestId }));
    expect(outcomeOf(send(openStandard()), 'ChannelRefused').errorCode).toBe('channel-capacity-exhausted');
    const [channelId] = client.channels.keys();
    send(CloseChannel({ channelId: channelId ?? 0, reasonCode: 'done' }));
    outcomeOf(send(openStandard()), 'ChannelOpened');
  });

  it('gives targets for the nominal hashrate, never easier than the client takes', () => {
    const { send } = wire(running({ sharesPerMinute: 6 }));
    const targetAt = (nominalHashRate: number, maxTarget = EASIEST_TARGET) =>
      outcomeOf(send(openStandard({ nominalHashRate, maxTarget })), 'ChannelOpened').target;
    expect(hashrateFromTarget(targetAt(1e12), 6) / 1e12).toBeCloseTo(1, 5);
    const maxTarget = targetFromHashrate(1e13, 6);
    expect(targetAt(1e12, maxTarget)).toEqual(maxTarget);
    expect(compareTargets(targetAt(1e14, maxTarget), maxTarget)).toBeLessThan(0);
  });

  it('takes hashrates below the lowest, such as the 0 of an empty proxy, for the lowest', () => {
    const { send } = wire(running({ minHashrate: 5000 }));
    const { target } = outcomeOf(send(openExtended({ nominalHashRate: 0 })), 'ChannelOpened');
    expect(target).toEqual(targetFromHashrate(5000, 60));
  });
});

describe('jobs', () => {
  it('go once to a group, and to each channel of a client that requires standard jobs', () => {
    const miningServer = running();
    const grouped = wire(miningServer, 1);
    const single = wire(miningServer, 2, REQUIRES_STANDARD_JOBS);
    for (const requestId of [1, 2, 3]) {
      grouped.send(requestId === 2 ? openExtended({ requestId }) : openStandard({ requestId }));
      single.send(openStandard({ requestId }));
    }
    const [group] = [...grouped.client.channels.values()].map(({ groupChannelId }) => groupChannelId);
    const future = miningServer.newTemplate(template(2));
    expect(sentTo(future, 1)).toMatchObject([
      { type: 'NewExtendedMiningJob', channelId: group, jobId: 2, minNtime: null },
    ]);
    const ids = [...single.client.channels.keys()];
    expect(sentTo(future, 2)).toMatchObject(
      ids.map((channelId) => ({ type: 'NewMiningJob', channelId, jobId: 2, minNtime: null })),
    );
    const tip = miningServer.setNewPrevHash(prevHashFor(2), NOW);
    expect(sentTo(tip, 1)).toMatchObject([{ type: 'SetNewPrevHash', channelId: group, jobId: 2 }]);
    expect(sentTo(tip, 2)).toMatchObject(
      ids.map((channelId) => ({ type: 'SetNewPrevHash', channelId, jobId: 2 })),
    );
    const active = miningServer.newTemplate(template(3, { futureTemplate: false }));
    expect(sentTo(active, 1)).toMatchObject([{ channelId: group, jobId: 3, minNtime: NTIME }]);
    expect(sentTo(active, 2)).toMatchObject(
      ids.map((channelId) => ({ channelId, jobId: 3, minNtime: NTIME })),
    );
  });

  it('say whether version bits may be rolled, and carry no BIP 141 fields', () => {
    const miningServer = running({ versionRollingAllowed: false });
    wireChannel(miningServer, openExtended());
    const [job] = sentTo(miningServer.newTemplate(template(2))) as [NewExtendedMiningJob];
    expect(job.versionRollingAllowed).toBe(false);
    const { coinbaseTxPrefix, coinbaseTxSuffix } = job;
    const coinbase = parseTransaction(
      Uint8Array.of(...coinbaseTxPrefix, ...new Uint8Array(20), ...coinbaseTxSuffix),
    );
    expect(coinbase.inputs[0]?.witness).toEqual([]);
    expect(coinbase.outputs[0]?.value).toBe(5_000_000_002n);
  });

  it('carry the tag', () => {
    const miningServer = running({ tag: coinbaseTag('pool', 'farm') });
    wireChannel(miningServer, openExtended());
    const [job] = sentTo(miningServer.newTemplate(template(2))) as [NewExtendedMiningJob];
    expect(new TextDecoder().decode(job.coinbaseTxPrefix)).toContain('Sv2/pool/farm/');
  });

  it('of a template to mine at once cannot come before a tip', () => {
    expect(codeOf(() => server().newTemplate(template(1, { futureTemplate: false })))).toBe(
      'chain-tip-not-set',
    );
  });

  it.each([0, REQUIRES_STANDARD_JOBS])(
    'of a tip that came without any template are given with the next one (flags %d)',
    (flags) => {
      const miningServer = running();
      const early = wireChannel(miningServer, openStandard(), { clientId: 1, flags });
      const stale = mineShare(early.channel);
      expect(miningServer.setNewPrevHash(prevHashFor(7), NOW).messages).toEqual([]);
      expect(outcomeOf(early.send(stale.message), 'ShareRejected').errorCode).toBe('stale-share');
      const late = wireChannel(miningServer, openStandard(), { clientId: 2, flags });
      expect(late.channel.jobs.active).toBeNull();

      const output = miningServer.newTemplate(template(8, { futureTemplate: false }));
      for (const { channel, clientId, receive, send } of [early, late]) {
        // the tip is new to the client, so it takes a future job and a SetNewPrevHash
        expect(sentTo(output, clientId)).toMatchObject([{ minNtime: null }, { type: 'SetNewPrevHash' }]);
        receive(output);
        const { message, work } = mineShare(channel);
        expect(work.prevHash).toEqual(prevHashFor(7).prevHash);
        outcomeOf(send(message), 'ShareAccepted');
      }
      const next = miningServer.newTemplate(template(9, { futureTemplate: false }));
      expect(sentTo(next)).toMatchObject([{ minNtime: NTIME }]);
    },
  );

  it('are renewed with another id and another coinbase, so that nobody works twice', () => {
    const miningServer = running();
    const { channel, send, receive } = wireChannel(miningServer, openStandard());
    const before = mineShare(channel);
    receive(miningServer.setTarget(1, channel.channelId, targetFromHashrate(2, 60)));
    const renewed = receive(miningServer.renewJobs(NOW + 30_000), NOW + 30_000);
    expect(sentTo(renewed)).toMatchObject([{ type: 'NewMiningJob', jobId: 2, minNtime: NTIME + 30 }]);
    expect(channel.jobs.active?.target).toEqual(targetFromHashrate(2, 60));
    const after = mineShare(channel, NOW + 30_000);
    expect(after.work.merkleRoot).not.toEqual(before.work.merkleRoot);
    outcomeOf(send(before.message, NOW + 30_000), 'ShareAccepted');
    outcomeOf(send(after.message, NOW + 30_000), 'ShareAccepted');
    expect(miningServer.renewJobs(NOW + 60_000).messages).toEqual([]);
    expect(server().renewJobs(NOW)).toEqual({ messages: [], outcomes: [] });
  });

  it('are renewed for the channel alone whose target waits, once its job is old enough, under the same prefix', () => {
    const miningServer = running();
    const { client, send, receive } = wire(miningServer);
    for (const requestId of [1, 2]) send(openExtended({ requestId }));
    const [first, second] = [...client.channels.values()];
    const age = 30_000;
    const renew = (at: number) => sentTo(receive(miningServer.renewJobs(NOW + at, age), NOW + at));
    expect(renew(0)).toEqual([]);
    const { channelId, extranoncePrefix } = second!;
    receive(miningServer.setTarget(1, channelId, targetFromHashrate(2, 60)));
    expect(renew(29_000)).toEqual([]);
    expect(renew(30_000)).toMatchObject([{ type: 'NewExtendedMiningJob', channelId, jobId: 2 }]);
    receive(miningServer.setTarget(1, channelId, targetFromHashrate(3, 60)));
    expect(renew(59_000)).toEqual([]);
    expect(renew(60_000)).toMatchObject([{ channelId, jobId: 3 }]);
    expect(second!.extranoncePrefix).toEqual(extranoncePrefix);
    expect(first!.jobs.active?.jobId).toBe(1);
  });

  it('on another previous hash free the memory for duplicates', () => {
    const miningServer = running();
    wireChannel(miningServer);
    const [shares] = [...miningServer.channels()].map(([, channel]) => channel.shares);
    const clear = jest.spyOn(shares!, 'clear');
    miningServer.newTemplate(template(2, { futureTemplate: false }));
    expect(clear).not.toHaveBeenCalled();
    miningServer.newTemplate(template(3));
    miningServer.setNewPrevHash(prevHashFor(3), NOW);
    expect(clear).toHaveBeenCalledTimes(1);
  });

  it('whose coinbase cannot be built leave all as it was', () => {
    const miningServer = running();
    const { channel, send } = wireChannel(miningServer);
    const bad = template(2, { coinbasePrefix: new Uint8Array(100), futureTemplate: false });
    expect(codeOf(() => miningServer.newTemplate(bad))).toBe('bad-cb-length');
    outcomeOf(send(mineShare(channel).message), 'ShareAccepted');
    expect([...miningServer.channels()][0]?.[1].jobs.active?.jobId).toBe(1);
  });

  it('of future templates are kept 16 at a time', () => {
    const miningServer = running();
    const { channel, receive } = wireChannel(miningServer);
    for (let id = 2; id <= 40; id++) receive(miningServer.newTemplate(template(id)));
    expect([...channel.jobs.future.keys()]).toEqual(Array.from({ length: 16 }, (_, index) => index + 25));
    const ids = [...[...miningServer.channels()][0]![1].jobs.future.keys()];
    expect(ids).toEqual([...channel.jobs.future.keys()]);
    receive(miningServer.setNewPrevHash(prevHashFor(25), NOW));
    expect(channel.jobs.active).not.toBeNull();
  });

  it('make blocks that consensus accepts, with witness', () => {
    const miningServer = server();
    const templateId = 1;
    const job = template(templateId, { merklePath: [] });
    // the commitment of a block whose only transaction is the coinbase: sha256d(0 | 0)
    const commitment = 'aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9';
    const outputs = Uint8Array.from(`000000000000000026${'6a24'}${commitment}`.match(/../g) ?? [], (pair) =>
      parseInt(pair, 16),
    );
    miningServer.newTemplate({ ...job, coinbaseTxOutputs: outputs });
    const prevHash = prevHashFor(templateId, { nBits: REGTEST_NBITS });
    miningServer.setNewPrevHash(prevHash, NOW);
    const { channel, send } = wireChannel(
      miningServer,
      openExtended({ maxTarget: targetFromNbits(REGTEST_NBITS) }),
    );
    const { header, coinbaseTx, solution } = outcomeOf(send(mineShare(channel).message), 'BlockFound');
    expect(solution).toMatchObject({ type: 'SubmitSolution', templateId: 1n, coinbaseTx });
    const context = {
      prevHash: prevHash.prevHash,
      height: 10_000,
      nbits: REGTEST_NBITS,
      medianTimePast: NTIME - 3600,
      now: NTIME,
      maxCoinbaseValue: 5_000_000_001n,
    };
    const block = {
      header: parseBlockHeader(header),
      coinbase: parseTransaction(coinbaseTx),
      transactions: [],
    };
    expect(() => checkBlock(block, context)).not.toThrow();
  });
});

describe('targets', () => {
  const hard = targetFromHashrate(1e15, 60);

  it('set for a channel apply to jobs to come, not to the one it mines (§5.3.21)', () => {
    const miningServer = running();
    const { channel, send, receive } = wireChannel(miningServer, openExtended());
    receive(miningServer.newTemplate(template(2)));
    const output = receive(miningServer.setTarget(1, channel.channelId, hard));
    expect(sentTo(output)).toEqual([SetTarget({ channelId: channel.channelId, maximumTarget: hard })]);
    expect(outcomeOf(output, 'TargetChanged').target).toEqual(hard);

    // the active job keeps its target, on both sides
    const easy = mineShare(channel);
    outcomeOf(send(easy.message), 'ShareAccepted');
    // a future job received before gets it on activation
    receive(miningServer.setNewPrevHash(prevHashFor(2), NOW));
    expect(channel.jobs.active?.target).toEqual(hard);
    channel.jobs.active!.target = EASIEST_TARGET; // a client that ignores it
    expect(outcomeOf(send(mineShare(channel).message), 'ShareRejected').errorCode).toBe('difficulty-too-low');
  });

  it('credit a share with the difficulty of its own job', () => {
    const miningServer = running();
    const { channel, send, receive } = wireChannel(miningServer);
    const before = outcomeOf(send(mineShare(channel).message), 'ShareAccepted').difficulty;
    const late = mineShare(channel, NOW, 100_000);
    const easier = targetFromHashrate(1, 60);
    receive(miningServer.setTarget(1, channel.channelId, hard));
    receive(miningServer.newTemplate(template(2, { futureTemplate: false })));
    expect(easier).not.toEqual(channel.target);
    expect(outcomeOf(send(late.message), 'ShareAccepted').difficulty).toBe(before);
  });

  it('cannot be zero', () => {
    const miningServer = running();
    const { channel } = wireChannel(miningServer);
    const zero = new Uint8Array(32);
    expect(codeOf(() => miningServer.setTarget(1, channel.channelId, zero))).toBe('invalid-target');
  });

  it('are not sent when they stay the same, and not above what the client takes', () => {
    const maxTarget = targetFromHashrate(1e6, 60);
    const miningServer = running();
    const { channel } = wireChannel(miningServer, openStandard({ nominalHashRate: 1e9, maxTarget }));
    const [message] = sentTo(miningServer.setTarget(1, channel.channelId, EASIEST_TARGET));
    expect(message).toMatchObject({ type: 'SetTarget', maximumTarget: maxTarget });
    expect(miningServer.setTarget(1, channel.channelId, EASIEST_TARGET)).toEqual({
      messages: [],
      outcomes: [],
    });
  });

  it('follow UpdateChannel', () => {
    const miningServer = running();
    const { channel, send } = wireChannel(miningServer);
    const { channelId } = channel;
    const update = (nominalHashRate: number, maximumTarget = EASIEST_TARGET) =>
      sentTo(send(UpdateChannel({ channelId, nominalHashRate, maximumTarget })));
    expect(update(1e12)).toEqual([SetTarget({ channelId, maximumTarget: targetFromHashrate(1e12, 60) })]);
    const maximumTarget = targetFromHashrate(2e12, 60);
    expect(update(1e12, maximumTarget)).toEqual([SetTarget({ channelId, maximumTarget })]);
    expect(update(1e12, maximumTarget)).toEqual([]);
    expect(channel.target).toEqual(maximumTarget);
    const [serverSide] = [...miningServer.channels()].map(([, opened]) => opened);
    expect(serverSide).toMatchObject({ nominalHashRate: 1e12, maxTarget: maximumTarget });
  });

  it.each([
    ['invalid-channel-id', { channelId: 99 }],
    ['invalid-nominal-hashrate', { nominalHashRate: -5 }],
    ['invalid-nominal-hashrate', { nominalHashRate: NaN }],
    ['max-target-out-of-range', { maximumTarget: new Uint8Array(32) }],
  ])('are not changed by an UpdateChannel that is answered with %s', (errorCode, fields) => {
    const miningServer = running();
    const { channel, send } = wireChannel(miningServer);
    const { channelId, target } = channel;
    const message = UpdateChannel({
      channelId,
      nominalHashRate: 5,
      maximumTarget: EASIEST_TARGET,
      ...fields,
    });
    expect(sentTo(send(message))).toEqual([UpdateChannelError({ channelId: message.channelId, errorCode })]);
    expect([...miningServer.channels()][0]?.[1].target).toEqual(target);
  });
});

describe('extranonce prefixes', () => {
  it('that are changed apply to jobs to come, and shares for the job before still count (§5.3.10)', () => {
    const extranonce = extranonceAllocator();
    const miningServer = running({ extranonce });
    const { channel, send, receive } = wireChannel(miningServer, openExtended());
    const before = channel.extranoncePrefix;
    const output = receive(miningServer.setExtranoncePrefix(1, channel.channelId));
    expect(typesOf(sentTo(output))).toEqual(['SetExtranoncePrefix']);
    expect(channel.extranoncePrefix).not.toEqual(before);
    outcomeOf(send(mineShare(channel).message), 'ShareAccepted');
    expect(channel.jobs.active?.extranoncePrefix).toEqual(before);
    expect(extranonce.live).toBe(2);

    receive(miningServer.newTemplate(template(2, { futureTemplate: false })));
    expect(channel.jobs.active?.extranoncePrefix).toEqual(channel.extranoncePrefix);
    outcomeOf(send(mineShare(channel).message), 'ShareAccepted');
    expect(extranonce.live).toBe(2); // a late share may come with the old one

    receive(miningServer.newTemplate(template(3)));
    receive(miningServer.setNewPrevHash(prevHashFor(3), NOW));
    expect(extranonce.live).toBe(1);
    outcomeOf(send(mineShare(channel).message), 'ShareAccepted');
  });

  it('of a standard channel change as well', () => {
    const miningServer = running();
    const { channel, send, receive } = wireChannel(miningServer, openStandard(), {
      flags: REQUIRES_STANDARD_JOBS,
    });
    const before = channel.jobs.active?.merkleRoot;
    receive(miningServer.setExtranoncePrefix(1, channel.channelId));
    receive(miningServer.newTemplate(template(2, { futureTemplate: false })));
    expect(channel.jobs.active?.merkleRoot).not.toEqual(before);
    outcomeOf(send(mineShare(channel).message), 'ShareAccepted');
  });

  it('are all given back when channels close and clients leave', () => {
    const extranonce = extranonceAllocator();
    const miningServer = running({ extranonce });
    const first = wire(miningServer, 1);
    const second = wire(miningServer, 2);
    for (let requestId = 0; requestId < 10; requestId++) {
      first.send(openStandard({ requestId }));
      second.send(openExtended({ requestId }));
    }
    const [channelId = 0] = first.client.channels.keys();
    miningServer.setExtranoncePrefix(1, channelId);
    expect(extranonce.live).toBe(21);
    const output = miningServer.removeClient(1);
    expect(output.messages).toEqual([]);
    expect(output.outcomes).toHaveLength(10);
    expect(output.outcomes[0]).toMatchObject({ type: 'ChannelClosed', reason: 'disconnected' });
    expect(extranonce.live).toBe(10);
    miningServer.removeClient(2);
    expect(extranonce.live).toBe(0);
    expect([...miningServer.channels()]).toEqual([]);
    expect(miningServer.newTemplate(template(2)).messages).toEqual([]);
    expect(miningServer.removeClient(2)).toEqual({ messages: [], outcomes: [] });
  });
});

describe('clients', () => {
  it('are apart: ids of one are nothing to the other', () => {
    const miningServer = running();
    const first = wireChannel(miningServer, openStandard(), { clientId: 1 });
    wire(miningServer, 2);
    const { message } = mineShare(first.channel);
    expect(outcomeOf(miningServer.handle(2, message, NOW), 'ShareRejected').errorCode).toBe(
      'invalid-channel-id',
    );
    miningServer.handle(2, CloseChannel({ channelId: first.channel.channelId, reasonCode: '' }), NOW);
    outcomeOf(first.send(message), 'ShareAccepted');
  });

  it('must be there, once', () => {
    const miningServer = running();
    expect(codeOf(() => miningServer.handle(1, openStandard(), NOW))).toBe('unknown-client');
    expect(codeOf(() => miningServer.setTarget(1, 1, EASIEST_TARGET))).toBe('unknown-client');
    miningServer.addClient(1, 0);
    expect(codeOf(() => miningServer.addClient(1, 0))).toBe('duplicate-client');
    expect(codeOf(() => miningServer.setTarget(1, 1, EASIEST_TARGET))).toBe('unknown-channel');
    expect(codeOf(() => miningServer.closeChannel(1, 1, ''))).toBe('unknown-channel');
    expect(codeOf(() => miningServer.setExtranoncePrefix(1, 1))).toBe('unknown-channel');
    expect(codeOf(() => miningServer.setGroupChannel(1, [1]))).toBe('unknown-channel');
  });
});

describe('acknowledgements', () => {
  it('come when the batch is full, or when they are flushed', () => {
    const miningServer = running({ shareBatchSize: 3 });
    const { channel, send } = wireChannel(miningServer, openExtended());
    const answers = [1, 2, 3, 4].map(() => sentTo(send(mineShare(channel).message)));
    expect(answers.map(typesOf)).toEqual([[], [], ['SubmitShares.Success'], []]);
    expect(answers[2]).toMatchObject([{ lastSequenceNumber: 3, newSubmitsAcceptedCount: 3 }]);
    expect(sentTo(miningServer.flush(1))).toMatchObject([
      { lastSequenceNumber: 4, newSubmitsAcceptedCount: 1 },
    ]);
    expect(miningServer.flush(1).messages).toEqual([]);
  });

  it('come before the channel is closed, whoever closes it, moved or disconnected', () => {
    const miningServer = running({ shareBatchSize: 100 });
    const owed = (
      closing: (channelId: number, groupId: number) => Message[] | readonly Message[],
      clientId: number,
    ) => {
      const { channel, send } = wireChannel(miningServer, openExtended(), { clientId });
      send(mineShare(channel).message);
      return typesOf(closing(channel.channelId, channel.groupChannelId));
    };
    const ours = (clientId: number) => (channelId: number) =>
      sentTo(miningServer.closeChannel(clientId, channelId, 'away'), clientId);
    expect(owed(ours(1), 1)).toEqual(['SubmitShares.Success', 'CloseChannel']);
    expect(owed((_, groupId) => ours(2)(groupId), 2)).toEqual(['SubmitShares.Success', 'CloseChannel']);
    const theirs = (channelId: number) =>
      sentTo(miningServer.handle(3, CloseChannel({ channelId, reasonCode: '' }), NOW), 3);
    expect(owed(theirs, 3)).toEqual(['SubmitShares.Success']);
    const moved = (channelId: number) => sentTo(miningServer.setGroupChannel(4, [channelId]), 4);
    expect(owed(moved, 4)).toEqual(['SubmitShares.Success', 'SetGroupChannel']);
    const gone = () => sentTo(miningServer.flush(5), 5);
    expect(owed(gone, 5)).toEqual(['SubmitShares.Success']);
    for (const clientId of [1, 2, 3, 4, 5]) expect(miningServer.flush(clientId).messages).toEqual([]);
    expect(codeOf(() => miningServer.flush(6))).toBe('unknown-client');
  });
});

describe('shares of work that is too old', () => {
  it('are stale whatever they are, count for their user, and keep their channel from being taken for silent', () => {
    const miningServer = running({ vardiff: true });
    const { channel } = wireChannel(miningServer, openStandard({ nominalHashRate: 5_000 }));
    const { message: share } = mineShare(channel);
    miningServer.refuseShares('too old');
    for (let second = 0; second < 1_800; second++) {
      const now = NOW + 1_000 * second;
      if (second % 10 === 0) {
        const output = miningServer.handle(1, share, now);
        expect(sentTo(output)).toMatchObject([{ type: 'SubmitShares.Error', errorCode: 'stale-share' }]);
        expect(output.outcomes).toMatchObject([
          { type: 'ShareRejected', userIdentity: 'satoshi.one', reason: 'too old' },
        ]);
      }
      expect(miningServer.tick(now)).toEqual({ messages: [], outcomes: [] });
    }
    miningServer.refuseShares(null);
    expect(typesOf(miningServer.handle(1, share, NOW + 1_000).outcomes)).toContain('ShareAccepted');
  });
});
