import { describe, expect, it } from '@jest/globals';
import { serialiseOutputs } from '../../../src/bitcoin/index.js';
import {
  extranonceAllocator,
  jobMarks,
  miningServer,
  nextWork,
  type ClientChannel,
  type MiningServerOptions,
} from '../../../src/mining/index.js';
import { receiveCustomJob } from '../../../src/mining/channels/client-channel.js';
import {
  CloseChannel,
  SetCustomMiningJob,
  type SetCustomMiningJobSuccess,
} from '../../../src/messages/index.js';
import {
  EASIEST_TARGET,
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
  REQUIRES_STANDARD_JOBS,
  REQUIRES_WORK_SELECTION,
  sentTo,
  template,
  wire,
  zeros,
} from '../support.js';

const targetOfOneIn = (hashes: number): Uint8Array =>
  EASIEST_TARGET.map((byte, at) => (at === 31 ? Math.floor(256 / hashes) : byte));

const serverOf = (options: Partial<MiningServerOptions> = {}) =>
  miningServer({
    extranonce: extranonceAllocator({ indexSize: 1, size: 5, randomBytes: zeros }),
    marks: jobMarks(zeros),
    payoutOutputs,
    sharesPerMinute: 60,
    shareBatchSize: 1,
    minHashrate: 1,
    ...options,
  });

/** Hard enough that a share tried again on other work misses; by fixed marks it always does. */
const maxTarget = targetOfOneIn(64);

type Running = ReturnType<typeof serverOf>;

