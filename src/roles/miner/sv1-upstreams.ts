/** Which of several servers of Stratum V1 a miner is at: by the one policy for servers, as clients of Stratum V2 are. */
import {
  catchError,
  concat,
  defer,
  EMPTY,
  endWith,
  filter,
  ignoreElements,
  map,
  merge,
  mergeMap,
  NEVER,
  of,
  repeat,
  share,
  switchMap,
  take,
  takeUntil,
  tap,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { disconnectReason, type DisconnectReason } from '../../service/errors.js';
import { defaultReturnAfter, type ReconnectPolicy } from '../../service/upstreams/backoff.js';
import { nextUpstream, startUpstreams, upstreamEnded } from '../../service/upstreams/upstreams.js';
import type { Sv1Connection, Sv1Connector } from '../../sv1/connection.js';

/** A connection to a server ended, or there was none. */
export interface Sv1Disconnected {
  readonly type: 'Sv1Disconnected';
  readonly reason: DisconnectReason;
  /** Milliseconds until a server is dialled again. */
  readonly retryIn: number;
  /** Which one that is, from 0 on. */
  readonly next: number;
}

/** How a miner keeps to its servers. */
export interface Sv1UpstreamOptions<O> {
  /** In order of preference. */
  readonly connectors: readonly [Sv1Connector, ...Sv1Connector[]];
  readonly reconnect: ReconnectPolicy;
  /** Numbers from 0 up to but not including 1. */
  readonly random: () => number;
  readonly scheduler: SchedulerLike;
  /** What a connection is used for; its end, or an error, is the end of that server's turn. @param upstream its number */
  run(connection: Sv1Connection, upstream: number): Observable<O>;
  /** Speaks to a server without mining: emits when it has given work, ends or fails when it is of no use. */
  respond(connection: Sv1Connection): Observable<unknown>;
}

const better: DisconnectReason = { code: 'better-upstream', message: 'a server that is preferred is back' };
const closed: DisconnectReason = { code: 'peer-closed', message: 'the server closed the connection' };

/**
 * One conversation after the other, for ever: see `keepConnected`. While one of the later servers is used, those before it are
 * tried in the background, and one is gone back to when it has given work and lasted for `returnAfter`.
 */
export function sv1Upstreams<O>(options: Sv1UpstreamOptions<O>): Observable<O | Sv1Disconnected> {
  const { connectors, reconnect, random, scheduler, run, respond } = options;
  const { returnAfter = defaultReturnAfter } = reconnect;
  return defer(() => {
    let upstreams = startUpstreams(connectors.length);
    let upstream = 0;

    const failed = (index: number, connectedAt: number | undefined): void => {
      const now = scheduler.now();
      const lasted = connectedAt === undefined ? 0 : now - connectedAt;
      upstreams = upstreamEnded(upstreams, { index, now, lasted, random: random() }, reconnect);
    };

    /** Emits a server's number when it has been good for long enough; completes when it is not. */
    const proved$ = (index: number): Observable<number> => {
      const proof$ = (connectors[index] as Sv1Connector).pipe(mergeMap(respond), share());
      const end$ = proof$.pipe(
        ignoreElements(),
        endWith(undefined),
        catchError(() => of(undefined)),
      );
      return merge(
        proof$.pipe(
          catchError(() => NEVER),
          take(1),
          switchMap(() => timer(returnAfter, scheduler)),
          map(() => index),
        ),
        end$.pipe(tap(() => failed(index, undefined))),
      ).pipe(
        take(1),
        filter((proved) => proved !== undefined),
      );
    };

    /** Emits the first server before the present one that proves good again. */
    const better$ = defer(() => {
      const next = nextUpstream(upstreams, scheduler.now(), Infinity, upstream);
      return next === undefined
        ? NEVER
        : timer(next.delay, scheduler).pipe(switchMap(() => proved$(next.index)));
    }).pipe(repeat(), take(1));

    return defer(() => {
      let connectedAt: number | undefined;
      let returnTo: number | undefined;
      const finish = (error?: unknown): Observable<Sv1Disconnected> => {
        let retryIn = 0;
        let reason = better;
        if (returnTo === undefined) {
          reason = error === undefined ? closed : disconnectReason(error);
          failed(upstream, connectedAt);
          const next = nextUpstream(upstreams, scheduler.now(), Infinity);
          retryIn = next?.delay ?? 0;
          upstream = next?.index ?? 0;
        } else upstream = returnTo;
        return concat(
          of<Sv1Disconnected>({ type: 'Sv1Disconnected', reason, retryIn, next: upstream }),
          timer(retryIn, scheduler).pipe(mergeMap(() => EMPTY)),
        );
      };
      const turn$ = (connectors[upstream] as Sv1Connector).pipe(
        tap(() => (connectedAt = scheduler.now())),
        mergeMap((connection) => run(connection, upstream)),
        takeUntil(upstream === 0 ? NEVER : better$.pipe(tap((index) => (returnTo = index)))),
      );
      return concat(
        turn$,
        defer(() => finish()),
      ).pipe(catchError(finish));
    }).pipe(repeat());
  });
}
