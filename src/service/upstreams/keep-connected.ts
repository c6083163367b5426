/** Keeps a client connected to one of its servers, the earliest in their list that is good. */
import {
  defer,
  EMPTY,
  filter,
  ignoreElements,
  map,
  merge,
  NEVER,
  of,
  repeat,
  Subject,
  switchMap,
  take,
  tap,
  throwError,
  timer,
  type Observable,
} from 'rxjs';
import type { Connector } from '../../transport/connection.js';
import { ServiceError, type DisconnectReason } from '../errors.js';
import {
  clientSession,
  type ClientSession,
  type ClientSessionContext,
  type SessionEnd,
} from '../sessions/client-session.js';
import { defaultReturnAfter, type ReconnectPolicy } from './backoff.js';
import { nextUpstream, startUpstreams, upstreamEnded } from './upstreams.js';

/** How a client comes back. */
export interface Persistence {
  /** `undefined` for not at all; each server is tried once then. */
  readonly reconnect: ReconnectPolicy | undefined;
  readonly random: () => number;
}

/** The connection that is used now. */
export interface CurrentUpstream extends Pick<ClientSession, 'send' | 'prepare'> {
  /**
   * Ends it, without waiting for anything that is still to be sent, and goes on with another server, or with the same
   * one if there is no other.
   * @param banFor milliseconds for which this server is left alone
   */
  leave(reason: DisconnectReason, banFor: number): void;
}

/** Redirects in a row that are followed while there is another server: a pool may send its clients on more than once. */
const mostRedirects = 4;

const better: DisconnectReason = { code: 'better-upstream', message: 'a server that is preferred is back' };

/**
 * Runs sessions one after the other. Servers are tried in their order, for ever unless the policy says otherwise, each
 * with a backoff of its own. While one of the later ones is used, those before it are tried in the background, and
 * the client goes back to one when a connection to it has lasted for `returnAfter`.
 * After a Reconnect another session follows at once, but a server that keeps sending Reconnect is backed off from like
 * one that fails, and after the fourth in a row left for another one.
 * @param connectors dial the configured servers, the preferred one first; one or more
 * @param context what sessions are told
 * @param persistence whether and when to come back
 * @param current told about each new session
 * @returns completes when a server has closed the connection and none is dialled again; errors with what ended
 * the last session, or with ServiceError `redirect-loop`
 */
export function keepConnected(
  connectors: readonly Connector[],
  context: Omit<ClientSessionContext, 'upstream'>,
  { reconnect, random }: Persistence,
  current: (session: CurrentUpstream) => void,
): Observable<never> {
  const { protocol, emit, scheduler } = context;
  const policy = reconnect ?? {};
  const { returnAfter = defaultReturnAfter } = policy;
  const maxAttempts = reconnect === undefined ? 0 : (reconnect.maxAttempts ?? Infinity);

  return defer(() => {
    let upstreams = startUpstreams(connectors.length);
    let upstream = 0;
    let connector = connectors[0] as Connector;
    let end: SessionEnd | undefined;
    let banFor = 0;
    let returnTo: number | undefined;

    const lastedAt = ({ connectedAt }: SessionEnd): number =>
      connectedAt === undefined ? 0 : scheduler.now() - connectedAt;

    const failed = (index: number, ended: SessionEnd): void => {
      const what = { index, now: scheduler.now(), lasted: lastedAt(ended), banFor, random: random() };
      upstreams = upstreamEnded(upstreams, what, policy);
    };

    function again(attempt: number, delay: number): Observable<unknown> {
      emit({ type: 'reconnecting', protocol, attempt, delay, endpoint: connector.endpoint });
      return delay === 0 ? of(true) : timer(delay, scheduler);
    }

    function follow(ended: SessionEnd, redirect: { readonly connector: Connector }): Observable<unknown> {
      failed(upstream, ended);
      const { failures = 1, retryAt = 0 } = upstreams[upstream] ?? {};
      const next =
        failures > mostRedirects ? nextUpstream(upstreams, scheduler.now(), maxAttempts) : undefined;
      if (next !== undefined && next.index !== upstream) {
        switchTo(next.index, ended);
        return again(next.attempt, next.delay);
      }
      if (failures > (policy.maxAttempts ?? Infinity)) return throwError(redirectLoop);
      connector = redirect.connector;
      return again(failures, failures === 1 ? 0 : retryAt - scheduler.now());
    }

    function switchTo(index: number, { reason, connectedAt }: SessionEnd): void {
      // a server that one was sent to and that does not work is not tried again
      if (index !== upstream || connectedAt === undefined) connector = connectors[index] as Connector;
      if (index === upstream) return;
      const { endpoint } = connectors[upstream] as Connector;
      const left = { upstream, endpoint, since: connectedAt, reason };
      emit({ type: 'switched', protocol, upstream: index, endpoint: connector.endpoint, left });
      upstream = index;
    }

    function afterwards(): Observable<unknown> {
      if (end === undefined) return EMPTY;
      const { reason, redirect } = end;
      if (redirect !== undefined && returnTo === undefined) return follow(end, redirect);
      if (returnTo !== undefined) {
        switchTo(returnTo, end);
        return again(1, 0);
      }
      failed(upstream, end);
      const next = nextUpstream(upstreams, scheduler.now(), maxAttempts);
      if (next === undefined) return reason.error === undefined ? EMPTY : throwError(() => reason.error);
      switchTo(next.index, end);
      return again(next.attempt, next.delay);
    }

    /** Tries a server in the background: emits when it has been good for long enough, completes when it is not. */
    const proved$ = (index: number): Observable<number> =>
      defer(() => {
        const connected$ = new Subject<void>();
        const session = clientSession(connectors[index] as Connector, {
          ...context,
          upstream: index,
          push: () => undefined,
          emit: ({ type }) => {
            if (type === 'connected') connected$.next();
          },
        });
        return merge(
          connected$.pipe(
            switchMap(() => timer(returnAfter, scheduler)),
            map(() => index),
          ),
          session.end$.pipe(map((ended) => failed(index, ended))),
        ).pipe(
          take(1),
          filter((proved) => proved !== undefined),
        );
      });

    /** Emits the first server before the present one that proves good again. */
    const better$ = defer(() => {
      const next = nextUpstream(upstreams, scheduler.now(), maxAttempts, upstream);
      return next === undefined
        ? NEVER
        : timer(next.delay, scheduler).pipe(switchMap(() => proved$(next.index)));
    }).pipe(repeat(), take(1));

    return defer(() => {
      const session = clientSession(connector, { ...context, upstream });
      banFor = 0;
      returnTo = undefined;
      current({
        send: (messages) => session.send(messages),
        prepare: (messages) => session.prepare(messages),
        leave(reason, milliseconds) {
          banFor = milliseconds;
          session.leave(reason);
        },
      });
      const return$ = better$.pipe(
        tap((index) => {
          returnTo = index;
          session.leave(better);
        }),
        ignoreElements(),
      );
      return merge(session.end$, upstream === 0 ? EMPTY : return$).pipe(take(1));
    }).pipe(
      tap((ended) => (end = ended)),
      ignoreElements(),
      repeat({ delay: afterwards }),
    );
  });
}

const redirectLoop = (): ServiceError =>
  new ServiceError('redirect-loop', 'the server was followed to other endpoints too many times in a row');
