import { describe, expect, it, test } from '@jest/globals';
import { MAX_FUTURE_BLOCK_TIME, targetFromNbits } from '../../../src/bitcoin/index.js';
import { VERSION_ROLLING_MASK, type MiningServerOptions } from '../../../src/mining/index.js';
import { SubmitSharesError, SubmitSharesStandard } from '../../../src/messages/index.js';
import {
  EASIEST_TARGET,
  HARD_NBITS,
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
  wireChannel,
} from '../support.js';

const SECOND = 1000;

/** A server on one tip, and a client with a channel on it. */
const setUp = (
  kind: 'standard' | 'extended',
  options: Partial<MiningServerOptions> = {},
  nBits = HARD_NBITS,
) => {
  const miningServer = server(options);
  miningServer.newTemplate(template(1));
  miningServer.setNewPrevHash(prevHashFor(1, { nBits }), NOW);
  const wired = wireChannel(miningServer, kind === 'standard' ? openStandard() : openExtended());
  return { miningServer, ...wired };
};

type Setting = ReturnType<typeof setUp>;
type Message = ReturnType<typeof mineShare>['message'];

/** A valid share, made wrong in one way. */
interface Case {
  readonly name: string;
  readonly errorCode: string;
  readonly kinds?: readonly ('standard' | 'extended')[];
  readonly options?: Partial<MiningServerOptions>;
  /** Changes the share, or the server before it arrives. */
  readonly spoil: (message: Message, setting: Setting) => Message;
  /** When the share arrives; default at once. */
  readonly at?: number;
}

const cases: readonly Case[] = [
  {
    name: 'of a channel that is not open',
    errorCode: 'invalid-channel-id',
    spoil: (message) => ({ ...message, channelId: 77 }),
  },
  {
    name: 'of the other kind of channel',
    errorCode: 'invalid-channel-id',
    kinds: ['extended'],
    spoil: ({ channelId, sequenceNumber, jobId, nonce, ntime, version }) =>
      SubmitSharesStandard({ channelId, sequenceNumber, jobId, nonce, ntime, version }),
  },
  {
    name: 'of a group',
    errorCode: 'invalid-channel-id',
    spoil: (message, { channel }) => ({ ...message, channelId: channel.groupChannelId }),
  },
  {
    name: 'for a job that was never given',
    errorCode: 'invalid-job-id',
    spoil: (message) => ({ ...message, jobId: 77 }),
  },
  {
    name: 'for a future job',
    errorCode: 'invalid-job-id',
    spoil: (message, { miningServer, receive }) => {
      receive(miningServer.newTemplate(template(2)));
      return { ...message, jobId: message.jobId + 1 };
    },
  },
  {
    name: 'for a job of the tip before',
    errorCode: 'stale-share',
    spoil: (message, { miningServer, receive }) => {
      receive(miningServer.newTemplate(template(2)));
      receive(miningServer.setNewPrevHash(prevHashFor(2), NOW));
      return message;
    },
  },
  {
    name: 'for a job that is older than the past jobs kept',
    errorCode: 'invalid-job-id',
    spoil: (message, { miningServer }) => {
      for (let id = 2; id <= 20; id++) miningServer.newTemplate(template(id, { futureTemplate: false }));
      return message;
    },
  },
  {
    name: 'that was sent before',
    errorCode: 'duplicate-share',
    spoil: (_, { channel, send }) => {
      const { message } = mineShare(channel);
      outcomeOf(send(message), 'ShareAccepted');
      return { ...message, sequenceNumber: message.sequenceNumber + 1 };
    },
  },
  {
    name: 'with a hash above the target',
    errorCode: 'difficulty-too-low',
    options: { minHashrate: 1e15 },
    spoil: (message) => message,
  },
  {
    name: 'with an extranonce that is too short',
    errorCode: 'bad-extranonce-size',
    kinds: ['extended'],
    spoil: (message) => ({ ...message, extranonce: new Uint8Array(15) }),
  },
  {
    name: 'with an extranonce that is too long',
    errorCode: 'bad-extranonce-size',
    kinds: ['extended'],
    spoil: (message) => ({ ...message, extranonce: new Uint8Array(17) }),
  },
  {
    name: 'with an ntime before the previous hash',
    errorCode: 'invalid-share',
    spoil: (message) => ({ ...message, ntime: NTIME - 1 }),
  },
  {
    name: 'with an ntime more than two hours ahead',
    errorCode: 'invalid-share',
    spoil: (message) => ({ ...message, ntime: NTIME + 60 + MAX_FUTURE_BLOCK_TIME + 1 }),
    at: NOW + 60 * SECOND,
  },
  {
    name: 'with rolled version bits where that is not allowed',
    errorCode: 'version-rolling-not-allowed',
    options: { versionRollingAllowed: false },
    spoil: (message) => ({ ...message, version: message.version ^ 0x20 }),
  },
  ...[0, 1, 2, 3, 4, 29, 30, 31].map((bit) => ({
    name: `with version bit ${bit} changed, which is not BIP 323's`,
    errorCode: 'invalid-non-rollable-version-bit',
    spoil: (message: Message) => ({ ...message, version: (message.version ^ (1 << bit)) >>> 0 }),
  })),
];

