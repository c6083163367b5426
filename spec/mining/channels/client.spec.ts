import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { addCoinbaseWitness, blockHash } from '../../../src/bitcoin/index.js';
import {
  checkShare,
  extranonceAllocator,
  miningClient,
  nextExtranonce,
  nextWork,
  ntimeAt,
  shareFrom,
  submission,
  VERSION_ROLLING_MASK,
  workHeader,
  type MiningClientChange,
  type MiningServerMessage,
} from '../../../src/mining/index.js';
import type { NewExtendedMiningJob } from '../../../src/messages/index.js';
import {
  CloseChannel,
  NewMiningJob,
  OpenExtendedMiningChannelSuccess,
  OpenStandardMiningChannelSuccess,
  SetExtranoncePrefix,
  OpenMiningChannelError,
  SetGroupChannel,
  SetNewPrevHash,
  SetTarget,
  SubmitSharesSuccess,
} from '../../../src/messages/index.js';
import {
  HARD_NBITS,
  hash,
  mineShare,
  NOW,
  NTIME,
  openExtended,
  openStandard,
  outcomeOf,
  prevHashFor,
  sentTo,
  server,
  template,
  wire,
  wireChannel,
  REQUIRES_STANDARD_JOBS,
} from '../support.js';

/** The codes of what a client could not make sense of. */
const problemsOf = (changes: readonly MiningClientChange[]): string[] =>
  changes.flatMap((change) => ('error' in change ? [change.error.code] : []));

const coded = (code: string): unknown => expect.objectContaining({ code });

/** A client that has asked for extended channels with at least 4 bytes to roll. */
const askingClient = (...requestIds: readonly number[]) => {
  const client = miningClient();
  for (const requestId of requestIds) client.request(openExtended({ requestId, minExtranonceSize: 4 }));
  return client;
};

const setUp = (request: Parameters<typeof wireChannel>[1] = openExtended(), flags = 0) => {
  const miningServer = server();
  miningServer.newTemplate(template(1));
  miningServer.setNewPrevHash(prevHashFor(1), NOW);
  return { miningServer, ...wireChannel(miningServer, request, { flags }) };
};

describe('client and server', () => {
  it('hash the same: prefix, extranonce and suffix on one side are what the other validates', () => {
    fc.assert(
      fc.property(
        fc.record({
          upstreamPrefix: fc.uint8Array({ maxLength: 8 }),
          indexSize: fc.integer({ min: 1, max: 4 }),
          rollable: fc.integer({ min: 1, max: 12 }),
          path: fc.nat(12),
          before: fc.nat(20),
          rolled: fc.uint8Array({ minLength: 12, maxLength: 12 }),
          version: fc.nat(),
          seconds: fc.nat(600),
          nonce: fc.nat(),
          kind: fc.constantFrom('standard', 'extended', 'standard-jobs'),
        }),
        ({ upstreamPrefix, indexSize, rollable, path, before, rolled, version, seconds, nonce, kind }) => {
          const size = upstreamPrefix.length + indexSize + rollable;
          const miningServer = server({
            extranonce: extranonceAllocator({ upstreamPrefix, indexSize, size }),
          });
          const merklePath = Array.from({ length: path }, (_, index) => hash(index));
          miningServer.newTemplate(template(1, { merklePath }));
          miningServer.setNewPrevHash(prevHashFor(1), NOW);
          const { client, send, receive } = wire(
            miningServer,
            1,
            kind === 'standard-jobs' ? REQUIRES_STANDARD_JOBS : 0,
          );
          const request =
            kind === 'extended' ? openExtended({ minExtranonceSize: rollable }) : openStandard();
          for (let opened = 0; opened <= before; opened++) send(request);
          receive(miningServer.newTemplate(template(2, { merklePath, futureTemplate: false })));
          const channel = [...client.channels.values()].at(-1)!;
          channel.extranonce.set(rolled.subarray(0, channel.extranonce.length));

          const now = NOW + seconds * 1000;
          const work = nextWork(channel, now)!;
          const roll = { nonce, version: (work.version ^ (version & VERSION_ROLLING_MASK)) >>> 0 };
          const mined = blockHash(workHeader(work, roll));
          const share = shareFrom(work, roll);
          const verdict = checkShare(channel, share, now);
          const output = send(submission(channel, share), now);
          const [outcome] = output.outcomes;
          // both sides come to the same hash and the same judgement
          if (verdict.valid) {
            expect(verdict.hash).toEqual(mined);
            expect(outcome).toMatchObject({ type: 'ShareAccepted', hash: mined });
          } else {
            expect(outcome).toMatchObject({ type: 'ShareRejected', errorCode: verdict.errorCode });
            expect(verdict.errorCode).toBe('difficulty-too-low');
          }
        },
      ),
      { seed: 42, numRuns: 200 },
    );
  });
});

