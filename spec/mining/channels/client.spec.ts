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
  type MiningServerMessage,
} from '../../../src/mining/index.js';
import type { NewExtendedMiningJob } from '../../../src/messages/index.js';
import {
  CloseChannel,
  NewMiningJob,
  OpenExtendedMiningChannelSuccess,
  OpenMiningChannelError,
  SetGroupChannel,
  SetNewPrevHash,
  SetTarget,
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
  prevHashFor,
  sentTo,
  server,
  template,
  wire,
  wireChannel,
  REQUIRES_STANDARD_JOBS,
} from '../support.js';

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
    expect(codeOf(() => client.handle(job, NOW))).toBe('invalid-job');
  });
});

describe('the client', () => {
  it('tells what has changed', () => {
    const { client, channel, miningServer } = setUp();
    const changes = (output: ReturnType<typeof miningServer.newTemplate>) =>
      sentTo(output).flatMap((message) => client.handle(message as SetTarget, NOW));
    expect(changes(miningServer.newTemplate(template(2)))).toEqual([]);
    expect(changes(miningServer.setNewPrevHash(prevHashFor(2), NOW))).toEqual([{ type: 'work', channel }]);
    expect(changes(miningServer.newTemplate(template(3, { futureTemplate: false })))).toEqual([
      { type: 'work', channel },
    ]);
    expect(changes(miningServer.setTarget(1, channel.channelId, hash(5)))).toEqual([
      { type: 'target', channel },
    ]);
    expect(channel.target).toEqual(hash(5));
    expect(changes(miningServer.closeChannel(1, channel.channelId, 'bye'))).toEqual([
      { type: 'closed', channel, reason: 'bye' },
    ]);
    expect(client.channels.size).toBe(0);
    const refusal = OpenMiningChannelError({ requestId: 4, errorCode: 'unknown-user' });
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
    expect(codeOf(() => client.handle(message, NOW))).toBe('job-id-not-found');
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
    expect(codeOf(() => client.handle(job, NOW))).toBe('chain-tip-not-set');
  });

  it('refuses a job from before the previous hash', () => {
    const { client, channel, miningServer } = setUp();
    const [job] = sentTo(miningServer.newTemplate(template(2, { futureTemplate: false }))) as [
      NewExtendedMiningJob,
    ];
    expect(codeOf(() => client.handle({ ...job, minNtime: NTIME - 1 }, NOW))).toBe('invalid-job');
    expect(channel.jobs.active?.jobId).toBe(1);
  });

  it('rolls ntime with the seconds since the job came, not back', () => {
    const tip = {
      prevHash: hash(1),
      minNtime: NTIME,
      nbits: HARD_NBITS,
      networkTarget: hash(2),
      receivedAt: NOW,
    };
    expect([0, 999, 1000, 61_500, -5000].map((elapsed) => ntimeAt(tip, NOW + elapsed) - NTIME)).toEqual([
      0, 0, 1, 61, 0,
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
  const opened = (channelId: number, groupChannelId: number) =>
    OpenExtendedMiningChannelSuccess({
      requestId: 1,
      channelId,
      target: new Uint8Array(32).fill(0xff),
      extranonceSize: 8,
      extranoncePrefix: new Uint8Array(4),
      groupChannelId,
    });

  it.each([
    ['to a second channel', [opened(2, 1), opened(2, 1)]],
    ['to a channel, after a group', [opened(2, 1), opened(1, 3)]],
    ['to a group, after a channel', [opened(2, 1), opened(3, 2)]],
    ['to a group made later', [opened(2, 1), SetGroupChannel({ groupChannelId: 2, channelIds: [2] })]],
  ])('%s is the error of a server', (_, messages) => {
    const client = miningClient();
    const [first, second] = messages;
    client.handle(first as MiningServerMessage, NOW);
    expect(codeOf(() => client.handle(second as MiningServerMessage, NOW))).toBe('duplicate-channel-id');
    expect([...client.channels.keys()]).toEqual([2]);
    expect(client.channels.get(2)?.groupChannelId).toBe(1);
  });

  it('may be given again when its channel was closed; groups are of many, and some servers have group 0 only', () => {
    const client = miningClient();
    client.handle(opened(2, 0), NOW);
    client.handle(opened(3, 0), NOW);
    client.handle(CloseChannel({ channelId: 2, reasonCode: '' }), NOW);
    client.handle(opened(2, 0), NOW);
    expect([...client.channels.keys()]).toEqual([3, 2]);
  });
});