describe.each(['standard', 'extended'] as const)('a share of a %s channel', (kind) => {
  const ours = cases.filter(({ kinds = ['standard', 'extended'] }) => kinds.includes(kind));
  test.each(ours)('$name: $errorCode', ({ errorCode, options, spoil, at = NOW }) => {
    const setting = setUp(kind, options);
    const easy = { ...setting.channel, jobs: structuredClone(setting.channel.jobs) };
    if (easy.jobs.active !== null) easy.jobs.active.target = EASIEST_TARGET;
    const message = spoil(mineShare(easy).message, setting);
    const output = setting.miningServer.handle(1, message, at);
    const outcome = outcomeOf(output, 'ShareRejected');
    expect(outcome).toMatchObject({
      errorCode,
      jobId: message.jobId,
      sequenceNumber: message.sequenceNumber,
    });
    expect(outcome.reason).not.toBe('');
    const { channelId, sequenceNumber } = message;
    expect(sentTo(output)).toEqual([SubmitSharesError({ channelId, sequenceNumber, errorCode })]);
  });

  it('is accepted when nothing is wrong with it', () => {
    const { channel, send } = setUp(kind);
    const { message, hash } = mineShare(channel);
    const output = send(message);
    expect(outcomeOf(output, 'ShareAccepted')).toMatchObject({ channelId: channel.channelId, hash });
    expect(sentTo(output)).toMatchObject([
      { type: 'SubmitShares.Success', lastSequenceNumber: 1, newSubmitsAcceptedCount: 1 },
    ]);
  });

  it('counts late for a job that was replaced on the same tip', () => {
    const { miningServer, channel, send, receive } = setUp(kind);
    const { message } = mineShare(channel);
    receive(miningServer.newTemplate(template(2, { futureTemplate: false })));
    expect(channel.jobs.active?.jobId).not.toBe(message.jobId);
    outcomeOf(send(message), 'ShareAccepted');
  });

  it('may roll every bit of BIP 323', () => {
    const { channel, miningServer } = setUp(kind);
    const { message } = mineShare(channel);
    for (let bit = 5; bit <= 28; bit++) {
      expect((VERSION_ROLLING_MASK >>> bit) & 1).toBe(1);
      const rolled = { ...message, version: (message.version ^ (1 << bit)) >>> 0 };
      const [outcome] = miningServer.handle(1, rolled, NOW).outcomes;
      // whatever its hash is now, its version is not what is wrong with it
      if (outcome?.type === 'ShareRejected') expect(outcome.errorCode).toBe('difficulty-too-low');
    }
  });

  it('may roll ntime to two hours after the clock, where the tip has an old time', () => {
    const { miningServer, channel } = setUp(kind);
    const age = 3 * 3600;
    const old = prevHashFor(2, { headerTimestamp: NTIME - age });
    miningServer.newTemplate(template(2));
    miningServer.setNewPrevHash(old, NOW);
    const { message } = mineShare(channel);
    const verdict = (ntime: number, now: number) => {
      const [outcome] = miningServer.handle(1, { ...message, jobId: 2, ntime }, now).outcomes;
      return outcome?.type === 'ShareRejected' ? outcome.errorCode : outcome?.type;
    };
    // as one at the clock's time is in range, whatever its hash
    const inRange = ['ShareAccepted', 'difficulty-too-low'];
    expect(inRange).toContain(verdict(NTIME + MAX_FUTURE_BLOCK_TIME, NOW));
    expect(verdict(NTIME + MAX_FUTURE_BLOCK_TIME + 1, NOW)).toBe('invalid-share');
    expect(inRange).toContain(verdict(NTIME + 100 + MAX_FUTURE_BLOCK_TIME, NOW + 100 * SECOND));
    expect(verdict(NTIME + 101 + MAX_FUTURE_BLOCK_TIME, NOW + 100 * SECOND)).toBe('invalid-share');
  });

  it('may roll ntime to the seconds gone by and two hours on, even when the clock steps back', () => {
    const { channel, miningServer } = setUp(kind);
    const { message } = mineShare(channel);
    const verdict = (ntime: number, now: number): string | undefined => {
      const [outcome] = miningServer.handle(1, { ...message, ntime }, now).outcomes;
      return outcome?.type === 'ShareRejected' ? outcome.errorCode : 'accepted';
    };
    const inRange = ['accepted', 'difficulty-too-low', 'duplicate-share'];
    expect(inRange).toContain(verdict(NTIME, NOW));
    expect(inRange).toContain(verdict(NTIME + MAX_FUTURE_BLOCK_TIME, NOW));
    expect(inRange).toContain(verdict(NTIME + MAX_FUTURE_BLOCK_TIME, NOW - 3600 * SECOND));
    expect(inRange).toContain(verdict(NTIME + 100 + MAX_FUTURE_BLOCK_TIME, NOW + 100 * SECOND));
    expect(verdict(NTIME + 101 + MAX_FUTURE_BLOCK_TIME, NOW + 100 * SECOND)).toBe('invalid-share');
  });

  it('is a block when it meets the network target, though not its job target, and is acknowledged at once', () => {
    const { channel, miningServer, send } = setUp(
      kind,
      { shareBatchSize: 100, minHashrate: 1e15 },
      REGTEST_NBITS,
    );
    channel.jobs.active!.target = targetFromNbits(REGTEST_NBITS);
    const { message, hash: found, header } = mineShare(channel);
    const output = send(message);
    expect(outcomeOf(output, 'BlockFound')).toMatchObject({ hash: found, header, jobId: message.jobId });
    // who hands in such ones beside those that meet the target would be paid twice for the same hashes
    expect(outcomeOf(output, 'ShareAccepted').difficulty).toBe(0);
    expect(sentTo(output)).toMatchObject([{ newSharesSum: 0n }]);
    expect(sentTo(output)).toMatchObject([{ type: 'SubmitShares.Success', newSubmitsAcceptedCount: 1 }]);
    expect(outcomeOf(miningServer.handle(1, message, NOW), 'ShareRejected').errorCode).toBe(
      'duplicate-share',
    );
  });
});

