import { describe, expect, it } from '@jest/globals';
import {
  compareTargets,
  difficultyFromTarget,
  targetFromHashrate,
  targetFromNbits,
} from '../../../src/bitcoin/target.js';
import { UpdateChannel } from '../../../src/messages/index.js';
import type { MiningServer, MiningServerOutput, ServerChannel } from '../../../src/mining/index.js';
import {
  EASIEST_TARGET,
  NOW,
  openExtended,
  outcomeOf,
  prevHashFor,
  sentTo,
  server,
  template,
  typesOf,
} from '../support.js';

const HASHRATE = 1e8;
const options = { sharesPerMinute: 6, minHashrate: 1_000, vardiff: true };

/** A server with a job, and one channel. */
const withChannel = (fields: Parameters<typeof server>[0] = {}) => {
  const core = server({ ...options, ...fields });
  core.newTemplate(template(1));
  core.setNewPrevHash(prevHashFor(1), NOW);
  core.addClient(1, 0);
  core.handle(1, openExtended({ nominalHashRate: HASHRATE }), NOW);
  const [[, channel]] = [...core.channels()] as [readonly [number, ServerChannel]];
  return { core, channel };
};

/** What comes of a time without shares, in milliseconds. @param every how often it is told */
const passTime = (
  core: MiningServer,
  from: number,
  until: number,
  every = 250,
): readonly MiningServerOutput[] => {
  const outputs: MiningServerOutput[] = [];
  for (let now = from; now <= until; now += every) outputs.push(core.tick(now));
  return outputs;
};

const targetsIn = (outputs: readonly MiningServerOutput[]): readonly Uint8Array[] =>
  outputs.flatMap((output) =>
    sentTo(output).flatMap((message) => (message.type === 'SetTarget' ? [message.maximumTarget] : [])),
  );

const update = (nominalHashRate: number, maximumTarget = EASIEST_TARGET) =>
  UpdateChannel({ channelId: 2, nominalHashRate, maximumTarget });

describe('the target of a channel', () => {
  it('is one value: what the client was told, what jobs have, and what vardiff goes by', () => {
    const { core, channel } = withChannel();
    const told = targetsIn(passTime(core, NOW, NOW + 120_000));
    expect(told.length).toBeGreaterThan(0);
    expect(channel.target).toEqual(told.at(-1));
    expect(channel.vardiff.target).toBe(channel.target);
    const set = targetFromHashrate(5e9, 6);
    expect(targetsIn([core.setTarget(1, 2, set)])).toEqual([set]);
    expect(channel.vardiff.hashrate / 5e9).toBeCloseTo(1, 6);
    core.newTemplate(template(2, { futureTemplate: false }));
    expect(channel.jobs.active?.target).toBe(channel.target);
  });

  it('stays as it was measured when an UpdateChannel repeats what the client said', () => {
    const { core, channel } = withChannel();
    passTime(core, NOW, NOW + 120_000);
    const { target } = channel;
    const output = core.handle(1, update(HASHRATE), NOW + 120_000);
    expect(sentTo(output)).toEqual([]);
    expect(typesOf(output.outcomes)).toEqual(['ChannelUpdated']);
    expect(channel.target).toBe(target);
  });

  it('follows another maxTarget at once, in one SetTarget', () => {
    const { core } = withChannel();
    const maxTarget = targetFromHashrate(1e14, 6);
    const output = core.handle(1, update(2e13, maxTarget), NOW);
    expect(targetsIn([output])).toEqual([maxTarget]);
    expect(outcomeOf(output, 'TargetChanged').target).toEqual(maxTarget);
  });

  it('is that of the network from the opening on, where that is easier', () => {
    const nBits = 0x1f00ffff;
    const core = server(options);
    core.newTemplate(template(1));
    core.addClient(1, 0);
    core.handle(1, openExtended({ nominalHashRate: HASHRATE }), NOW);
    const bounded = core.setNewPrevHash(prevHashFor(1, { nBits }), NOW);
    expect(targetsIn([bounded])).toEqual([targetFromNbits(nBits)]);
    // before the jobs on this tip, which are to have it
    expect(typesOf(sentTo(bounded))).toEqual(['SetTarget', 'SetNewPrevHash']);
    const opened = core.handle(1, openExtended({ requestId: 2, nominalHashRate: HASHRATE }), NOW);
    expect(typesOf(sentTo(opened))).not.toContain('SetTarget');
    expect(outcomeOf(opened, 'ChannelOpened').target).toEqual(targetFromNbits(nBits));
    // and an update does not take it away
    expect(targetsIn([core.handle(1, update(1e15), NOW)])).toEqual([]);
  });

  it('never follows a network on which nearly every hash is a block: that would be a flood', () => {
    const core = server(options);
    core.newTemplate(template(1));
    core.addClient(1, 0);
    core.handle(1, openExtended({ nominalHashRate: HASHRATE }), NOW);
    const [target] = targetsIn([core.setNewPrevHash(prevHashFor(1, { nBits: 0x207fffff }), NOW)]);
    expect((2 ** 32 * difficultyFromTarget(target!)) / 65_536).toBeCloseTo(1, 4);
  });

  it('is eased for absent shares with a job only', () => {
    const core = server(options);
    core.addClient(1, 0);
    core.handle(1, openExtended({ nominalHashRate: HASHRATE }), NOW);
    expect(targetsIn(passTime(core, NOW, NOW + 3_600_000))).toEqual([]);
    core.newTemplate(template(1));
    core.setNewPrevHash(prevHashFor(1), NOW + 3_600_000);
    expect(targetsIn(passTime(core, NOW + 3_600_000, NOW + 3_650_000))).toEqual([]);
    expect(targetsIn(passTime(core, NOW + 3_650_000, NOW + 3_700_000))).toHaveLength(1);
  });

  it('without vardiff is that of the nominal hashrate, or the one set', () => {
    const { core, channel } = withChannel({ vardiff: false });
    expect(targetsIn(passTime(core, NOW, NOW + 600_000))).toEqual([]);
    expect(targetsIn([core.handle(1, update(2e12), NOW)])).toEqual([targetFromHashrate(2e12, 6)]);
    core.setTarget(1, 2, targetFromHashrate(3e12, 6));
    expect(targetsIn(passTime(core, NOW + 600_000, NOW + 1_200_000))).toEqual([]);
    expect(channel.target).toEqual(targetFromHashrate(3e12, 6));
  });
});

