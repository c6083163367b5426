/**
 * The fronts of a pool on one machine: child processes that listen at one socket, each with a port to the core, which this
 * process is. The system hands connections to whichever front takes them (`cluster.SCHED_NONE`: with 4,000 connections and
 * two fronts 710 ms in all and 2 ms of the core's time; by turns through the core 1,379 and 549 ms).
 */
import cluster, { type Worker } from 'node:cluster';
import {
  asyncScheduler,
  catchError,
  defer,
  EMPTY,
  endWith,
  finalize,
  fromEvent,
  ignoreElements,
  map,
  merge,
  Observable,
  of,
  repeat,
  ReplaySubject,
  share,
  switchMap,
  take,
  takeUntil,
  takeWhile,
  tap,
  timer,
  type SchedulerLike,
} from 'rxjs';
import type { Port, PortMessage } from '../../roles/cluster/port.js';
import type { ServerLease, ServerLives } from '../../roles/cluster/server-ids.js';
import { silenceOf } from '../../roles/cluster/signs-of-life.js';
import { backoff } from '../../service/upstreams/backoff.js';
import { frontMark, frontPort } from './ipc-port.js';

/** How fronts are run. */
export interface FrontsOptions {
  /** How many, 1 or more. */
  readonly processes: number;
  /** The file that a front runs, and its arguments. */
  readonly entry: string;
  readonly args: readonly string[];
  readonly leases: ServerLives;
  /** What a front is told first. */
  readonly welcome: (front: Pick<Front, 'place' | 'serverId' | 'life'>) => PortMessage;
  /**
   * Serves a front for as long as it lives, also while it ends after `start()` was unsubscribed from; completes when nothing
   * of it is left: only then its server id can be another's.
   */
  serve(front: Front): Observable<unknown>;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/** A front that runs. */
export interface Front {
  /** Which of the pool's, from 0 on; another that takes its place has the same. */
  readonly place: number;
  readonly serverId: number;
  /** Which life of its server id it is: no two do the same work. */
  readonly life: number;
  readonly pid: number;
  readonly port: Port;
}

/** A front was started. */
export interface FrontStarted {
  readonly type: 'FrontStarted';
  readonly front: Front;
}

/** A front has given no sign of life for so long that it is killed. */
export interface FrontHung {
  readonly type: 'FrontHung';
  readonly front: Front;
  /** Milliseconds. */
  readonly silence: number;
}

/** What becomes of fronts. */
export type FrontEvent = FrontStarted | FrontHung | FrontEnded;

/** A front has ended, and its connections with it; another takes its place. */
export interface FrontEnded {
  readonly type: 'FrontEnded';
  readonly front: Front;
  /** Such as `SIGKILL`, or `exit status 1`. */
  readonly how: string;
  /** Milliseconds until then. */
  readonly retryIn: number;
}

/** Fronts: cold until started. */
export interface Fronts {
  /**
   * Runs them while subscribed; after that each is told to end, and is killed if it has not within ten seconds. One that ends
   * by itself, or hangs, is started again, after a second at first, and up to 30 s if that goes on. Errors as `serve` and the leases do.
   */
  start(): Observable<FrontEvent>;
  /** Resolves when all that were started have ended, and nothing is left of them. */
  ended(): Promise<void>;
}

/** Milliseconds that a front has to end in. */
const endTimeout = 10_000;

/** How fronts are started again; times in milliseconds. */
const restarts = { initialDelay: 1_000, maxDelay: 30_000 };

/** Milliseconds after which a front that ends has not just failed again. */
const soundAfter = 60_000;

/** Runs a pool's fronts. */
export function fronts(options: FrontsOptions): Fronts {
  const { processes, leases, welcome, scheduler = asyncScheduler } = options;
  let running: Promise<void> = Promise.resolve();

  /** One life of the front in a place: from its lease to when nothing is left of it. */
  const life$ = (place: number, stop$: Observable<void>, retryIn: (uptime: number) => number) =>
    leases.lease$.pipe(
      switchMap((lease) => process$(place, lease, stop$, retryIn).pipe(endWith('over' as const))),
      takeWhile((event) => event !== 'over'),
    );

  const process$ = (
    place: number,
    { serverId, life }: ServerLease,
    stop$: Observable<void>,
    retryIn: (uptime: number) => number,
  ): Observable<FrontEvent> =>
    defer(() => {
      const worker = fork(options);
      const port = frontPort(worker);
      const front: Front = { place, serverId, life, pid: worker.process.pid ?? 0, port };
      const startedAt = scheduler.now();
      const exit$ = fromEvent(
        worker,
        'exit',
        (code: number | null, signal: string | null) => signal ?? `exit status ${code}`,
      ).pipe(
        take(1),
        share({ connector: () => new ReplaySubject(1), resetOnComplete: false, resetOnRefCountZero: false }),
      );
      const welcomed$ = port.message$.pipe(
        tap((value) => {
          if ((value as { readonly type?: unknown } | null)?.type === 'hello')
            port.send(welcome({ place, serverId, life }));
        }),
      );
      const stopped$ = stop$.pipe(
        take(1),
        tap(() => port.send({ type: 'stop' })),
        switchMap(() => timer(endTimeout, scheduler)),
        tap(() => worker.process.kill('SIGKILL')),
        takeUntil(exit$),
      );
      const hung$ = silenceOf(port, scheduler).pipe(
        map((silence): FrontHung => ({ type: 'FrontHung', front, silence })),
        tap(() => worker.process.kill('SIGKILL')),
        takeUntil(exit$),
      );
      return merge(
        hung$,
        exit$.pipe(
          map((how): FrontEnded => ({
            type: 'FrontEnded',
            front,
            how,
            retryIn: retryIn(scheduler.now() - startedAt),
          })),
        ),
        merge(welcomed$, stopped$, options.serve(front)).pipe(ignoreElements()),
        of<FrontStarted>({ type: 'FrontStarted', front }),
      ).pipe(
        finalize(() => {
          if (!worker.isDead()) worker.process.kill('SIGKILL'); // only where serving it has failed
        }),
      );
    });

  return {
    start: () =>
      new Observable((subscriber) => {
        const stop$ = new ReplaySubject<void>(1);
        let isStopped = false;
        const placed$ = (place: number) => {
          let failures = 0;
          let wait = 0;
          const retryIn = (uptime: number): number => {
            failures = uptime >= soundAfter ? 1 : failures + 1;
            return (wait = backoff(restarts, failures, Math.random()));
          };
          return life$(place, stop$, retryIn).pipe(
            repeat({ delay: () => (isStopped ? EMPTY : timer(wait, scheduler).pipe(takeUntil(stop$))) }),
          );
        };
        running = new Promise((resolve) => {
          // lives on without its subscriber until all have ended
          merge(...Array.from({ length: processes }, (_, place) => placed$(place)))
            .pipe(
              catchError((error: unknown) => {
                subscriber.error(error);
                return EMPTY;
              }),
              finalize(resolve),
            )
            // eslint-disable-next-line rxjs-x/no-ignored-subscription -- ends when `stop$` has been heard
            .subscribe((event) => subscriber.next(event));
        });
        return () => {
          isStopped = true;
          stop$.next();
        };
      }),
    ended: () => running,
  };
}

function fork({ entry, args }: FrontsOptions): Worker {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ exec: entry, args: [...args], serialization: 'advanced' });
  return cluster.fork({ [frontMark]: '1' });
}
