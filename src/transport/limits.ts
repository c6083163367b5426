import { asyncScheduler, type SchedulerLike } from 'rxjs';
import { messageCreators } from '../messages/registry.js';
import { TransportError } from './errors.js';

/** What a connection may take up. Every limit has a default. What one turn may take is in turns.ts. */
export interface ConnectionLimits {
  /** Milliseconds the peer may take for its part of the handshake; 10,000 unless given. What we take is not counted. */
  readonly handshakeTimeout?: number;
  /** Milliseconds a peer may take to close after we did; 2,000 unless given. */
  readonly closeTimeout?: number;
  /**
   * Bytes that may wait for a peer that does not read, 33,554,432 (32 MiB, two of the largest frames) unless
   * given. With more it is disconnected as a `slow-consumer`.
   */
  readonly maxQueuedBytes?: number;
  /**
   * Largest payload accepted before SetupConnection.Success has passed, in bytes. Unless given, the largest common
   * message that the peer may send plus 1,024 for TLVs: SetupConnection for a server, its answers for a client.
   */
  readonly maxPayload?: number;
  /** Where time comes from; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
  /**
   * Has something done once this process has looked at its sockets again; as soon as the `scheduler` can unless
   * given, and `setImmediate` for `listen` and `connect` of `rx-sv2/node`.
   */
  readonly nextTurn?: (work: () => void) => void;
}

/** What the connections of a listener may take up together. Every limit has a default. */
export interface ListenerLimits {
  /** Clients whose handshake is finished; 16,384 unless given. Those beyond are closed at once. */
  readonly maxConnections?: number;
  /**
   * Clients whose handshake is not finished; 16,384 unless given. Each one beyond takes the place of the one that
   * has been silent for longest.
   */
  readonly maxHandshakes?: number;
  /**
   * Clients of one address (IPv6: of one /64), handshakes included; 12,288 unless given. High, because a farm may
   * be behind one address; below `maxConnections`, so that none can take all.
   */
  readonly maxConnectionsPerAddress?: number;
  /**
   * Bytes that may wait for all clients together, 268,435,456 (256 MiB) unless given. With more, the clients for
   * which most waits are disconnected as `slow-consumer`.
   */
  readonly maxQueuedBytesInAll?: number;
}

/** Frames of a connection that are handled in one step; more in one chunk wait for their turn. */
export const framesPerStep = 16;

/** Bytes that wait for a client from which on nothing more is read from it, until it has read them. */
export const unreadBytes = 256 * 1024;

const tlvAllowance = 1024;

/** The defaults of ConnectionLimits, except `maxPayload`, which depends on who sends. */
export const defaultLimits = {
  handshakeTimeout: 10_000,
  closeTimeout: 2_000,
  maxQueuedBytes: 32 * 1024 * 1024,
  scheduler: asyncScheduler as SchedulerLike,
} as const;

/** The defaults of ListenerLimits. */
export const defaultListenerLimits: Required<ListenerLimits> = {
  maxConnections: 16_384,
  maxHandshakes: 16_384,
  maxConnectionsPerAddress: 12_288,
  maxQueuedBytesInAll: 256 * 1024 * 1024,
};

/**
 * The largest payload that may arrive before the subprotocol is agreed upon, in bytes, TLVs included.
 * @param sender who sends: `client` for what a server receives
 */
export function maxCommonPayload(sender: 'client' | 'server'): number {
  const sizes = messageCreators
    .filter(({ schema }) => schema.protocol === 'common' && schema.sentBy === sender)
    .map(({ schema }) => schema.maxSize);
  return Math.max(...sizes) + tlvAllowance;
}

/**
 * Fills in the defaults.
 * @param sender who sends what is received here
 * @throws TransportError `invalid-option` naming a limit that is not a positive number
 */
export function completeLimits(
  {
    handshakeTimeout,
    closeTimeout,
    maxQueuedBytes,
    maxPayload,
    scheduler = defaultLimits.scheduler,
    nextTurn = (work) => void scheduler.schedule(work),
  }: ConnectionLimits,
  sender: 'client' | 'server',
): Required<ConnectionLimits> {
  return {
    handshakeTimeout: positive('handshakeTimeout', handshakeTimeout ?? defaultLimits.handshakeTimeout),
    closeTimeout: positive('closeTimeout', closeTimeout ?? defaultLimits.closeTimeout),
    maxQueuedBytes: positive('maxQueuedBytes', maxQueuedBytes ?? defaultLimits.maxQueuedBytes),
    maxPayload: positive('maxPayload', maxPayload ?? maxCommonPayload(sender)),
    scheduler,
    nextTurn,
  };
}

/**
 * Fills in the defaults of a listener.
 * @throws TransportError `invalid-option` naming a limit that is not a positive number
 */
export function completeListenerLimits(given: ListenerLimits): Required<ListenerLimits> {
  const limit = (option: keyof ListenerLimits) =>
    positive(option, given[option] ?? defaultListenerLimits[option]);
  return {
    maxConnections: limit('maxConnections'),
    maxHandshakes: limit('maxHandshakes'),
    maxConnectionsPerAddress: limit('maxConnectionsPerAddress'),
    maxQueuedBytesInAll: limit('maxQueuedBytesInAll'),
  };
}

/**
 * Checks an option that must be a number above zero, and returns it.
 * @throws TransportError `invalid-option`
 */
export function positive(option: string, value: number): number {
  if (typeof value === 'number' && value > 0) return value;
  throw new TransportError('invalid-option', `${option} must be a number above 0, got ${String(value)}`, {
    option,
    value,
  });
}
