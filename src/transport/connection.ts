import type { Observable } from 'rxjs';
import type { Message } from '../messages/registry.js';

/** Who is at the other end. */
export interface Peer {
  /** `host:port`, with an IPv6 host in brackets; a name for in-memory peers. */
  readonly address: string;
  /** Whether the connection runs inside Noise (spec §4). */
  readonly encrypted: boolean;
  /**
   * The 32-byte x-only public key of the authority whose signature was verified (spec §4.5.3). Absent on
   * the side that presents the certificate, on plaintext connections, and where any authority is accepted.
   */
  readonly authorityPublicKey?: Uint8Array;
}

/** A connection after its handshake: subscribe to receive, `send` to send. */
export interface Connection {
  readonly peer: Peer;
  /**
   * The received messages in order, for one subscriber.
   *
   * Completes when the peer closes or after `close()`. Errors on a violation (CodecError, FramingError,
   * NoiseError) and on a failure of the connection (TransportError `slow-consumer`, `connection-reset` …);
   * the connection is closed by then. Unsubscribing closes it too. Before the subscription nothing is taken
   * off the connection, and nothing that arrives is lost.
   */
  readonly message$: Observable<Message>;
  /**
   * Queues messages to be sent in order. Everything sent in one turn leaves as one write. Does nothing once
   * the connection is closed.
   * @throws CodecError or FramingError if a message cannot be encoded; then nothing of this call is sent
   */
  send(...messages: readonly Message[]): void;
  /**
   * Sets the largest payload accepted from now on, in bytes. Larger messages of extensions that are unknown here are
   * read past without being held or emitted, as they have to be ignored (spec §3.4.1); with 16,777,215 all are emitted.
   */
  limitPayload(bytes: number): void;
  /** Sends what is queued, then closes; `message$` completes. */
  close(): void;
}

/** Where a server is to be found. */
export interface Endpoint {
  /** Name or address, an IPv6 address without brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** Dials on subscription: emits one connection after its handshake and completes. */
export interface Connector extends Observable<Connection> {
  /** Where it dials, if it knows. */
  readonly endpoint?: Endpoint;
  /** A connector like this one (same authority key, same limits) that dials elsewhere (spec §3.6.5). */
  redirect?(endpoint: Endpoint): Connector;
}
