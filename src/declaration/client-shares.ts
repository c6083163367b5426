/** Shares on their way to a pool: kept until their job is accepted, and acknowledged to miners in their order. */
import { SubmitSharesError, SubmitSharesSuccess, type SubmitSharesExtended } from '../messages/mining.js';

/** A share that was sent to the pool or waits for it. */
interface Pending {
  /** As the miners' side numbered it. */
  readonly sequenceNumber: number;
  /** As it was sent to the pool; undefined until then. */
  upstream: number | undefined;
  isAccepted: boolean;
}

/** See {@link clientShares}. */
export interface ClientShares {
  /** A share that waits for its job. */
  keep(share: SubmitSharesExtended): void;
  /**
   * The share as it goes to the pool; one that was kept is no more.
   * @param jobId the pool's id of its job
   */
  send(share: SubmitSharesExtended, jobId: number): SubmitSharesExtended;
  /** A share that nobody will judge: the answer to it, and what can be acknowledged after it. */
  drop(share: SubmitSharesExtended, errorCode: string): readonly (SubmitSharesError | SubmitSharesSuccess)[];
  /** The pool's acknowledgement, as the miners' side is told it: once all shares before it are answered, too. */
  accepted(message: SubmitSharesSuccess): readonly SubmitSharesSuccess[];
  /** The pool's refusal as the miners' side is told it, and what can be acknowledged after it. */
  rejected(message: SubmitSharesError): readonly (SubmitSharesError | SubmitSharesSuccess)[];
  /** How many are not answered. */
  readonly size: number;
}

/** Shares that are waited for at most. */
const maxPending = 20_000;

/** The shares of one channel, whose acknowledgements the pool counts by its own numbers. */
export const clientShares = (channelId: number): ClientShares => {
  /** By the miners' numbers, in their order. */
  const pending = new Map<number, Pending>();
  let nextUpstream = 0;
  let newSubmitsAcceptedCount = 0;
  let newSharesSum = 0n;

  const take = (sequenceNumber: number): Pending => {
    let share = pending.get(sequenceNumber);
    if (share === undefined) {
      share = { sequenceNumber, upstream: undefined, isAccepted: false };
      pending.set(sequenceNumber, share);
      const [oldest] = pending.keys();
      if (pending.size > maxPending && oldest !== undefined) pending.delete(oldest);
    }
    return share;
  };

  /** Acknowledges the accepted ones before which nothing waits. */
  const acknowledge = (): readonly SubmitSharesSuccess[] => {
    let lastSequenceNumber: number | undefined;
    for (const [sequenceNumber, { isAccepted }] of pending) {
      if (!isAccepted) break;
      pending.delete(sequenceNumber);
      lastSequenceNumber = sequenceNumber;
    }
    if (lastSequenceNumber === undefined || newSubmitsAcceptedCount === 0) return [];
    const message = SubmitSharesSuccess({
      channelId,
      lastSequenceNumber,
      newSubmitsAcceptedCount,
      newSharesSum,
    });
    newSubmitsAcceptedCount = 0;
    newSharesSum = 0n;
    return [message];
  };

  return {
    keep: ({ sequenceNumber }) => void take(sequenceNumber),
    send(share, jobId) {
      const entry = take(share.sequenceNumber);
      entry.upstream = nextUpstream;
      nextUpstream = (nextUpstream + 1) >>> 0;
      return { ...share, channelId, jobId, sequenceNumber: entry.upstream };
    },
    drop({ sequenceNumber }, errorCode) {
      pending.delete(sequenceNumber);
      return [SubmitSharesError({ channelId, sequenceNumber, errorCode }), ...acknowledge()];
    },
    accepted(message) {
      newSubmitsAcceptedCount += message.newSubmitsAcceptedCount;
      newSharesSum += message.newSharesSum;
      for (const share of pending.values()) {
        // numbers go on from 0 after 2^32 - 1
        if (share.upstream !== undefined && (message.lastSequenceNumber - share.upstream) >>> 0 < 2 ** 31)
          share.isAccepted = true;
      }
      return acknowledge();
    },
    rejected({ sequenceNumber, errorCode }) {
      for (const share of pending.values()) {
        if (share.upstream !== sequenceNumber || share.isAccepted) continue;
        pending.delete(share.sequenceNumber);
        const error = SubmitSharesError({ channelId, sequenceNumber: share.sequenceNumber, errorCode });
        return [error, ...acknowledge()];
      }
      return [];
    },
    get size() {
      return pending.size;
    },
  };
};
