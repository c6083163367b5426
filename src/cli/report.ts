/** The reports in a log: what users and their workers delivered, and their hash rates. */
import {
  asyncScheduler,
  defer,
  interval,
  map,
  mergeMap,
  pairwise,
  startWith,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { counted } from '../codec/counted.js';
import type { DownstreamState, UserState, WorkerState } from '../observe/downstream-types.js';
import type { Fold, StateTimes } from '../observe/fold.js';
import type { Shares } from '../observe/tally.js';
import type { HashRate, HashRates } from '../observe/windows.js';
import { formatDifficulty, formatDuration, formatHashRate } from './format.js';
import { quoted } from './printable.js';
import { info, type LogLine } from './log-line.js';

/** Seconds between two reports. */
export const reportInterval = 60;

/** Users in a report with a line of their own, and workers of each; those who do most. */
const maxUsers = 20;
const maxWorkers = 20;

/** Users in a report who are only named, and how many in a line. */
const maxNamed = 200;
const namedInLine = 10;

/** Milliseconds for which a user is told of that has no channel any more. */
const remembered = 3_600_000;

type Reported = StateTimes & DownstreamState;

/** A report every minute in which anybody was here. @param fold what outcomes are noted in */
export function reports(
  fold: Fold<Reported>,
  scheduler: SchedulerLike = asyncScheduler,
): Observable<LogLine> {
  return defer(() =>
    interval(1_000 * reportInterval, scheduler).pipe(
      startWith(0),
      map(() => fold.state(scheduler.now())),
      pairwise(),
      mergeMap(([before, after]) => reportLines(before, after)),
    ),
  );
}

/** What was delivered in all, for the last line. */
export const totalsOf = ({ shares }: Reported): string =>
  `${sharesIn(shares)}, difficulty ${formatDifficulty(shares.work)}, ${blocksIn(shares)}`;

const sharesIn = ({ accepted, rejected }: Pick<Shares, 'accepted' | 'rejected'>): string =>
  `${counted(accepted, 'share')} accepted, ${rejected} rejected`;

const blocksIn = ({ blocksFound }: Shares): string => counted(blocksFound, 'block');

/** A rate, and between what it is likely to be. */
const rateOf = ({ value, low, high }: HashRate, over: string): string => {
  const range = high === null ? '' : ` (${formatHashRate(low)} to ${formatHashRate(high)})`;
  return `${formatHashRate(value)} over ${over}${range}`;
};

const ratesOf = ({ '5m': short, '1h': long }: HashRates): string =>
  `${rateOf(short, '5 min')}, ${rateOf(long, '1 h')}`;

/** What came since the report before; a row that was forgotten in between and has come back began anew. */
function newIn(shares: Shares, before: Shares | undefined): Pick<Shares, 'accepted' | 'rejected'> {
  const isSame =
    before !== undefined && before.accepted <= shares.accepted && before.rejected <= shares.rejected;
  return {
    accepted: shares.accepted - (isSame ? before.accepted : 0),
    rejected: shares.rejected - (isSame ? before.rejected : 0),
  };
}

function rowLine(
  name: string,
  row: Pick<UserState | WorkerState, 'shares' | 'hashRate'>,
  before: Pick<UserState | WorkerState, 'shares'> | undefined,
  isThere: boolean,
  { time, seconds }: { readonly time: number; readonly seconds: number },
): LogLine {
  const { shares, hashRate } = row;
  const { accepted, rejected } = newIn(shares, before?.shares);
  const { lastAcceptedAt } = shares;
  const silence =
    accepted > 0
      ? ''
      : lastAcceptedAt === null
        ? ', no share yet'
        : `, last share ${formatDuration(time - lastAcceptedAt)} ago`;
  return info(
    `last ${seconds} s: ${name}: ${accepted} accepted, ${rejected} rejected${silence}${isThere ? '' : ', gone'}; ` +
      `${ratesOf(hashRate)}; since the start ${sharesIn(shares)}, difficulty ${formatDifficulty(shares.work)}, ${blocksIn(shares)}`,
  );
}

const byRate = <R extends { readonly hashRate: HashRates }>(rows: readonly R[]): R[] =>
  [...rows].sort((a, b) => b.hashRate['1h'].value - a.hashRate['1h'].value);

/** Users who have no line of their own, by name and rate. */
function named(users: readonly UserState[], time: number): LogLine[] {
  const shown = users.slice(0, maxNamed).map(({ user, hashRate, shares: { lastAcceptedAt } }) => {
    const isSilent = hashRate['5m'].value === 0;
    const silence =
      lastAcceptedAt === null ? 'no share yet' : `silent for ${formatDuration(time - lastAcceptedAt)}`;
    return `${quoted(user)} ${isSilent ? silence : formatHashRate(hashRate['5m'].value)}`;
  });
  const lines = Array.from({ length: Math.ceil(shown.length / namedInLine) }, (_, line) =>
    info(`  and ${shown.slice(line * namedInLine, (line + 1) * namedInLine).join(', ')}`),
  );
  const beyond = users.length - maxNamed;
  return beyond <= 0 ? lines : [...lines, info(`  and ${counted(beyond, 'more user')}, who did less`)];
}

/**
 * What was delivered between two states: a line for all, one for each user that has a channel or delivered within the last
 * hour, silent or not, and one for each of its workers that has a name. Of many, those with the highest hash rates have lines,
 * and the others are named; nothing if there is nobody.
 */
export function reportLines(before: Reported, after: Reported): LogLine[] {
  const seconds = Math.round((after.time - before.time) / 1_000);
  const at = { time: after.time, seconds };
  const usersBefore = new Map(before.users.map((user) => [user.user, user]));
  const workersBefore = new Map(before.workers.map((worker) => [keyOf(worker), worker]));
  const workersOf = namedWorkers(after.workers);
  const told = byRate(
    after.users.filter(
      ({ openChannels, shares: { lastAcceptedAt } }) =>
        openChannels > 0 || (lastAcceptedAt !== null && after.time - lastAcceptedAt <= remembered),
    ),
  );
  const { accepted, rejected } = newIn(after.shares, before.shares);
  if (told.length === 0 && accepted === 0 && rejected === 0) return [];

  const userLines = (user: UserState): LogLine[] => {
    const workers = byRate(workersOf.get(user.user) ?? []);
    const name = quoted(user.user);
    const beyond = workers.length - maxWorkers;
    return [
      rowLine(name, user, usersBefore.get(user.user), user.openChannels > 0, at),
      ...workers.slice(0, maxWorkers).map((worker) => {
        const shown = `${name}, ${quoted(worker.worker)}`;
        return rowLine(shown, worker, workersBefore.get(keyOf(worker)), worker.isConnected, at);
      }),
      ...(beyond > 0 ? [info(`  and ${counted(beyond, 'more worker')} of ${name}, who did less`)] : []),
    ];
  };
  return [
    info(
      `last ${seconds} s: ${sharesIn({ accepted, rejected })}; ${ratesOf(after.hashRate)}; ` +
        `${counted(told.length, 'user')}, ${counted(after.channels.length, 'channel')}; ${blocksIn(after.shares)} since the start`,
    ),
    ...told.slice(0, maxUsers).flatMap(userLines),
    ...named(told.slice(maxUsers), after.time),
  ];
}

const keyOf = ({ user, worker }: WorkerState): string => JSON.stringify([user, worker]);

function namedWorkers(workers: readonly WorkerState[]): ReadonlyMap<string, readonly WorkerState[]> {
  const workersOf = new Map<string, WorkerState[]>();
  for (const worker of workers) {
    if (worker.worker === '') continue;
    const all = workersOf.get(worker.user);
    if (all === undefined) workersOf.set(worker.user, [worker]);
    else all.push(worker);
  }
  return workersOf;
}
