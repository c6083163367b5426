/** Mines on one open channel: hashes its work, submits what is found, tells the pool when the hash rate changes. */
import {
  bufferCount,
  bufferTime,
  catchError,
  concat,
  defer,
  distinctUntilChanged,
  filter,
  map,
  merge,
  mergeMap,
  NEVER,
  of,
  repeat,
  scan,
  share,
  skip,
  startWith,
  switchMap,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { sameBytes } from '../../bitcoin/consensus-bytes.js';
import { difficultyFromTarget, MAX_U256, targetFromBigInt } from '../../bitcoin/target.js';
import type { Tlv } from '../../codec/tlv.js';
import { UpdateChannel } from '../../messages/mining.js';
import type { ClientChannel } from '../../mining/channels/client-channel.js';
import { shareFrom, submission, workHeader, workOn } from '../../mining/channels/client-work.js';
import type { MiningClientChange } from '../../mining/mining-client.js';
import { sameTip } from '../../mining/work/chain-tip.js';
import type { ChannelJob } from '../../mining/work/job.js';
import { sendToServer, type ClientEffect } from '../../service/effects.js';
import { type HandlerError } from '../../service/outcomes.js';
import type { Hasher, HashEvent } from './hasher.js';
import type { MinerOutcome } from './outcomes.js';
import { paced } from './paced.js';
import { shareLimit, type MaySend } from './share-limit.js';

/** What mining leads to: messages, what is shown, and the hashes that were computed. */
export type Mined =
  ClientEffect | HandlerError | MinerOutcome | Extract<HashEvent, { readonly type: 'hashed' }>;

/** What a miner mines with. */
export interface MiningMeans {
  readonly hasher: Hasher;
  /** Added to shares on extended channels (extension 0x0002). */
  readonly tlvs: readonly Tlv[];
  readonly scheduler: SchedulerLike;
}

/** What mining a job leads to: also shares that are not sent, see `shareLimit`. */
type JobMined = Mined | { readonly type: 'withheld' };

/** Milliseconds until a standard channel, once all its work is done, has another ntime to try. */
const nextNtime = 1_000;

/** A pool that has another job every millisecond gets so many hashed at once, then one in so many milliseconds. */
const jobPace = [16, 100] as const;

/** The same for targets, which nothing but the display waits for. */
const targetPace = [16, 1_000] as const;

/** Over how many seconds of work a channel's hash rate is averaged before the pool may be told. */
const measuredSeconds = 60;

/** By which factor the hash rate must differ from what the pool knows for it to be told. */
const muchFactor = 1.25;

/** The largest target there is: this miner takes any. */
export const anyTarget = targetFromBigInt(MAX_U256);

/**
 * Mines while subscribed.
 * @param channel just opened
 * @param change$ what the pool changes about channels
 * @param nominalHashRate hashes per second that the pool was told
 */
export function channelMining(
  channel: ClientChannel,
  change$: Observable<MiningClientChange | HandlerError>,
  nominalHashRate: number,
  means: MiningMeans,
): Observable<Mined> {
  const { channelId } = channel;
  const { scheduler } = means;
  const own$ = change$.pipe(
    filter((change): change is MiningClientChange => 'channel' in change && change.channel === channel),
  );
  const work$ = own$.pipe(
    filter((change) => change.type === 'work'),
    // a job that comes again would be begun again: its shares were found twice
    distinctUntilChanged((before, { job }) => isSameWork(before.job, job)),
    paced(...jobPace, scheduler),
  );
  const mined$ = defer(() => {
    const maySend = shareLimit(scheduler);
    return work$.pipe(
      switchMap(({ job }) => (job === null ? NEVER : jobMining(channel, job, maySend, means))),
    );
  }).pipe(share());
  const withheld$ = mined$.pipe(
    filter(({ type }) => type === 'withheld'),
    bufferTime(1_000, scheduler),
    filter((second) => second.length > 0),
    map(({ length }): MinerOutcome => ({ type: 'SharesWithheld', channelId, count: length })),
  );
  const target$ = own$.pipe(
    filter((change) => change.type === 'target'),
    paced(...targetPace, scheduler),
    map(({ target }): MinerOutcome => {
      return { type: 'TargetChanged', channelId, difficulty: difficultyFromTarget(target) };
    }),
  );
  const told$ = worthTelling(mined$, nominalHashRate, scheduler).pipe(
    mergeMap((hashesPerSecond): readonly Mined[] => [
      sendToServer(UpdateChannel({ channelId, nominalHashRate: hashesPerSecond, maximumTarget: anyTarget })),
      { type: 'HashRateTold', channelId, hashesPerSecond },
    ]),
  );
  return merge(
    mined$.pipe(filter((mined): mined is Mined => mined.type !== 'withheld')),
    target$,
    told$,
    withheld$,
  );
}

/** Hashes a job, piece by piece (nonce, then version bits, then extranonce or ntime), until unsubscribed. */
function jobMining(
  channel: ClientChannel,
  job: ChannelJob,
  maySend: MaySend,
  { hasher, tlvs, scheduler }: MiningMeans,
): Observable<JobMined> {
  const { channelId, kind } = channel;
  const { jobId } = job;
  const piece$ = defer(() => {
    const work = workOn(channel, job, scheduler.now());
    if (work === null) return NEVER;
    const { target, versionRollingAllowed } = work;
    return hasher.hash({ header: workHeader(work, { nonce: 0 }), target, versionRollingAllowed }).pipe(
      mergeMap((event): readonly JobMined[] => {
        if (event.type === 'hashed') return [event];
        if (!maySend(() => workHeader(work, event), work.nbits)) return [{ type: 'withheld' }];
        const message = submission(channel, shareFrom(work, event), tlvs);
        const { sequenceNumber } = message;
        return [sendToServer(message), { type: 'ShareFound', channelId, jobId, sequenceNumber }];
      }),
    );
  });
  // an extended channel has its next extranonce at once, a standard one must wait for its next ntime
  const pause = kind === 'extended' ? 0 : nextNtime;
  return concat(
    of<MinerOutcome>({ type: 'JobStarted', channelId, jobId }),
    piece$.pipe(
      repeat({ delay: () => timer(pause, scheduler) }),
      // it goes on with the next job
      catchError((error: unknown) => of<HandlerError>({ type: 'handlerError', handler: 'mining', error })),
    ),
  );
}

/**
 * The hash rates that a pool should be told: averages over seconds in which there was work, once they differ much from
 * what it knows.
 */
function worthTelling(
  mined$: Observable<JobMined>,
  known: number,
  scheduler: SchedulerLike,
): Observable<number> {
  const hashesPerSecond$ = mined$.pipe(
    filter((mined) => mined.type === 'hashed'),
    bufferTime(1_000, scheduler),
    map((second) => second.reduce((sum, { hashes }) => sum + hashes, 0)),
    filter((hashes) => hashes > 0),
  );
  return hashesPerSecond$.pipe(
    bufferCount(measuredSeconds),
    map((seconds) => seconds.reduce((sum, hashes) => sum + hashes, 0) / seconds.length),
    scan((told, measured) => (differsMuch(told, measured) ? measured : told), known),
    startWith(known),
    distinctUntilChanged(),
    skip(1), // what it knows
  );
}

const differsMuch = (a: number, b: number): boolean => a > muchFactor * b || b > muchFactor * a;

/** Whether there is nothing to hash for one job that there is not for the other; null is no job. */
const isSameWork = (a: ChannelJob | null, b: ChannelJob | null): boolean => {
  if (a === null || b === null || a.tip === null || b.tip === null) return a === b;
  return (
    a.jobId === b.jobId &&
    a.version === b.version &&
    sameTip(a.tip, b.tip) &&
    sameBytes(a.target, b.target) &&
    sameBytes(a.extranoncePrefix, b.extranoncePrefix) &&
    sameParts(a, b)
  );
};

/** Whether two jobs come to the same merkle roots under the same extranonces. */
const sameParts = (a: ChannelJob, b: ChannelJob): boolean => {
  if (a.job === null || b.job === null)
    return a.merkleRoot !== null && b.merkleRoot !== null && sameBytes(a.merkleRoot, b.merkleRoot);
  const path = b.job.merklePath;
  return (
    sameBytes(a.job.coinbase.coinbaseTxPrefix, b.job.coinbase.coinbaseTxPrefix) &&
    sameBytes(a.job.coinbase.coinbaseTxSuffix, b.job.coinbase.coinbaseTxSuffix) &&
    a.job.merklePath.length === path.length &&
    a.job.merklePath.every((node, index) => sameBytes(node, path[index] as Uint8Array))
  );
};