describe('an extended channel on the client', () => {
  it('takes another extranonce for each piece of work', () => {
    const { channel, send } = setUp();
    const seen = new Set<string>();
    for (let share = 0; share < 20; share++) {
      const { work, message } = mineShare(channel);
      seen.add(String(work.extranonce));
      outcomeOf(send(message), 'ShareAccepted');
    }
    expect(seen.size).toBe(20);
  });

  it('counts extranonces through all bytes, and starts again after the last', () => {
    const { channel } = setUp();
    const two = { ...channel, extranonce: Uint8Array.of(0, 254) };
    const counted = [1, 2, 3].map(() => [...nextExtranonce(two)]);
    expect(counted).toEqual([
      [0, 254],
      [0, 255],
      [1, 0],
    ]);
    const last = { ...channel, extranonce: Uint8Array.of(255, 255) };
    expect([nextExtranonce(last), nextExtranonce(last)]).toEqual([
      Uint8Array.of(255, 255),
      Uint8Array.of(0, 0),
    ]);
  });

  it('takes jobs whose coinbase was not stripped of its witness', () => {
    const { channel, client, miningServer, send } = setUp();
    const [job] = sentTo(miningServer.newTemplate(template(2, { futureTemplate: false }))) as [
      NewExtendedMiningJob,
    ];
    client.handle({ ...job, ...addCoinbaseWitness(job) }, NOW);
    outcomeOf(send(mineShare(channel).message), 'ShareAccepted');
  });

  it('refuses a NewMiningJob', () => {
    const { channel, client } = setUp();
    const job = NewMiningJob({
      channelId: channel.channelId,
      jobId: 9,
      minNtime: null,
      version: 1,
      merkleRoot: hash(1),
    });
    expect(problemsOf(client.handle(job, NOW))).toEqual(['invalid-job']);
  });
});

