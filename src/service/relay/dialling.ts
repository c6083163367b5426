/** Dials the server of a pair, or the one that a Reconnect has named in its place. */
import { catchError, map, take, type Observable } from 'rxjs';
import type { Connection, Connector } from '../../transport/connection.js';
import type { Redirects } from './redirects.js';

/** The server of a pair, and what dialled it. */
export interface Dialled {
  readonly server: Connection;
  readonly connector: Connector;
}

/**
 * Dials a server while subscribed; emits it and completes.
 * @param host of the client it is for
 */
export function dialled(connector: Connector, host: string, redirects: Redirects): Observable<Dialled> {
  const movedConnector = redirects.route(host, connector.endpoint);
  return movedConnector === undefined
    ? dial(connector)
    : dial(movedConnector).pipe(catchError(() => dial(connector)));
}

function dial(connector: Connector): Observable<Dialled> {
  return connector.pipe(
    take(1),
    map((server) => ({ server, connector })),
  );
}
