/** What an operator should be woken for: told once when it begins and once when it is over. */
import { concatMap, scan, type OperatorFunction } from 'rxjs';
import type { ChainState } from './blocks.js';
import type { DownstreamState } from './downstream-types.js';
import type { StateTimes } from './fold.js';
import { isSilent, usualSilence } from './silence.js';
import type { UpstreamState } from './upstreams.js';

/** What there are alerts about. */
export const alertKinds = [
  ...(['upstream-lost', 'template-stale', 'block-waiting', 'rejects-rising', 'worker-silent'] as const),
] as const;

/** Something that somebody should look after. */
export interface Alert {
  readonly kind: (typeof alertKinds)[number];
  /** Tells it from others of its kind: a worker, a protocol, a block; empty if there is only one. */
  readonly subject: string;
  /** When it began, in milliseconds since 1970. */
  readonly since: number;
  /** For people. What remotes said is in it as they said it. */
  readonly message: string;
}

/** An alert began, or is over. */
export type AlertChange =
  | (Alert & { readonly type: 'AlertRaised' })
  | (Alert & {
      readonly type: 'AlertCleared';
      /** When it was over, in milliseconds since 1970. */
      readonly at: number;
    });

/** When there is an alert. */
export interface AlertOptions {
  /**
   * A worker that has delivered is silent for so long: milliseconds, 600,000 unless given, or as long as twenty of its
   * shares should take if that is more; Infinity for never.
   */
  readonly workerSilence?: number;
  /** There is no new template for so long: milliseconds, 600,000 unless given. */
  readonly templateAge?: number;
  /** A server that the role depends on is away for so long: milliseconds, 30,000 unless given. */
  readonly upstreamAway?: number;
  /** So great a part of shares is rejected, 0.05 unless given … */
  readonly rejectedPart?: number;
  /** … of so many at least that came since `rejectsOver`, 20 unless given … */
  readonly rejectedOf?: number;
  /** … milliseconds, 600,000 unless given. */
  readonly rejectsOver?: number;
  /** Alerts at one time; those beyond are not told of. 1,000 unless given. */
  readonly maxAlerts?: number;
}

/** A state that there can be alerts about: of a pool, a proxy, a translator; others have fewer of these. */
export type Watched = StateTimes &
  Partial<Pick<DownstreamState, 'workers' | 'shares'>> &
  Partial<Pick<ChainState, 'template' | 'blocks'>> & { readonly upstreams?: readonly UpstreamState[] };

/** What was counted at a time. */
interface Counted {
  readonly time: number;
  readonly accepted: number;
  readonly rejected: number;
}

interface Watch {
  readonly alerts: ReadonlyMap<string, Alert>;
  readonly counted: readonly Counted[];
  readonly changes: readonly AlertChange[];
}

const nothing: Watch = { alerts: new Map(), counted: [], changes: [] };

/** Times of counts within `rejectsOver` that are kept. */
const maxCounted = 20;

/**
 * From states to alerts that begin and are over: a worker that is silent, templates that are old, a server that is away,
 * rejects that rise, a block that was found and is not built on.
 *
 * ```text
 * state$    s--s--s--s--s--s--s
 *   alerts()
 *           ---------A-----C---     A = AlertRaised, C = AlertCleared
 * ```
 */
export const alerts =
  (options: AlertOptions = {}): OperatorFunction<Watched, AlertChange> =>
  (state$) =>
    state$.pipe(
      scan((watch, state) => next(watch, state, options), nothing),
      concatMap(({ changes }) => changes),
    );

function next(watch: Watch, state: Watched, options: AlertOptions): Watch {
  const { rejectsOver = 600_000, maxAlerts = 1_000 } = options;
  const counted = countedNow(watch.counted, state, rejectsOver);
  const present = new Map<string, Alert>();
  for (const alert of [
    ...templateAlerts(state, options),
    ...upstreamAlerts(state, options),
    ...blockAlerts(state),
    ...rejectAlerts(counted, state, options),
    ...workerAlerts(state, options),
  ]) {
    const key = JSON.stringify([alert.kind, alert.subject]);
    const before = watch.alerts.get(key);
    if (before === undefined && present.size >= maxAlerts) continue;
    present.set(key, before ?? alert);
  }
  const changes: AlertChange[] = [];
  for (const [key, alert] of present)
    if (!watch.alerts.has(key)) changes.push({ type: 'AlertRaised', ...alert });
  for (const [key, alert] of watch.alerts)
    if (!present.has(key)) changes.push({ type: 'AlertCleared', ...alert, at: state.time });
  return { alerts: present, counted, changes };
}

