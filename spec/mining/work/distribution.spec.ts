import { describe, expect, it } from '@jest/globals';
import {
  assembleCoinbase,
  doubleSha256,
  merkleRootFromPath,
  toDisplayHex,
} from '../../../src/bitcoin/index.js';
import { type ServerChannel } from '../../../src/mining/index.js';
import type {
  NewExtendedMiningJob,
  NewMiningJob,
  OpenStandardMiningChannelSuccess,
} from '../../../src/messages/index.js';
import {
  hash,
  NOW,
  openExtended,
  openStandard,
  prevHashFor,
  sentTo,
  server,
  template,
  REQUIRES_STANDARD_JOBS,
} from '../support.js';

const merklePath = Array.from({ length: 12 }, (_, index) => hash(index));

/** A merkle root the slow way. */
const rootOf = (job: NewExtendedMiningJob, fullExtranonce: Uint8Array): string =>
  toDisplayHex(merkleRootFromPath(doubleSha256(assembleCoinbase(job, fullExtranonce)), job.merklePath));

describe('1,000 standard channels', () => {
  const miningServer = server();
  miningServer.newTemplate(template(1, { merklePath }));
  miningServer.setNewPrevHash(prevHashFor(1), NOW);
  const prefixes = new Map<string, Uint8Array>();
  for (let clientId = 1; clientId <= 1000; clientId++) {
    miningServer.addClient(clientId, REQUIRES_STANDARD_JOBS);
    const [opened] = sentTo(miningServer.handle(clientId, openStandard(), NOW), clientId);
    const { channelId, extranoncePrefix } = opened as OpenStandardMiningChannelSuccess;
    prefixes.set(`${clientId}/${channelId}`, extranoncePrefix);
  }
  // a proxy, to be told the coinbase
  miningServer.addClient(0, 0);
  miningServer.handle(0, openExtended(), NOW);

  it('each get their job, with a merkle root that is theirs alone and right', () => {
    const output = miningServer.newTemplate(template(2, { merklePath, futureTemplate: false }));
    const [extended] = sentTo(output, 0) as [NewExtendedMiningJob];
    const roots = new Set<string>();
    let jobs = 0;
    for (const { clientId, messages } of output.messages) {
      if (clientId === 0) continue;
      for (const { channelId, merkleRoot, jobId } of messages as readonly NewMiningJob[]) {
        expect(jobId).toBe(extended.jobId);
        const root = toDisplayHex(merkleRoot);
        expect(root).toBe(rootOf(extended, prefixes.get(`${clientId}/${channelId}`)!));
        roots.add(root);
        jobs++;
      }
    }
    expect(jobs).toBe(1000);
    expect(roots.size).toBe(1000);
  });

  it('all share one job, so memory grows with channels and not with coinbases', () => {
    const jobs = new Set(
      [...miningServer.channels()].map(([, { jobs }]: readonly [number, ServerChannel]) => jobs.active?.job),
    );
    expect(jobs.size).toBe(1);
  });

  it('hold bounded jobs after a long time without a block', () => {
    for (let id = 3; id < 60; id++) {
      miningServer.newTemplate(template(id, { merklePath, futureTemplate: id % 2 === 0 }));
    }
    for (const [, { jobs }] of miningServer.channels()) {
      expect(jobs.past.size).toBeLessThanOrEqual(16);
      expect(jobs.future.size).toBeLessThanOrEqual(16);
      expect(jobs.stale.size).toBeLessThanOrEqual(17);
    }
  });
});

describe('job ids', () => {
  it('are never used twice on a channel, templates and custom jobs alike', () => {
    const miningServer = server();
    miningServer.addClient(1, 0);
    miningServer.newTemplate(template(1));
    miningServer.setNewPrevHash(prevHashFor(1), NOW);
    miningServer.handle(1, openExtended(), NOW);
    const ids = Array.from({ length: 50 }, (_, index) => {
      // template ids may come again, job ids may not
      const [job] = sentTo(
        miningServer.newTemplate(template(index % 5, { futureTemplate: index % 3 !== 0 })),
      );
      return (job as NewExtendedMiningJob).jobId;
    });
    expect(new Set(ids).size).toBe(50);
  });
});
