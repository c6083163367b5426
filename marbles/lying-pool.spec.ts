import { describe, expect, it } from '@jest/globals';
import { concat, filter, merge, mergeMap, NEVER, of, takeUntil, tap, timer, type Observable } from 'rxjs';
import {
  CloseChannel,
  NewMiningJob,
  OpenMiningChannelError,
  OpenStandardMiningChannelSuccess,
  SetExtranoncePrefix,
  SetGroupChannel,
  SetNewPrevHash,
  SetTarget,
  SubmitSharesError,
  SubmitSharesSuccess,
  UpdateChannelError,
  type Message,
} from '../src/messages/index.js';
import type { Hasher, HashEvent } from '../src/roles/miner/hasher.js';
import { miner } from '../src/roles/miner/miner.js';
import { marbles, testConnector } from '../src/testing/index.js';
import { welcome } from './support.js';

const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);
const channelId = 7;
const opened = OpenStandardMiningChannelSuccess({
  requestId: 1,
  channelId,
  groupChannelId: 1,
  target: bytes(32, 0x0f),
  extranoncePrefix: bytes(8, 1),
});
const job = (jobId: number, of = channelId) =>
  NewMiningJob({ channelId: of, jobId, minNtime: null, version: 0x20000000, merkleRoot: bytes(32, 3) });
const tip = (jobId: number) =>
  SetNewPrevHash({ channelId, jobId, prevHash: bytes(32, 2), minNtime: 1_000, nbits: 0x1d00ffff });
const accepts = (newSubmitsAcceptedCount: number) =>
  SubmitSharesSuccess({ channelId, lastSequenceNumber: 1, newSubmitsAcceptedCount, newSharesSum: 1n });

const escapes = '\u001b[2J\u001b]0;owned\u0007';

/** How many of each kind come in one millisecond. */
const flood = 5_000;
const many = (message: (index: number) => Message) =>
  Array.from({ length: flood }, (_, index) => message(index));

describe('a miner at a pool that says thousands of', () => {
  it.each<[string, (index: number) => Message]>([
    ['acceptances of shares', () => accepts(1)],
    ['acceptances of no share', () => accepts(0)],
    ['acceptances of all shares there can be', () => accepts(0xffff_ffff)],
    [
      'rejections of shares',
      (sequenceNumber) => SubmitSharesError({ channelId, sequenceNumber, errorCode: escapes }),
    ],
    ['refusals of hash rates', () => UpdateChannelError({ channelId, errorCode: escapes })],
    ['refusals of channels', (requestId) => OpenMiningChannelError({ requestId, errorCode: escapes })],
    ['targets', (index) => SetTarget({ channelId, maximumTarget: bytes(32, 1 + (index % 200)) })],
    ['targets of 0', () => SetTarget({ channelId, maximumTarget: bytes(32, 0) })],
    ['jobs', (index) => job(100 + index)],
    ['jobs for channels that there are not', (index) => job(index, 1_000 + index)],
    ['tips for jobs that there are not', (index) => tip(50_000 + index)],
    ['channels that were not asked for', (index) => ({ ...opened, requestId: 900, channelId: 100 + index })],
    ['channels with an id that is taken', () => ({ ...opened, requestId: 900 })],
    [
      'groups',
      (groupChannelId) => SetGroupChannel({ groupChannelId: groupChannelId + 10, channelIds: [channelId] }),
    ],
    ['prefixes that are too long', () => SetExtranoncePrefix({ channelId, extranoncePrefix: bytes(32, 7) })],
    [
      'ends of channels that there are not',
      (index) => CloseChannel({ channelId: 1_000 + index, reasonCode: escapes }),
    ],
  ])('%s tells of some, sends hardly anything, and mines on', (_, message) => {
    const outcomes = new Map<string, number>();
    let sent = 0;
    let credited = 0;
    let shares = 0;
    marbles(
      ({ connection, cold }) => {
        const server = connection('-wOJp-----(Kq)', {
          w: welcome(),
          O: opened,
          J: job(1),
          p: tip(1),
          K: job(2),
          q: tip(2),
        });
        const message$ = merge(server.message$, timer(6).pipe(mergeMap(() => many(message))));
        const hasher: Hasher = {
          hash: (): Observable<HashEvent> =>
            cold('f', { f: { type: 'found', nonce: 5, version: 0x20000000 } }),
        };
        const outcome$ = miner({
          connect: testConnector([{ ...server, message$ }]),
          userIdentity: 'alice',
          channels: { standard: 1 },
          nominalHashRate: 1e6,
          hasher$: concat(of(hasher), NEVER),
        }).start();
        outcome$
          .pipe(
            tap((outcome) => {
              if (outcome.type === 'sent') sent += 1;
              if (outcome.type === 'ShareFound') shares += 1;
              if (outcome.type === 'SharesAccepted') credited += outcome.count;
            }),
            filter(({ type }) => type !== 'received' && type !== 'sent'),
            takeUntil(timer(500)),
          )
          .subscribe(({ type }) => outcomes.set(type, (outcomes.get(type) ?? 0) + 1));
      },
      { until: 600 },
    );
    for (const [type, count] of outcomes) expect([type, count <= 60]).toEqual([type, true]);
    expect(sent).toBeLessThanOrEqual(60);
    expect(credited).toBeLessThanOrEqual(shares);
    expect(outcomes.get('JobStarted')).toBeGreaterThanOrEqual(2);
  });
});
