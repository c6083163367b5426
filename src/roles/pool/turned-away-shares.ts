/** Shares that the ledger had no room for: they are taken out of what their channels are acknowledged. */
import { SubmitSharesSuccess } from '../../messages/mining.js';
import type { ShareAccepted } from '../../mining/mining-server-types.js';

/** Counts shares that were accepted and are not credited, by client and channel. */
export const turnedAwayShares = () => {
  const all = new Map<string, { readonly count: number; readonly sum: number }>();
  const keyOf = (clientId: number, channelId: number): string => `${clientId}:${channelId}`;

  return {
    add({ clientId, channelId, difficulty }: ShareAccepted): void {
      const key = keyOf(clientId, channelId);
      const lost = all.get(key) ?? { count: 0, sum: 0 };
      all.set(key, { count: lost.count + 1, sum: lost.sum + difficulty });
    },
    /** The channel is closed. */
    forget(clientId: number, channelId: number): void {
      all.delete(keyOf(clientId, channelId));
    },
    /** An acknowledgement without them; none when nothing else is in it. */
    without(clientId: number, message: SubmitSharesSuccess): SubmitSharesSuccess | undefined {
      const key = keyOf(clientId, message.channelId);
      const lost = all.get(key);
      if (lost === undefined) return message;
      all.delete(key);
      const newSubmitsAcceptedCount = message.newSubmitsAcceptedCount - lost.count;
      const newSharesSum = message.newSharesSum - BigInt(Math.ceil(lost.sum));
      if (newSubmitsAcceptedCount <= 0) return undefined;
      return SubmitSharesSuccess({
        ...message,
        newSubmitsAcceptedCount,
        newSharesSum: newSharesSum < 0n ? 0n : newSharesSum,
      });
    },
  };
};