const onTip = (server: Running, id: number, prevHash = prevHashFor(id).prevHash) => {
  const output = server.newTemplate(template(id, { coinbaseTxValueRemaining: 5n }));
  return [output, server.setNewPrevHash(prevHashFor(id, { prevHash }), NOW)];
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Has a server accept a job of the client's own, the same for each tip. */
const giveOwnJob = (
  { channel, send }: Pick<ReturnType<typeof wire>, 'send'> & { readonly channel: ClientChannel },
  prevHash: Uint8Array,
): void => {
  const job = SetCustomMiningJob({
    channelId: channel.channelId,
    requestId: 1,
    miningJobToken: new Uint8Array(1),
    version: 0x2000_0000,
    prevHash,
    minNtime: NTIME,
    nbits: HARD_NBITS,
    coinbaseTxVersion: 2,
    coinbasePrefix: Uint8Array.of(2, 0x10, 0x27),
    coinbaseTxInputNSequence: 0,
    coinbaseTxOutputs: serialiseOutputs(payoutOutputs(5n)),
    coinbaseTxLocktime: 0,
    merklePath: [],
  });
  receiveCustomJob(channel, job, sentTo(send(job))[0] as SetCustomMiningJobSuccess, NOW);
};

describe('a share counts once', () => {
  it.each(['standard', 'extended'] as const)(
    'however often a client closes and opens %s channels, with more of them than there are prefixes',
    (kind) => {
      const server = serverOf();
      onTip(server, 1);
      const request =
        kind === 'standard' ? openStandard({ maxTarget }) : openExtended({ maxTarget, minExtranonceSize: 1 });
      const { client, send } = wire(server);
      const works = new Set<string>();
      for (let count = 0; count < 1200; count++) {
        send({ ...request, requestId: count });
        const [channel] = client.channels.values() as unknown as readonly [ClientChannel];
        const { work, message } = mineShare(channel);
        works.add(hex(work.merkleRoot));
        outcomeOf(send(message), 'ShareAccepted');
        send(CloseChannel({ channelId: channel.channelId, reasonCode: '' }));
        client.close(channel.channelId);
      }
      expect(works.size).toBe(1200);
    },
  );

  it('when the tip comes back with the same template', () => {
    const server = serverOf();
    const { client, send, receive } = wire(server, 1, REQUIRES_STANDARD_JOBS);
    send(openStandard({ maxTarget }));
    const [channel] = client.channels.values() as unknown as readonly [ClientChannel];
    const a = template(1, { coinbaseTxValueRemaining: 5n });
    const b = template(2);
    const prevHash = hash(1);
    const mine = (next: typeof a, hashOfTip: Uint8Array) => {
      receive(server.newTemplate(next));
      receive(server.setNewPrevHash(prevHashFor(Number(next.templateId), { prevHash: hashOfTip }), NOW));
    };
    mine(a, prevHash);
    const { message } = mineShare(channel);
    outcomeOf(send(message), 'ShareAccepted');
    mine(b, hash(2));
    mine(a, prevHash); // the very same object
    const again = { ...message, jobId: channel.jobs.active?.jobId ?? 0 };
    expect(again.jobId).not.toBe(message.jobId);
    expect(outcomeOf(send(again), 'ShareRejected').errorCode).toBe('difficulty-too-low');
    expect(outcomeOf(send(message), 'ShareRejected').errorCode).not.toBe('duplicate-share');
  });

  it('when another template for the same tip has the same content', () => {
    const server = serverOf();
    const { client, send, receive } = wire(server);
    send(openStandard({ maxTarget }));
    const [channel] = client.channels.values() as unknown as readonly [ClientChannel];
    for (const output of onTip(server, 1, hash(1))) receive(output);
    const { message } = mineShare(channel);
    outcomeOf(send(message), 'ShareAccepted');
    for (const output of onTip(server, 2, hash(1))) receive(output);
    const again = { ...message, jobId: channel.jobs.active?.jobId ?? 0 };
    expect(outcomeOf(send(again), 'ShareRejected').errorCode).toBe('difficulty-too-low');
    expect(outcomeOf(send(message), 'ShareRejected').errorCode).toBe('stale-share');
  });

  it('when the process begins anew with the same prefixes and templates', () => {
    const extranonce = () => extranonceAllocator({ randomBytes: zeros });
    const start = (seed: number) => {
      const server = serverOf({
        extranonce: extranonce(),
        marks: jobMarks((length) => zeros(length).fill(seed)),
      });
      onTip(server, 1);
      const { client, send } = wire(server);
      send(openStandard({ maxTarget }));
      const [channel] = client.channels.values() as unknown as readonly [ClientChannel];
      return { channel, send };
    };
    const before = start(1);
    const { message } = mineShare(before.channel);
    outcomeOf(before.send(message), 'ShareAccepted');
    const after = start(2);
    expect(after.channel.extranoncePrefix).toEqual(before.channel.extranoncePrefix);
    expect(after.channel.jobs.active?.jobId).toBe(message.jobId);
    expect(outcomeOf(after.send(message), 'ShareRejected').errorCode).toBe('difficulty-too-low');
  });

  it('when a client gives its own job again, on a tip that comes back', () => {
    const server = serverOf({ acceptCustomJob: () => null });
    const { client, send } = wire(server, 1, REQUIRES_WORK_SELECTION);
    const tips = [hash(1), hash(2), hash(1)];
    onTip(server, 1, hash(1));
    send(openExtended({ maxTarget, minExtranonceSize: 1 }));
    const [channel] = client.channels.values() as unknown as readonly [ClientChannel];
    const give = (prevHash: Uint8Array) => giveOwnJob({ channel, send }, prevHash);
    const verdicts = tips.map((prevHash, index) => {
      if (index > 0) onTip(server, index + 1, prevHash);
      give(prevHash);
      channel.extranonce.fill(0);
      const [outcome] = send(mineShare(channel).message).outcomes;
      return outcome?.type === 'ShareRejected' ? outcome.errorCode : outcome?.type;
    });
    expect(verdicts).toEqual(['ShareAccepted', 'ShareAccepted', 'duplicate-share']);
  });

  it('so a client that makes its coinbases gets no prefix that another had on a recent tip', () => {
    const server = serverOf({ acceptCustomJob: () => null });
    onTip(server, 1, hash(1));
    const { client, send } = wire(server, 1, REQUIRES_WORK_SELECTION);
    const open = () => send(openExtended({ maxTarget, minExtranonceSize: 1 })).outcomes[0];
    /** Opens channels and closes them again, each after a share if it is to mine. */
    const openAndClose = (count: number, mines: boolean): void => {
      for (let opened = 0; opened < count; opened++) {
        expect(open()).toMatchObject({ type: 'ChannelOpened' });
        const [channel] = client.channels.values() as unknown as readonly [ClientChannel];
        if (mines) giveOwnJob({ channel, send }, hash(1));
        if (mines) outcomeOf(send(mineShare(channel).message), 'ShareAccepted');
        send(CloseChannel({ channelId: channel.channelId, reasonCode: '' }));
        client.close(channel.channelId);
      }
    };
    openAndClose(600, false); // who does no work for them keeps nobody from having them
    openAndClose(256, true);
    expect(open()).toMatchObject({ type: 'ChannelRefused', errorCode: 'channel-capacity-exhausted' });
    for (let id = 2; id < 10; id++) onTip(server, id);
    expect(open()).toMatchObject({ type: 'ChannelOpened' });
  });
});

describe('job marks', () => {
  it('are there without being asked for', () => {
    const rootOf = () => {
      const server = miningServer({
        extranonce: extranonceAllocator({ randomBytes: zeros }),
        payoutOutputs,
        sharesPerMinute: 60,
        shareBatchSize: 1,
      });
      onTip(server, 1);
      const { client, send } = wire(server);
      send(openStandard());
      const [channel] = client.channels.values() as unknown as readonly [ClientChannel];
      return nextWork(channel, NOW)?.merkleRoot;
    };
    expect(rootOf()).not.toEqual(rootOf());
  });

  it('count up from a random number, over its end', () => {
    const next = jobMarks((length) => zeros(length).fill(255));
    expect([next(), next(), next()]).toEqual([
      zeros(5),
      Uint8Array.of(0, 0, 0, 0, 1),
      Uint8Array.of(0, 0, 0, 0, 2),
    ]);
    expect(jobMarks()()).not.toEqual(jobMarks()());
  });
});
