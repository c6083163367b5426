import {
  bufferCount,
  concat,
  filter,
  map,
  merge,
  NEVER,
  of,
  share,
  switchMap,
  tap,
  type Observable,
} from 'rxjs';
import { counted } from '../codec/counted.js';
import { connectSv1 } from '../node/sv1.js';
import { hashWorkers } from '../node/hash-workers.js';
import { measureHashRate } from '../roles/miner/hasher.js';
import { mineSv1, type Sv1MiningOutcome } from '../roles/miner/sv1-miner.js';
import type { Sv1Connector } from '../sv1/connection.js';
import type { Sv1Url } from '../sv1/url.js';
import { userOfAll } from './miner-pools.js';
import { formatDifficulty, formatHashRate } from './format.js';
import { quoted } from './printable.js';
import { notSent } from './miner-log.js';
import { demandOf } from './payout.js';
import { about, detail, info, trouble, type LogLine } from './log-line.js';
import type { CountsByType } from './counts-by-type.js';

/** Seconds over which the hash rate that is shown is averaged. */
const hashRateSeconds = 10;

/** Milliseconds a share that the pool is asked for: fast, so that its vardiff has something to go by. */
const wantedInterval = 1_000;

/** What `sv2 miner` is told of a pool of Stratum V1. */
export interface Sv1MinerSettings {
  /** The preferred one first. */
  readonly pools: readonly [Sv1Url, ...Sv1Url[]];
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly threads: number;
  /** Hashes per second; measured unless given. */
  readonly hash_rate?: number | undefined;
  /** Whether each job has to pay the address that the user is. */
  readonly verify_payout: boolean;
}

/** The log of a miner at a pool of Stratum V1; subscribing runs it. @param counts what outcomes are counted in */
export function sv1MinerLog(
  { pools, threads, ...settings }: Sv1MinerSettings,
  counts: CountsByType,
): Observable<LogLine> {
  const user = settings.user ?? userOfAll(pools);
  const [{ password: passwordOfUrl }] = pools;
  const password = settings.password ?? passwordOfUrl;
  const [first$, ...others] = pools.map(({ host, port, tls }) => connectSv1({ host, port, tls }));
  const payout = settings.verify_payout ? { payout: demandOf(user, 'user') } : {};
  const log$ = hashWorkers(threads).pipe(
    switchMap((hasher) =>
      (settings.hash_rate === undefined ? measureHashRate(hasher) : of(settings.hash_rate)).pipe(
        map((hashRate) => ({ hasher, hashRate })),
      ),
    ),
    switchMap(({ hasher, hashRate }) => {
      const outcome$ = mineSv1({
        connect: [first$ as Sv1Connector, ...others],
        user,
        suggestedDifficulty: (hashRate * wantedInterval) / 1_000 / 2 ** 32,
        ...(password === undefined ? {} : { password }),
        ...payout,
        hasher$: concat(of(hasher), NEVER),
      }).pipe(
        tap((outcome) => counts.note(outcome)),
        share(),
      );
      return merge(
        outcome$.pipe(
          filter((outcome) => outcome.type === 'HashRate'),
          bufferCount(hashRateSeconds),
          map((rates) => rates.reduce((sum, { hashesPerSecond }) => sum + hashesPerSecond, 0) / rates.length),
          map((hashesPerSecond) =>
            info(`hash rate ${formatHashRate(hashesPerSecond)}; ${sv1Totals(counts)}`),
          ),
        ),
        outcome$.pipe(
          map((outcome) => about(outcome, sv1MinerLine(outcome))),
          filter((shown) => shown !== undefined),
        ),
      );
    }),
  );
  return pools.every(({ tls }) => tls) ? log$ : concat(of(trouble('the connection is not encrypted')), log$);
}

/** What it has found, and what the pool said of it. */
export const sv1Totals = ({ of: count }: CountsByType): string =>
  `${counted(count('ShareFound'), 'share')} found, ${count('ShareAccepted')} accepted, ${count('ShareRejected')} rejected`;

/** The line that tells of an outcome of a miner of Stratum V1. */
export function sv1MinerLine(outcome: Sv1MiningOutcome): LogLine | undefined {
  switch (outcome.type) {
    case 'Sv1Connected':
      return info(`connected to the pool at ${outcome.address}, Stratum V1`);
    case 'Sv1Disconnected': {
      const { reason, retryIn, next } = outcome;
      const which = next === 0 ? 'trying again' : `going to the pool number ${next + 1}`;
      return trouble(
        `no connection to the pool: ${reason.message}; ${which} in ${(retryIn / 1_000).toFixed(1)} s`,
      );
    }
    case 'JobStarted':
      return info(`job ${quoted(outcome.jobId)} started`, 'job started');
    case 'DifficultyChanged':
      return info(`difficulty ${formatDifficulty(outcome.difficulty)} from the next job on`, 'difficulty');
    case 'ShareFound':
      return detail(`share found for job ${quoted(outcome.jobId)}`);
    case 'SharesWithheld':
      return trouble(notSent(outcome.count), 'shares withheld');
    case 'ShareAccepted':
      return detail('1 share accepted');
    case 'ShareRejected': {
      const { code, text } = outcome.error;
      return trouble(
        `a share for job ${quoted(outcome.jobId)} was rejected: ${quoted(text)} (${code})`,
        `share rejected: ${code}`,
      );
    }
    case 'MessageShown':
      return info(`the pool says: ${quoted(outcome.text)}`, 'the pool says');
    case 'ServerNonsense':
      return trouble(`the pool sent what makes no sense: ${quoted(outcome.reason)}`, 'nonsense');
    case 'HashRate':
      return undefined;
  }
}
