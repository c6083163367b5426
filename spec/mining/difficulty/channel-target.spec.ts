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

/** What comes of a time without shares, in milliseconds. */
const passTime = (core: MiningServer, from: number, until: number): readonly MiningServerOutput[] => {
  const outputs: MiningServerOutput[] = [];
  for (let now = from; now <= until; now += 250) outputs.push(core.tick(now));
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

describe('upkeep of 10,000 channels', () => {
  it('is done in slices of 500, and every channel has its turn within five seconds', () => {
    const core = server({ ...options, maxChannelsPerClient: 10_000 });
    core.newTemplate(template(1));
    core.setNewPrevHash(prevHashFor(1), NOW);
    core.addClient(1, 0);
    for (let requestId = 1; requestId <= 10_000; requestId++)
      core.handle(1, openExtended({ requestId, nominalHashRate: HASHRATE }), NOW);
    let [most, told] = [0, 0];
    for (const output of passTime(core, NOW + 250, NOW + 75_000)) {
      most = Math.max(most, targetsIn([output]).length);
      told += targetsIn([output]).length;
    }
    expect(most).toBe(500);
    expect(told).toBe(10_000);
  });
});