describe('a channel whose memory for duplicates gets too full', () => {
  /** As if so many shares were remembered, by what they may be without worry. */
  const press = (channel: ServerChannel, seenPressure: number) =>
    Object.defineProperty(channel.shares, 'seenPressure', { value: seenPressure, configurable: true });

  it('gets a harder target, twice with each doubling, and its own back on the next previous hash', () => {
    const { core, channel } = withChannel();
    const before = channel.target;
    const hardness: number[] = [];
    let now = NOW;
    for (const pressure of [1, 1.01, 1.9, 2.1, 4, 0]) {
      press(channel, pressure);
      const told = targetsIn(passTime(core, (now += 250), (now += 5_000)));
      expect(told.length).toBeLessThanOrEqual(1);
      hardness.push(difficultyFromTarget(channel.target) / difficultyFromTarget(before));
    }
    expect(hardness.map((value) => Math.round(1000 * value) / 1000)).toEqual([1, 2, 2, 4, 4, 1]);
  });

  it('is not kept from telling of blocks for that', () => {
    const core = server(options);
    core.newTemplate(template(1));
    const nBits = 0x1f00ffff;
    core.setNewPrevHash(prevHashFor(1, { nBits }), NOW);
    core.addClient(1, 0);
    core.handle(1, openExtended({ nominalHashRate: HASHRATE }), NOW);
    const [[, channel]] = [...core.channels()] as [readonly [number, ServerChannel]];
    press(channel, 1000);
    passTime(core, NOW, NOW + 10_000);
    expect(compareTargets(channel.target, targetFromNbits(nBits))).toBe(0);
  });
});

