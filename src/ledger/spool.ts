/** What waits to become durable: shares that were accepted, and the acknowledgements that have to wait for them. */
import { Sv2Error } from '../codec/errors.js';

/** A promise about when shares are acknowledged: when they are durable, or at once. */
export type Durability = 'acknowledged' | 'relaxed';

/** Shares and acknowledgements on their way. `S` is a share, `A` an acknowledgement. */
export interface Spool<S, A> {
  /** Adds a share that was accepted; nothing else happens. @returns false when it is full, and the share is not in it */
  add(share: S): boolean;
  /** An acknowledgement of shares so far. @returns whether it may be sent at once; else it waits for all that were added */
  hold(acknowledgement: A): boolean;
  /** The shares that have waited longest, to be made durable; none while others are. */
  take(): readonly S[];
  /** Those taken are durable. @returns the acknowledgements that waited for them, in order */
  done(): A[];
  /** Those taken are not, or nobody knows: the same, and no others with them, are taken again next time. */
  failed(): void;
  /** Forgets acknowledgements: who is gone is not told. */
  forget(isGone: (acknowledgement: A) => boolean): void;
  /** How many shares are not durable, and how many were not taken in as it was full. */
  readonly waiting: number;
  readonly turnedAway: number;
}

/** Shares made durable at once: as many as a transaction takes in some 50 ms. */
const mostTaken = 5_000;

/**
 * Keeps shares in bounded memory until they are durable, in their order.
 * @param durability `relaxed` lets every acknowledgement go at once
 * @param limit shares that may wait, 1 or more; 200,000 take some 150 MB
 * @throws Sv2Error `out-of-range`
 */
export const spool = <S, A>(durability: Durability, limit = 200_000): Spool<S, A> => {
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new Sv2Error('out-of-range', `a spool must hold 1 share or more, got ${limit}`, { limit });
  let waiting: S[] = [];
  let taken = 0;
  let again = 0;
  let added = 0;
  let durable = 0;
  let turnedAway = 0;
  let held: { readonly after: number; readonly acknowledgement: A }[] = [];

  return {
    add(share) {
      if (waiting.length >= limit) {
        turnedAway += 1;
        return false;
      }
      waiting.push(share);
      added += 1;
      return true;
    },
    hold(acknowledgement) {
      if (durability === 'relaxed' || durable === added) return true;
      held.push({ after: added, acknowledgement });
      return false;
    },
    take() {
      if (taken > 0) return [];
      const shares = waiting.slice(0, again > 0 ? again : mostTaken);
      taken = shares.length;
      return shares;
    },
    done() {
      durable += taken;
      waiting = waiting.slice(taken);
      taken = 0;
      again = 0;
      const first = held.findIndex(({ after }) => after > durable);
      const ready = first === -1 ? held : held.slice(0, first);
      held = first === -1 ? [] : held.slice(first);
      return ready.map(({ acknowledgement }) => acknowledgement);
    },
    failed() {
      again = taken;
      taken = 0;
    },
    forget(isGone) {
      if (held.length > 0) held = held.filter(({ acknowledgement }) => !isGone(acknowledgement));
    },
    get waiting() {
      return waiting.length;
    },
    get turnedAway() {
      return turnedAway;
    },
  };
};
