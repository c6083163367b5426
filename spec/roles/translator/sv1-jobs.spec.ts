import { expect, it } from '@jest/globals';
import { difficultyFromTarget, targetFromBigInt } from '../../../src/bitcoin/index.js';
import { clientChannel, receiveJob, receivePrevHash } from '../../../src/mining/channels/client-channel.js';
import {
  NewExtendedMiningJob,
  OpenExtendedMiningChannelSuccess,
  SetNewPrevHash,
} from '../../../src/messages/index.js';
import { sv1Jobs } from '../../../src/roles/translator/sv1-jobs.js';
import { NTIME } from '../../mining/support.js';

it('a share that meets the told difficulty and misses the target by its seventh digit is taken, and goes no further', () => {
  // its difficulty is 2 millionths above the one that is told
  const target = targetFromBigInt((1n << 255n) - (154n << 236n));
  const channel = clientChannel(
    OpenExtendedMiningChannelSuccess({
      ...{ requestId: 1, channelId: 1, groupChannelId: 2, extranonceSize: 8, target },
      extranoncePrefix: new Uint8Array(4),
    }),
  );
  receiveJob(
    channel,
    NewExtendedMiningJob({
      ...{ channelId: 1, jobId: 5, minNtime: null, version: 0x2000_0000, versionRollingAllowed: true },
      ...{ merklePath: [], coinbaseTxPrefix: new Uint8Array(60), coinbaseTxSuffix: new Uint8Array(60) },
    }),
    0,
  );
  const now = 1_000 * NTIME;
  receivePrevHash(
    channel,
    SetNewPrevHash({
      channelId: 1,
      jobId: 5,
      prevHash: new Uint8Array(32).fill(1),
      minNtime: NTIME,
      nbits: 0x1d00_ffff,
    }),
    now,
  );
  const layout = {
    extranonce1: Uint8Array.of(0xe1, 0xe2, 0xe3, 0xe4),
    ...{ extranonce2Size: 4, extranonceSize: 8 },
  };
  const jobs = sv1Jobs(() => 'a');
  const { difficulty } = jobs.tell(channel.jobs.active!, layout, channel.jobs, now);
  expect(difficulty).toBeLessThan(difficultyFromTarget(target));
  const judge = (nonce: number) =>
    jobs.judge(
      {
        user: 'u',
        jobId: 'a',
        extranonce2: new Uint8Array(4),
        ntime: NTIME,
        nonce,
        versionBits: null,
      } as never,
      ...([null, layout, channel.jobs, now] as const),
    );
  // found by trying
  for (const nonce of [389_912, 581_209])
    expect(judge(nonce)).toEqual({ type: 'accepted', share: null, isBlock: false });
});
