import { describe, expect, it } from '@jest/globals';
import { MAX_FUTURE_BLOCK_TIME, serialiseOutputs } from '../../../src/bitcoin/index.js';
import { type MiningServerOptions } from '../../../src/mining/index.js';
import { receiveCustomJob } from '../../../src/mining/channels/client-channel.js';
import { checkShare } from '../../../src/mining/channels/client-work.js';
import {
  SetCustomMiningJob,
  SetCustomMiningJobError,
  type SetCustomMiningJobSuccess,
} from '../../../src/messages/index.js';
import { codeOf } from '../../bitcoin/support.js';
import {
  HARD_NBITS,
  hash,
  mineShare,
  NOW,
  NTIME,
  openExtended,
  openStandard,
  outcomeOf,
  payoutOutputs,
  prevHashFor,
  sentTo,
  server,
  template,
  wire,
  wireChannel,
  REQUIRES_WORK_SELECTION,
} from '../support.js';

const setUp = (options: Partial<MiningServerOptions> = {}, flags = REQUIRES_WORK_SELECTION) => {
  const miningServer = server({ acceptCustomJob: () => null, ...options });
  miningServer.newTemplate(template(1));
  miningServer.setNewPrevHash(prevHashFor(1), NOW);
  return { miningServer, ...wireChannel(miningServer, openExtended(), { flags }) };
};

const customJob = (
  channelId: number,
  fields: Partial<Omit<SetCustomMiningJob, 'type' | 'channelId'>> = {},
): SetCustomMiningJob =>
  SetCustomMiningJob({
    channelId,
    requestId: 5,
    miningJobToken: Uint8Array.of(1, 2),
    version: 0x2000_0000,
    prevHash: prevHashFor(1).prevHash,
    minNtime: NTIME + 3,
    nbits: HARD_NBITS,
    coinbaseTxVersion: 2,
    coinbasePrefix: Uint8Array.of(2, 0x10, 0x27, 20),
    coinbaseTxInputNSequence: 0xffff_ffff,
    coinbaseTxOutputs: serialiseOutputs(payoutOutputs(50n)),
    coinbaseTxLocktime: 0,
    merklePath: [hash(1)],
    ...fields,
  });

describe('SetCustomMiningJob', () => {
  it('is the only source of jobs for a client that selects its work', () => {
    const { miningServer, channel } = setUp();
    expect(channel.jobs.active).toBeNull();
    expect(miningServer.newTemplate(template(2)).messages).toEqual([]);
    expect(miningServer.newTemplate(template(3, { futureTemplate: false })).messages).toEqual([]);
    expect(miningServer.setNewPrevHash(prevHashFor(2), NOW).messages).toEqual([]);
  });

  it('is accepted with a job id, and its shares count on both sides', () => {
    const { channel, send } = setUp();
    const job = customJob(channel.channelId);
    const output = send(job);
    const [success] = sentTo(output) as [SetCustomMiningJobSuccess];
    expect(success).toMatchObject({
      type: 'SetCustomMiningJob.Success',
      channelId: channel.channelId,
      requestId: 5,
    });
    expect(outcomeOf(output, 'CustomJobAccepted').jobId).toBe(success.jobId);
    receiveCustomJob(channel, job, success, NOW);
    const { message, hash: found } = mineShare(channel);
    expect(message.jobId).toBe(success.jobId);
    expect(outcomeOf(send(message), 'ShareAccepted').hash).toEqual(found);
    // its own min_ntime holds
    const early = { ...message, ntime: NTIME + 2 };
    expect(outcomeOf(send(early), 'ShareRejected').errorCode).toBe('invalid-share');
  });

  it('replaces the job before, whose late shares count until the tip changes', () => {
    const { miningServer, channel, send } = setUp();
    const setJob = (version: number): void => {
      const job = customJob(channel.channelId, { version });
      receiveCustomJob(channel, job, sentTo(send(job))[0] as SetCustomMiningJobSuccess, NOW);
    };
    setJob(0x2000_0000);
    const late = mineShare(channel);
    setJob(0x3000_0000);
    outcomeOf(send(late.message), 'ShareAccepted');
    const stale = mineShare(channel);
    miningServer.newTemplate(template(2));
    miningServer.setNewPrevHash(prevHashFor(2), NOW);
    for (const { message } of [late, stale]) {
      expect(outcomeOf(send(message), 'ShareRejected').errorCode).toBe('stale-share');
    }
  });

  it('with another min_ntime makes the ones before stale, as in the reference implementation', () => {
    const { channel, send } = setUp();
    const setJob = (minNtime: number) => {
      const job = customJob(channel.channelId, { minNtime });
      receiveCustomJob(channel, job, sentTo(send(job))[0] as SetCustomMiningJobSuccess, NOW);
    };
    setJob(NTIME);
    const { message } = mineShare(channel);
    setJob(NTIME + 30);
    expect(outcomeOf(send(message), 'ShareRejected').errorCode).toBe('stale-share');
  });

  it('for a group is for its extended channels', () => {
    const { channel, client, send } = setUp();
    send(openExtended({ requestId: 2 }));
    const job = customJob(channel.groupChannelId);
    const [success] = sentTo(send(job)) as [SetCustomMiningJobSuccess];
    expect(success.channelId).toBe(channel.groupChannelId);
    for (const member of client.channels.values()) {
      receiveCustomJob(member, job, success, NOW);
      outcomeOf(send(mineShare(member).message), 'ShareAccepted');
    }
  });

  it.each([
    ['stale-chain-tip', { prevHash: hash(77) }],
    ['invalid-nbits', { nbits: 0x207fffff }],
    ['invalid-min-ntime', { minNtime: NTIME + MAX_FUTURE_BLOCK_TIME + 1 }],
    ['invalid-merkle-path', { merklePath: new Array<Uint8Array>(25).fill(hash(1)) }],
    ['invalid-coinbase-prefix', { coinbasePrefix: new Uint8Array(81) }],
    ['invalid-coinbase-tx-outputs', { coinbaseTxOutputs: Uint8Array.of(1, 2, 3) }],
    ['pool-payout-script-missing', { coinbaseTxOutputs: serialiseOutputs([]) }],
  ])('is refused with %s', (errorCode, fields) => {
    const { miningServer, channel, send } = setUp({
      acceptCustomJob: ({ coinbaseTxOutputs }) =>
        coinbaseTxOutputs.length > 1 ? null : 'pool-payout-script-missing',
    });
    const { channelId } = channel;
    const output = send(customJob(channelId, fields));
    expect(sentTo(output)).toEqual([SetCustomMiningJobError({ channelId, requestId: 5, errorCode })]);
    expect(outcomeOf(output, 'CustomJobRefused').reason).not.toBe('');
    expect([...miningServer.channels()][0]?.[1].jobs.active).toBeNull();
  });

  it('is refused with what the pool finds wrong, in its own words if it has any', () => {
    const refusal = { errorCode: 'invalid-version', reason: 'expected version 2, got 1' } as const;
    const { channel, send } = setUp({ acceptCustomJob: () => refusal });
    expect(outcomeOf(send(customJob(channel.channelId)), 'CustomJobRefused')).toMatchObject(refusal);
  });

  it('is refused with jd-not-supported by a pool that takes none', () => {
    const miningServer = server();
    const { send } = wireChannel(miningServer, openExtended(), { flags: REQUIRES_WORK_SELECTION });
    expect(outcomeOf(send(customJob(2)), 'CustomJobRefused').errorCode).toBe('jd-not-supported');
  });

  it('is refused for standard channels, unknown ones, and before the first tip', () => {
    const miningServer = server({ acceptCustomJob: () => null });
    const { send } = wireChannel(miningServer, openExtended(), { flags: REQUIRES_WORK_SELECTION });
    expect(outcomeOf(send(customJob(2)), 'CustomJobRefused').errorCode).toBe('stale-chain-tip');
    expect(outcomeOf(send(customJob(99)), 'CustomJobRefused').errorCode).toBe('invalid-channel-id');
  });

  it('is refused when the connection was set up without work selection', () => {
    const { channel, send } = setUp({}, 0);
    const output = send(customJob(channel.channelId));
    expect(outcomeOf(output, 'CustomJobRefused').errorCode).toBe('work-selection-not-negotiated');
  });
});

