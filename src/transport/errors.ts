import { Sv2Error } from '../codec/errors.js';

/** What can go wrong with a connection as such; stable, for programs. */
export type TransportErrorCode =
  /** Nobody listens at that address. */
  | 'connection-refused'
  /** The address was not reached in time. */
  | 'connection-timeout'
  /** The peer dropped the connection, or the network did. */
  | 'connection-reset'
  /** Any other failure to open or use a connection; `cause` knows more. */
  | 'connection-failed'
  /** No route to the address. */
  | 'host-unreachable'
  /** The name could not be resolved. */
  | 'host-not-found'
  /** Another listener has that address. */
  | 'address-in-use'
  /** No interface of this machine has that address. */
  | 'address-not-available'
  /** This process may not listen there. */
  | 'permission-denied'
  /** Any other failure to listen; `cause` knows more. */
  | 'listen-failed'
  /** The handshake was not finished in time. */
  | 'handshake-timeout'
  /** The peer closed before the handshake was finished. */
  | 'peer-closed-during-handshake'
  /** The peer sent more than its message of the handshake before it was answered: it does not encrypt. */
  | 'handshake-too-long'
  /** The thread that was to answer handshakes ended, or could not begin; `cause` knows more. */
  | 'handshake-worker-failed'
  /** One side encrypts and the other does not. */
  | 'encryption-mismatch'
  /** The listener has as many connections as it may. */
  | 'too-many-connections'
  /** More bytes wait for the peer than may. */
  | 'slow-consumer'
  /** The peer closed in the middle of a frame. */
  | 'truncated-stream'
  /** A second subscription to `message$`. */
  | 'already-subscribed'
  /** An option that cannot be used. */
  | 'invalid-option';

/** A connection that could not be opened, kept or listened for. */
export class TransportError extends Sv2Error {
  override readonly name = 'TransportError';

  /**
   * @param code what went wrong
   * @param message the address, what happened, and what to check
   * @param detail the values at fault, for programs
   * @param cause the error of the platform, if there was one
   */
  constructor(
    override readonly code: TransportErrorCode,
    message: string,
    detail: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(code, message, detail, cause);
  }
}