describe('the client', () => {
  it('tells what has changed', () => {
    const { client, channel, miningServer } = setUp();
    const changes = (output: ReturnType<typeof miningServer.newTemplate>) =>
      sentTo(output).flatMap((message) => client.handle(message as SetTarget, NOW));
    expect(changes(miningServer.newTemplate(template(2)))).toEqual([]);
    expect(changes(miningServer.setNewPrevHash(prevHashFor(2), NOW))).toEqual([
      { type: 'work', channel, job: channel.jobs.active },
    ]);
    expect(changes(miningServer.newTemplate(template(3, { futureTemplate: false })))).toEqual([
      { type: 'work', channel, job: channel.jobs.active },
    ]);
    expect(channel.jobs.active?.jobId).toBe(3);
    expect(changes(miningServer.setTarget(1, channel.channelId, hash(5)))).toEqual([
      { type: 'target', channel, target: hash(5) },
    ]);
    expect(channel.target).toEqual(hash(5));
    expect(changes(miningServer.closeChannel(1, channel.channelId, 'bye'))).toEqual([
      { type: 'closed', channel, reason: 'bye' },
    ]);
    expect(client.channels.size).toBe(0);
    const refusal = OpenMiningChannelError({ requestId: 4, errorCode: 'unknown-user' });
    expect(client.handle(refusal, NOW)).toEqual([]);
    client.request(openExtended({ requestId: 4 }));
    expect(client.handle(refusal, NOW)).toEqual([
      { type: 'refused', requestId: 4, errorCode: 'unknown-user' },
    ]);
  });

  it('takes a SetTarget to the group for all its channels', () => {
    const { client, channel, send } = setUp();
    send(openStandard());
    client.handle(SetTarget({ channelId: channel.groupChannelId, maximumTarget: hash(6) }), NOW);
    expect([...client.channels.values()].map(({ target }) => target)).toEqual([hash(6), hash(6)]);
  });

  it('has nothing to mine when a SetNewPrevHash names a job it was never given', () => {
    const { client, channel } = setUp();
    const { channelId } = channel;
    const message = SetNewPrevHash({
      channelId,
      jobId: 77,
      prevHash: hash(1),
      minNtime: NTIME,
      nbits: HARD_NBITS,
    });
    const changes = client.handle(message, NOW);
    expect(problemsOf(changes)).toEqual(['job-id-not-found']);
    expect(changes[0]).toEqual({ type: 'work', channel, job: null });
    expect(nextWork(channel, NOW)).toBeNull();
    expect(client.handle({ ...message, channelId: 99 }, NOW)).toEqual([]);
  });

  it('cannot mine a job at once before it knows a previous hash', () => {
    const miningServer = server();
    const { client, channel } = wireChannel(miningServer);
    expect(nextWork(channel, NOW)).toBeNull();
    const job = NewMiningJob({
      channelId: channel.channelId,
      jobId: 9,
      minNtime: NTIME,
      version: 1,
      merkleRoot: hash(1),
    });
    expect(problemsOf(client.handle(job, NOW))).toEqual(['chain-tip-not-set']);
  });

  it('refuses a job from before the previous hash', () => {
    const { client, channel, miningServer } = setUp();
    const [job] = sentTo(miningServer.newTemplate(template(2, { futureTemplate: false }))) as [
      NewExtendedMiningJob,
    ];
    expect(problemsOf(client.handle({ ...job, minNtime: NTIME - 1 }, NOW))).toEqual(['invalid-job']);
    expect(channel.jobs.active?.jobId).toBe(1);
  });

  it('rolls ntime with the seconds since the job came, not back', () => {
    const tip = {
      prevHash: hash(1),
      minNtime: NTIME,
      nbits: HARD_NBITS,
      networkTarget: hash(2),
      solutionTarget: hash(2),
      receivedAt: NOW,
    };
    expect([0, 999, 1000, 61_500, -5000].map((elapsed) => ntimeAt(tip, NOW + elapsed) - NTIME)).toEqual([
      0, 0, 1, 61, 0,
    ]);
  });

  it('counts the seconds of a job from when it came, not from when the previous hash did', () => {
    const { client, channel, miningServer } = setUp();
    const [job] = sentTo(miningServer.newTemplate(template(2, { futureTemplate: false }))) as [
      NewExtendedMiningJob,
    ];
    client.handle({ ...job, minNtime: NTIME + 30 }, NOW + 60_000);
    expect([60_000, 62_000].map((later) => nextWork(channel, NOW + later)?.ntime)).toEqual([
      NTIME + 30,
      NTIME + 32,
    ]);
  });

  it.each([true, false])('rolls the version of an extended job if that is allowed: %s', (allowed) => {
    const { client, channel, miningServer } = setUp();
    const [job] = sentTo(miningServer.newTemplate(template(2, { futureTemplate: false }))) as [
      NewExtendedMiningJob,
    ];
    client.handle({ ...job, versionRollingAllowed: allowed }, NOW);
    expect(nextWork(channel, NOW)?.versionRollingAllowed).toBe(allowed);
  });

  it('takes no answer for more shares than it submitted, nor for none', () => {
    const { client, channel } = setUp();
    for (let share = 0; share < 3; share++) mineShare(channel);
    const answer = (newSubmitsAcceptedCount: number) =>
      problemsOf(
        client.handle(
          SubmitSharesSuccess({
            channelId: channel.channelId,
            lastSequenceNumber: 3,
            newSubmitsAcceptedCount,
            newSharesSum: 3n,
          }),
          NOW,
        ),
      );
    expect([4, 0, 2, 2, 1, 1].map((count) => answer(count))).toEqual([
      ['not-submitted'],
      ['not-submitted'],
      [],
      ['not-submitted'],
      [],
      ['not-submitted'],
    ]);
  });

  it('finds its own bad shares', () => {
    const { channel } = setUp();
    const { share } = mineShare(channel);
    expect(checkShare(channel, share, NOW).valid).toBe(true);
    expect(checkShare(channel, { ...share, jobId: 9 }, NOW)).toMatchObject({ errorCode: 'invalid-job-id' });
    expect(checkShare(channel, { ...share, extranonce: new Uint8Array(1) }, NOW)).toMatchObject({
      errorCode: 'bad-extranonce-size',
    });
  });

  it('numbers its shares', () => {
    const { channel } = setUp();
    const numbers = [1, 2, 3].map(() => mineShare(channel).message.sequenceNumber);
    expect(numbers).toEqual([1, 2, 3]);
    channel.sequenceNumber = 0xffff_ffff;
    expect(mineShare(channel).message.sequenceNumber).toBe(0);
  });

  it('mines a standard channel in a group and one with jobs of its own alike', () => {
    for (const flags of [0, REQUIRES_STANDARD_JOBS]) {
      const { channel, miningServer, send, receive } = setUp(openStandard(), flags);
      receive(miningServer.newTemplate(template(2, { futureTemplate: false })));
      const work = nextWork(channel, NOW)!;
      expect(work).not.toHaveProperty('extranonce');
      expect(nextWork(channel, NOW)).toEqual(work);
      outcomeOf(send(mineShare(channel).message), 'ShareAccepted');
    }
  });
});