describe('upkeep of many channels', () => {
  const CHANNELS = 2_250;
  const crowd = () => {
    const core = server({ ...options, maxChannelsPerClient: CHANNELS });
    core.newTemplate(template(1));
    core.newTemplate(template(2));
    core.setNewPrevHash(prevHashFor(1), NOW);
    core.addClient(1, 0);
    for (let requestId = 1; requestId <= CHANNELS; requestId++)
      core.handle(1, openExtended({ requestId, nominalHashRate: HASHRATE }), NOW);
    return core;
  };
  /** How many of these messages there are at most in one output, and in all. */
  const countOf = (outputs: readonly MiningServerOutput[], type: string) => {
    const counts = outputs.map((output) => typesOf(sentTo(output)).filter((sent) => sent === type).length);
    return { most: Math.max(...counts), inAll: counts.reduce((sum, count) => sum + count, 0) };
  };

  it('is done in slices of 500, and every channel has its turn within five seconds', () => {
    const core = crowd();
    const outputs = passTime(core, NOW + 250, NOW + 75_000);
    expect(countOf(outputs, 'SetTarget')).toEqual({ most: 500, inAll: CHANNELS });
  });

  it('is done in slices of 100 by those who call every 50 ms, in the same time', () => {
    const core = crowd();
    const outputs = passTime(core, NOW + 50, NOW + 75_000, 50);
    expect(countOf(outputs.slice(1), 'SetTarget')).toEqual({ most: 100, inAll: CHANNELS });
    const wanted = targetFromHashrate(5e9, 6);
    for (const [clientId, { channelId }] of [...core.channels()]) core.setTarget(clientId, channelId, wanted);
    const first = core.renewJobs(NOW + 75_000);
    const others = Array.from({ length: 18 }, (_, call) => core.renewJobs(NOW + 75_000 + 50 * (call + 1)));
    expect(countOf([first], 'NewExtendedMiningJob').inAll).toBe(500);
    expect(countOf(others, 'NewExtendedMiningJob')).toEqual({ most: 100, inAll: CHANNELS - 500 });
  });

  it('goes on after a clock was set back', () => {
    const core = crowd();
    core.tick(NOW + 60_000);
    core.newTemplate(template(3));
    const first = core.setNewPrevHash(prevHashFor(3, { nBits: 0x1f00ffff }), NOW + 60_000);
    const others = passTime(core, NOW, NOW + 3 * 250);
    expect(countOf([first, ...others], 'SetTarget')).toEqual({ most: 500, inAll: CHANNELS });
  });

  it('holds them to another network target in slices, each with a job for it', () => {
    const core = crowd();
    const nBits = 0x1f00ffff;
    core.newTemplate(template(3));
    const first = core.setNewPrevHash(prevHashFor(3, { nBits }), NOW);
    // an hour later: the clock has no part in it
    const outputs = passTime(core, NOW + 3_600_000, NOW + 3_600_000 + 4 * 250);
    expect(countOf([first], 'SetTarget')).toEqual({ most: 500, inAll: 500 });
    expect(countOf(outputs, 'SetTarget').inAll).toBe(CHANNELS - 500);
    expect(countOf(outputs, 'NewExtendedMiningJob')).toEqual({ most: 500, inAll: CHANNELS - 500 });
    for (const [, { target, jobs }] of core.channels()) {
      expect(compareTargets(target, targetFromNbits(nBits))).toBe(0);
      expect(jobs.active?.target).toEqual(target);
    }
    expect(typesOf(sentTo(core.tick(NOW + 3_601_250)))).not.toContain('NewExtendedMiningJob');
  });

  it('begins anew with those that were held to a network target when another comes', () => {
    const core = crowd();
    core.newTemplate(template(3));
    core.newTemplate(template(4));
    core.setNewPrevHash(prevHashFor(3, { nBits: 0x1e00ffff }), NOW);
    core.tick(NOW);
    core.newTemplate(template(4));
    core.setNewPrevHash(prevHashFor(4, { nBits: 0x1f00ffff }), NOW);
    passTime(core, NOW, NOW + 4 * 250);
    for (const [, { target }] of core.channels())
      expect(compareTargets(target, targetFromNbits(0x1f00ffff))).toBe(0);
  });

  it('renews their jobs in slices, and has nobody wait for ever', () => {
    const core = crowd();
    const wanted = targetFromHashrate(5e9, 6);
    for (const [clientId, { channelId }] of [...core.channels()]) core.setTarget(clientId, channelId, wanted);
    const renewed = Array.from({ length: 5 }, (_, call) => core.renewJobs(NOW + 250 * call));
    expect(countOf(renewed, 'NewExtendedMiningJob')).toEqual({ most: 500, inAll: CHANNELS });
    for (const [, { jobs }] of core.channels()) expect(jobs.active?.target).toEqual(wanted);
    const [[clientId, { channelId }]] = [...core.channels()] as [readonly [number, ServerChannel]];
    core.setTarget(clientId, channelId, targetFromHashrate(6e9, 6));
    const again = Array.from({ length: 5 }, (_, call) => core.renewJobs(NOW + 1_250 + 250 * call));
    expect(countOf(again, 'NewExtendedMiningJob').inAll).toBe(1);
  });
});