describe('the network target', () => {
  it.each([
    ['easier', EASIEST_TARGET, ['ShareAccepted', 'WeakBlockFound']],
    ['harder', new Uint8Array(32), ['ShareAccepted']],
  ])("is that of nbits, though the template provider's is %s", (_, target, otherwise) => {
    const verdictAt = (nBits: number) => {
      const miningServer = server();
      miningServer.newTemplate(template(1));
      miningServer.setNewPrevHash(prevHashFor(1, { nBits, target }), NOW);
      const { channel, send } = wireChannel(miningServer);
      channel.jobs.active!.target = targetFromNbits(REGTEST_NBITS);
      return send(mineShare(channel).message).outcomes.map(({ type }) => type);
    };
    expect(verdictAt(REGTEST_NBITS)).toEqual(['ShareAccepted', 'BlockFound']);
    expect(verdictAt(HARD_NBITS)).toEqual(otherwise);
  });
});

describe('rejections', () => {
  it('count for the channel, and leave its other shares alone', () => {
    const { channel, miningServer, send } = setUp('standard');
    const { message } = mineShare(channel);
    send({ ...message, jobId: 99 });
    send({ ...message, ntime: 0 });
    send({ ...message, ntime: 1 });
    outcomeOf(send(message), 'ShareAccepted');
    const [serverSide] = [...miningServer.channels()].map(([, opened]) => opened);
    expect(serverSide?.shares.totals()).toMatchObject({
      accepted: 1,
      rejected: 3,
      rejectedByCode: { 'invalid-job-id': 1, 'invalid-share': 2 },
    });
  });

  it('name the worker of the TLV beside the user, and refuse one that is too long', () => {
    const { channel, send } = setUp('extended');
    const { message } = mineShare(channel);
    const tlv = (value: Uint8Array) => [{ extensionType: 2, fieldType: 1, value }];
    const named = { ...message, tlvs: tlv(new TextEncoder().encode('rig-7')) };
    const rig = { userIdentity: 'satoshi.two', worker: 'rig-7' };
    expect(outcomeOf(send({ ...named, jobId: 99 }), 'ShareRejected')).toMatchObject(rig);
    expect(outcomeOf(send(named), 'ShareAccepted')).toMatchObject(rig);
    const nameless = { ...message, jobId: 99, tlvs: tlv(new Uint8Array(0)) };
    expect(outcomeOf(send(nameless), 'ShareRejected')).toMatchObject({ ...rig, worker: '' });
    const tooLong = { ...message, tlvs: tlv(new Uint8Array(33)) };
    expect(outcomeOf(send(tooLong), 'ShareRejected')).toMatchObject({
      errorCode: 'invalid-share',
      userIdentity: 'satoshi.two',
      worker: '',
    });
  });
});