describe('an id that is given twice', () => {
  const opened = (channelId: number, groupChannelId: number, requestId = 1) =>
    OpenExtendedMiningChannelSuccess({
      requestId,
      channelId,
      target: new Uint8Array(32).fill(0xff),
      extranonceSize: 8,
      extranoncePrefix: new Uint8Array(4),
      groupChannelId,
    });

  it.each([
    ['to a second channel', [opened(2, 1), opened(2, 1, 2)]],
    ['to a channel, after a group', [opened(2, 1), opened(1, 3, 2)]],
    ['to a group, after a channel', [opened(2, 1), opened(3, 2, 2)]],
    ['to a group made later', [opened(2, 1), SetGroupChannel({ groupChannelId: 2, channelIds: [2] })]],
  ])('%s is the error of a server', (_, messages) => {
    const client = askingClient(1, 2);
    const [first, second] = messages;
    client.handle(first as MiningServerMessage, NOW);
    expect(problemsOf(client.handle(second as MiningServerMessage, NOW))).toEqual(['duplicate-channel-id']);
    expect([...client.channels.keys()]).toEqual([2]);
    expect(client.channels.get(2)?.groupChannelId).toBe(1);
  });

  it('may be given again when its channel was closed; groups are of many, and some servers have group 0 only', () => {
    const client = askingClient(1, 2, 3);
    client.handle(opened(2, 0), NOW);
    client.handle(opened(3, 0, 2), NOW);
    client.handle(CloseChannel({ channelId: 2, reasonCode: '' }), NOW);
    client.handle(opened(2, 0, 3), NOW);
    expect([...client.channels.keys()]).toEqual([3, 2]);
  });
});