describe('the client', () => {
  it('knows that a custom job on another tip makes those before stale', () => {
    const { channel, send } = setUp();
    const setJob = (requestId: number, minNtime: number) => {
      const job = customJob(channel.channelId, { requestId, minNtime });
      receiveCustomJob(channel, job, sentTo(send(job))[0] as SetCustomMiningJobSuccess, NOW);
    };
    setJob(1, NTIME);
    const { share } = mineShare(channel);
    setJob(2, NTIME);
    expect(checkShare(channel, share, NOW).valid).toBe(true);
    setJob(3, NTIME + 30);
    expect(checkShare(channel, share, NOW)).toMatchObject({ errorCode: 'stale-share' });
  });

  it('rolls the version of its custom jobs unless the server requires that of the job', () => {
    for (const requiresFixedVersion of [true, false]) {
      const miningServer = server({ acceptCustomJob: () => null });
      miningServer.newTemplate(template(1));
      miningServer.setNewPrevHash(prevHashFor(1), NOW);
      const { channel, send } = wireChannel(miningServer, openExtended(), {
        flags: REQUIRES_WORK_SELECTION,
        requiresFixedVersion,
      });
      const job = customJob(channel.channelId);
      receiveCustomJob(channel, job, sentTo(send(job))[0] as SetCustomMiningJobSuccess, NOW);
      expect(channel.jobs.active?.versionRollingAllowed).toBe(!requiresFixedVersion);
    }
  });

  it('takes a custom job only for its channel and with the answer to it', () => {
    const { channel, send, miningServer } = setUp();
    const job = customJob(channel.channelId);
    const success = sentTo(send(job))[0] as SetCustomMiningJobSuccess;
    const take = (request: SetCustomMiningJob, answer: SetCustomMiningJobSuccess, to = channel) =>
      codeOf(() => receiveCustomJob(to, request, answer, NOW));
    expect(take(job, { ...success, requestId: 6 })).toBe('invalid-job');
    expect(take({ ...job, channelId: 9 }, { ...success, channelId: 9 })).toBe('invalid-job');
    expect(take({ ...job, channelId: 9 }, success)).toBe('invalid-job');
    const other = wire(miningServer, 2);
    other.send(openStandard());
    const [standard] = other.client.channels.values();
    expect(take(job, success, standard)).toBe('invalid-job');
    expect(take(job, success)).toBeNull();
  });
});
