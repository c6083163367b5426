/** What users say of TCP ports, in types that need none of Node.js. */
import type { NextObserver, Observable } from 'rxjs';
import type { HandshakeFailure } from '../transport/accept-streams.js';

/** Where a listener listens. */
export interface ListenAddress {
  /** An address of this machine; an IPv6 address is without brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** Where to listen. */
export interface TcpListenerOptions {
  /**
   * A name or address of this machine; `127.0.0.1` unless given, which only this machine can reach.
   * `0.0.0.0` stands for all IPv4 interfaces, `::` for all interfaces.
   */
  readonly host?: string;
  /** 1 to 65535, or 0 for any that is free. */
  readonly port: number;
  /**
   * Once it emits, nobody else is let in and the port is free, while those who are in stay: the stream completes when they have all gone.
   * Never unless given.
   */
  readonly acceptUntil$?: Observable<unknown>;
  /** Told where it listens, once it does. */
  readonly listeningObserver?: NextObserver<ListenAddress>;
  /** Told about each client that was not let in. */
  readonly handshakeErrorObserver?: NextObserver<HandshakeFailure>;
}

/** The default of `host`. */
export const defaultListenHost = '127.0.0.1';

/** The default of `connectTimeout`, in milliseconds. */
export const defaultConnectTimeout = 10_000;
