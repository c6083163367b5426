import { readFileSync } from 'node:fs';
import { filter, map, merge, Subject, type Observable, type OperatorFunction } from 'rxjs';
import { listenSv1 } from '../node/sv1.js';
import { sv1Miners, type Sv1MinerEvent, type Sv1MinersOptions } from '../roles/translator/sv1-miners.js';
import type { Sv1Connection } from '../sv1/connection.js';
import type { Connection } from '../transport/connection.js';
import { TransportError } from '../transport/errors.js';
import { ConfigError } from './config.js';
import { about, info, trouble, type LogLine } from './log-line.js';
import { sv1Line } from './sv1-log.js';

/** Where miners of Stratum V1 come from. */
export interface Sv1ListenerSettings {
  readonly host: string;
  readonly port: number;
  /** Files with a certificate chain and its secret key, in PEM; plain text unless given. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** How many miners may be connected at one time, and how many of one address. */
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** Once it emits, nobody else is let in; never unless given. */
  readonly acceptUntil$?: Observable<unknown>;
}

/**
 * Listens for miners of Stratum V1.
 * @param role what listens, for the log
 * @throws ConfigError for TLS files that cannot be used
 */
export function sv1Port(
  { tls, ...settings }: Sv1ListenerSettings,
  role: string,
): { readonly listen: Observable<Sv1Connection>; readonly line$: Observable<LogLine> } {
  const line$ = new Subject<LogLine>();
  const listen = listenSv1({
    ...settings,
    ...(tls === undefined ? {} : { tls: filesOf(tls) }),
    listeningObserver: {
      next(bound) {
        const address = `${bound.host.includes(':') ? `[${bound.host}]` : bound.host}:${bound.port}`;
        const how = tls === undefined ? '' : ', inside TLS';
        line$.next(info(`${role} listening for Stratum V1 on ${address}${how}`));
      },
    },
    handshakeErrorObserver: {
      next({ address, error }) {
        const { code, message } =
          error instanceof TransportError ? error : { code: 'failed', message: String(error) };
        line$.next(trouble(`${address} was not let in: ${message}`, `sv1 not let in: ${code}`));
      },
    },
  });
  return { listen, line$: line$.asObservable() };
}

/** What makes clients of Stratum V2 of miners of Stratum V1, and what there is to say of them. */
export function sv1Clients(options: Omit<Sv1MinersOptions, 'observer'>): {
  readonly sv1Operator: OperatorFunction<Sv1Connection, Connection>;
  readonly line$: Observable<LogLine>;
} {
  const event$ = new Subject<Sv1MinerEvent>();
  return {
    sv1Operator: sv1Miners({ ...options, observer: event$ }),
    line$: event$.pipe(
      map((event) => about(event.outcome, sv1Line(event))),
      filter((line) => line !== undefined),
    ),
  };
}

/** As `sv1Port`, but the miners come out as clients of Stratum V2. */
export function sv1Listener(
  settings: Sv1ListenerSettings,
  role: string,
  options: Omit<Sv1MinersOptions, 'observer'>,
): { readonly listen: Observable<Connection>; readonly line$: Observable<LogLine> } {
  const { listen, line$ } = sv1Port(settings, role);
  const clients = sv1Clients(options);
  return { listen: listen.pipe(clients.sv1Operator), line$: merge(line$, clients.line$) };
}

/** @throws ConfigError */
function filesOf(tls: { readonly certificate: string; readonly key: string }) {
  const read = (key: 'certificate' | 'key'): string => {
    try {
      return readFileSync(tls[key], 'utf8');
    } catch (error) {
      throw new ConfigError([
        `tls_${key}: ${tls[key]} cannot be read: ${(error as NodeJS.ErrnoException).code ?? ''}`,
      ]);
    }
  };
  return { certificate: read('certificate'), key: read('key') };
}