const minutes = (milliseconds: number): string => `${Math.floor(milliseconds / 60_000)} minutes`;

function workerAlerts(
  { workers = [], time }: Watched,
  { workerSilence = usualSilence }: AlertOptions,
): Alert[] {
  return workers.flatMap(({ user, worker, shares, since }) => {
    const { accepted, lastAcceptedAt } = shares;
    if (lastAcceptedAt === null || !isSilent({ since, accepted, lastAcceptedAt }, time, workerSilence))
      return [];
    const name = worker === '' ? user : `${user}, ${worker}`;
    return [
      {
        kind: 'worker-silent',
        subject: name,
        since: lastAcceptedAt,
        message: `worker ${name} has delivered nothing for ${minutes(time - lastAcceptedAt)}`,
      },
    ];
  });
}

/** A block is worth waking somebody for while it is not where it should be. */
function blockAlerts({ blocks = [] }: Watched): Alert[] {
  return blocks.flatMap(({ hash, fate, fateAt, height }) => {
    if (fate !== 'held' && fate !== 'unanswered') return [];
    const block = height === null ? 'a block of ours' : `our block ${height}`;
    const why =
      fate === 'held' ? 'waits: the template provider is away' : 'was sent, and nobody builds on it yet';
    return [{ kind: 'block-waiting', subject: hash, since: fateAt, message: `${block} ${why}` }];
  });
}

function templateAlerts(
  { template, time, startedAt }: Watched,
  { templateAge = 600_000 }: AlertOptions,
): Alert[] {
  if (template === undefined) return [];
  const since = template?.at ?? startedAt;
  if (template?.isOld !== true && time - since < templateAge) return [];
  const message = `there is no new template for ${minutes(time - since)}`;
  return [{ kind: 'template-stale', subject: '', since, message }];
}

function upstreamAlerts({ upstreams = [], time }: Watched, { upstreamAway = 30_000 }: AlertOptions): Alert[] {
  return upstreams.flatMap(({ protocol, status, since, lastFailure, address }) => {
    if (status === 'connected' || time - since < upstreamAway) return [];
    const where = address === '' ? '' : ` (${address})`;
    const why = lastFailure === null ? '' : `: ${lastFailure.message}`;
    const message = `no connection for ${protocol}${where}${why}`;
    return [{ kind: 'upstream-lost', subject: protocol, since, message }];
  });
}

/** Counts of now behind those before; the first of them is the newest that is older than `over`. */
function countedNow(before: readonly Counted[], { shares, time }: Watched, over: number): readonly Counted[] {
  if (shares === undefined) return before;
  const now = { time, accepted: shares.accepted, rejected: shares.rejected };
  const last = before.at(-1);
  const all = last !== undefined && time - last.time < over / maxCounted ? before : [...before, now];
  const tooOld = all.findLastIndex((each) => each.time <= time - over);
  return all.slice(Math.max(0, tooOld));
}

function rejectAlerts(
  counted: readonly Counted[],
  { shares, time }: Watched,
  { rejectedPart = 0.05, rejectedOf = 20 }: AlertOptions,
): Alert[] {
  const [first] = counted;
  if (shares === undefined || first === undefined) return [];
  const rejected = shares.rejected - first.rejected;
  const all = rejected + shares.accepted - first.accepted;
  if (all < rejectedOf || rejected < all * rejectedPart) return [];
  const message = `${rejected} of ${all} shares were rejected in the last ${minutes(time - first.time)}`;
  return [{ kind: 'rejects-rising', subject: '', since: time, message }];
}
