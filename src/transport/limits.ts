import { asyncScheduler, type SchedulerLike } from 'rxjs';
import { messageCreators } from '../messages/registry.js';
import { TransportError } from './errors.js';

/** What a connection may take up. Every limit has a default. */
export interface ConnectionLimits {
  /** Milliseconds the handshake may take; 10,000 unless given. */
  readonly handshakeTimeout?: number;
  /** Milliseconds a peer may take to close after we did; 2,000 unless given. */
  readonly closeTimeout?: number;
  /**
   * Bytes that may wait for a peer that does not read, 33,554,432 (32 MiB, two of the largest frames) unless
   * given. With more it is disconnected as a `slow-consumer`.
   */
  readonly maxQueuedBytes?: number;
  /**
   * Largest payload accepted before `limitPayload` is called, in bytes. Unless given, the largest common
   * message that the peer may send plus 1,024 for TLVs: SetupConnection for a server, its answers for a client.
   */
  readonly maxPayload?: number;
  /** Where time comes from; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

const tlvAllowance = 1024;

/** The defaults of ConnectionLimits, except `maxPayload`, which depends on who sends. */
export const defaultLimits = {
  handshakeTimeout: 10_000,
  closeTimeout: 2_000,
  maxQueuedBytes: 32 * 1024 * 1024,
  scheduler: asyncScheduler as SchedulerLike,
} as const;

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
  { handshakeTimeout, closeTimeout, maxQueuedBytes, maxPayload, scheduler }: ConnectionLimits,
  sender: 'client' | 'server',
): Required<ConnectionLimits> {
  return {
    handshakeTimeout: positive('handshakeTimeout', handshakeTimeout ?? defaultLimits.handshakeTimeout),
    closeTimeout: positive('closeTimeout', closeTimeout ?? defaultLimits.closeTimeout),
    maxQueuedBytes: positive('maxQueuedBytes', maxQueuedBytes ?? defaultLimits.maxQueuedBytes),
    maxPayload: positive('maxPayload', maxPayload ?? maxCommonPayload(sender)),
    scheduler: scheduler ?? defaultLimits.scheduler,
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
