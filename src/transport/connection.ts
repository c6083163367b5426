import type { Observable } from 'rxjs';
import type { Frame } from '../framing/frame-assembler.js';
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
   * As `message$` and in place of it, without decoding: for whoever passes frames on. The subscriber owns the payloads.
   */
  readonly frame$: Observable<Frame>;
  /**
   * Queues messages to be sent in order. Everything sent in one turn leaves as one write. Does nothing once
   * the connection is closed.
   * @throws CodecError or FramingError if a message cannot be encoded; then nothing of this call is sent
   */
  send(...messages: readonly Message[]): void;
  /** As `send`, of frames as they are; `payloadLength` of each header is the length of its payload. */
  sendFrames(...frames: readonly Frame[]): void;
  /** Bytes that were sent and that the peer has not taken yet. */
  readonly queuedBytes: number;
  /** Completes once the peer has taken all that was sent, or the connection is closed; at once if nothing waits. */
  readonly drained$: Observable<never>;
  /**
   * Reads nothing more until `until$` ends: backpressure. Up to 16 frames that were read before still arrive, so that
   * what the peer sends waits at the peer.
   */
  pause(until$: Observable<unknown>): void;
  /**
   * Sets the largest payload accepted from now on, in bytes. Without a call it is that of SetupConnection and its
   * answers, and once SetupConnection.Success has passed that of the subprotocol which was agreed upon. Larger messages
   * of extensions that are unknown here are read past without being held or emitted, as they have to be ignored
   * (spec §3.4.1); with 16,777,215 all are emitted.
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
