import { defer, EMPTY, ignoreElements, of, repeat, tap, throwError, timer, type Observable } from 'rxjs';
import type { Connector } from '../transport/connection.js';
import {
  clientSession,
  type ClientSession,
  type ClientSessionContext,
  type SessionEnd,
} from './sessions/client-session.js';
import { ServiceError } from './errors.js';
import { backoff, defaultMaxDelay, type ReconnectPolicy } from './reconnect.js';

/** How a client comes back. */
export interface Persistence {
  /** `undefined` for not at all. */
  readonly reconnect: ReconnectPolicy | undefined;
  readonly random: () => number;
}

/**
 * Runs sessions one after the other: after a failure as the policy says, after a Reconnect at once, but a
 * server that keeps sending Reconnect is backed off from like one that fails.
 * @param connect dials the configured server
 * @param context what sessions are told
 * @param persistence whether and when to come back
 * @param current told about each new session
 * @returns completes when a server has closed the connection and is not dialled again; errors with what ended
 * the last session, or with ServiceError `redirect-loop`
 */
export function keepConnected(
  connect: Connector,
  context: ClientSessionContext,
  { reconnect, random }: Persistence,
  current: (session: ClientSession) => void,
): Observable<never> {
  const { protocol, emit, scheduler } = context;
  const { maxAttempts = Infinity, maxDelay = defaultMaxDelay } = reconnect ?? {};

  return defer(() => {
    let connector = connect;
    let failures = 0;
    let end: SessionEnd | undefined;

    function again(delay: number): Observable<unknown> {
      emit({ type: 'reconnecting', protocol, attempt: failures, delay, endpoint: connector.endpoint });
      return delay === 0 ? of(true) : timer(delay, scheduler);
    }

    function afterwards(): Observable<unknown> {
      if (end === undefined) return EMPTY;
      const { reason, redirect, connectedAt } = end;
      // only a connection that lasted makes up for the failures before it
      if (connectedAt !== undefined && scheduler.now() - connectedAt >= maxDelay) failures = 0;
      failures += 1;
      if (redirect !== undefined) {
        if (failures > maxAttempts) return throwError(redirectLoop);
        connector = redirect.connector;
        return again(failures === 1 ? 0 : backoff(reconnect ?? {}, failures, random()));
      }
      // a server that one was sent to and that does not work is not tried again
      if (connectedAt === undefined) connector = connect;
      if (reconnect === undefined || failures > maxAttempts) {
        return reason.error === undefined ? EMPTY : throwError(() => reason.error);
      }
      return again(backoff(reconnect, failures, random()));
    }

    return defer(() => {
      const session = clientSession(connector, context);
      current(session);
      return session.end$;
    }).pipe(
      tap((ended) => (end = ended)),
      ignoreElements(),
      repeat({ delay: afterwards }),
    );
  });
}

const redirectLoop = (): ServiceError =>
  new ServiceError('redirect-loop', 'the server was followed to other endpoints too many times in a row');