describe('a channel that was opened', () => {
  const success = (fields: Partial<OpenExtendedMiningChannelSuccess> = {}) =>
    OpenExtendedMiningChannelSuccess({
      requestId: 1,
      channelId: 2,
      target: hash(255),
      extranonceSize: 4,
      extranoncePrefix: new Uint8Array(28),
      groupChannelId: 1,
      ...fields,
    });

  it.each<readonly [string, MiningServerMessage, string]>([
    ['with no bytes to roll', success({ extranonceSize: 0 }), 'extranonce-too-small'],
    ['with a byte less than asked for', success({ extranonceSize: 3 }), 'extranonce-too-small'],
    ['with an extranonce too long', success({ extranonceSize: 5 }), 'invalid-extranonce'],
    ['with a target of 0', success({ target: new Uint8Array(32) }), 'invalid-target'],
    ['without a request', success({ requestId: 9 }), 'not-requested'],
    ['as a standard one', OpenStandardMiningChannelSuccess({ ...success() }), 'wrong-channel-kind'],
  ])('%s is of no use', (_, message, code) => {
    const client = askingClient(1);
    const [change] = client.handle(message, NOW);
    expect(change).toMatchObject({ type: 'unusable', channelId: 2, isTaken: false, error: coded(code) });
    expect(client.channels.size).toBe(0);
    const usable = askingClient(1);
    expect(usable.handle(success(), NOW)).toMatchObject([{ type: 'opened', requestId: 1 }]);
  });

  it('is the answer to one request only, and to none that was given up', () => {
    const client = askingClient(1, 2);
    expect(() => client.request(openExtended({ requestId: 1 }))).toThrow(
      'request 1 has not been answered yet',
    );
    client.handle(success(), NOW);
    expect(problemsOf(client.handle(success({ channelId: 3 }), NOW))).toEqual(['not-requested']);
    client.abandon(2);
    expect(problemsOf(client.handle(success({ requestId: 2, channelId: 3 }), NOW))).toEqual([
      'not-requested',
    ]);
    expect([...client.channels.keys()]).toEqual([2]);
  });
});

describe('a client of a server that requires the versions of its jobs', () => {
  it.each([openStandard(), openExtended()])('rolls no version: $type', (request) => {
    const miningServer = server();
    miningServer.newTemplate(template(1));
    miningServer.setNewPrevHash(prevHashFor(1), NOW);
    for (const flags of request.type === 'OpenStandardMiningChannel' ? [0, REQUIRES_STANDARD_JOBS] : [0]) {
      for (const requiresFixedVersion of [true, false]) {
        const clientId = 2 * flags + Number(requiresFixedVersion);
        const { channel } = wireChannel(miningServer, request, { clientId, flags, requiresFixedVersion });
        expect(nextWork(channel, NOW)?.versionRollingAllowed).toBe(!requiresFixedVersion);
      }
    }
  });
});

describe('what a server says that no channel can use', () => {
  it('is an error, and leaves work and target as they were', () => {
    const { client, channel } = setUp();
    const { channelId } = channel;
    const before = { target: channel.target, prefix: channel.extranoncePrefix, job: channel.jobs.active };
    const zero = SetTarget({ channelId, maximumTarget: new Uint8Array(32) });
    const prefix = SetExtranoncePrefix({
      channelId,
      extranoncePrefix: new Uint8Array(33 - channel.extranonceSize),
    });
    expect(problemsOf(client.handle(zero, NOW))).toEqual(['invalid-target']);
    expect(problemsOf(client.handle(prefix, NOW))).toEqual(['invalid-extranonce']);
    expect({
      target: channel.target,
      prefix: channel.extranoncePrefix,
      job: channel.jobs.active,
    }).toEqual(before);
  });

  it('ends the old work if it is a previous hash', () => {
    const { client, channel } = setUp();
    const message = SetNewPrevHash({
      channelId: channel.channelId,
      jobId: channel.jobs.active?.jobId as number,
      prevHash: hash(9),
      minNtime: NTIME,
      nbits: 0xff123456,
    });
    expect(client.handle(message, NOW)).toMatchObject([
      { type: 'work', job: null },
      { type: 'nonsense', error: coded('invalid-nbits') },
    ]);
    expect(nextWork(channel, NOW)).toBeNull();
  });

  it('does not keep it from the other channels of its group', () => {
    const { client, channel, miningServer, send } = setUp(openExtended());
    send(openStandard({ requestId: 2 }));
    const [job] = sentTo(miningServer.newTemplate(template(2, { futureTemplate: false }))) as [
      NewExtendedMiningJob,
    ];
    const standard = [...client.channels.values()][1]!;
    const forGroup = NewMiningJob({
      channelId: channel.groupChannelId,
      jobId: 50,
      minNtime: job.minNtime,
      version: 1,
      merkleRoot: hash(1),
    });
    expect(client.handle(forGroup, NOW)).toMatchObject([
      { type: 'nonsense', error: coded('invalid-job') },
      { type: 'work', job: { jobId: 50 } },
    ]);
    expect(standard.jobs.active?.jobId).toBe(50);
  });
});
