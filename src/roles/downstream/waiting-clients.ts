/** Which miners have no channel, and for how long they may stay like that. */

/** How long and how many clients may stay without a channel. */
export interface WaitingLimits {
  /**
   * Milliseconds that a miner may be without a channel; 3,600,000 (an hour) unless given, `Infinity` for ever. Proxies
   * connect before their first miner does, and the reference implementation's translator ends for good when it is
   * disconnected: patience costs 30 KiB, and there is `maxWithoutChannel`.
   */
  readonly firstChannelTimeout?: number;
  /**
   * How many miners may be without a channel for more than a minute; 4,096 unless given. Of more, those go that have
   * been so longest.
   */
  readonly maxWithoutChannel?: number;
}

/** How long anybody may be without a channel, in milliseconds, however many others are: time to come back in a crowd. */
const patience = 60_000;

/** Keeps who has no channel. See {@link waitingClients}. Times are milliseconds since 1970. */
export interface WaitingClients {
  /** A client is there. */
  added(clientId: number, now: number): void;
  /** A client is gone. */
  removed(clientId: number): void;
  /** A channel of a client was opened (1) or closed (−1). */
  channels(clientId: number, change: 1 | -1, now: number): void;
  /** Who has to go now; told once. */
  due(now: number): readonly number[];
}

/** Keeps who has no channel, in the order of since when. */
export const waitingClients = ({
  firstChannelTimeout = 3_600_000,
  maxWithoutChannel = 4_096,
}: WaitingLimits): WaitingClients => {
  const channelsOf = new Map<number, number>();
  const waitingSince = new Map<number, number>(); // by time, as clients are put at the end

  return {
    added(clientId, now) {
      channelsOf.set(clientId, 0);
      waitingSince.set(clientId, now);
    },
    removed(clientId) {
      channelsOf.delete(clientId);
      waitingSince.delete(clientId);
    },
    channels(clientId, change, now) {
      const before = channelsOf.get(clientId);
      if (before === undefined) return; // gone, and its channels with it
      channelsOf.set(clientId, before + change);
      if (before + change > 0) waitingSince.delete(clientId);
      else waitingSince.set(clientId, now);
    },
    due(now) {
      const due: number[] = [];
      for (const [clientId, since] of waitingSince) {
        const tooMany = waitingSince.size > maxWithoutChannel && now - since >= patience;
        if (now - since < firstChannelTimeout && !tooMany) break; // the others came later
        waitingSince.delete(clientId);
        due.push(clientId);
      }
      return due;
    },
  };
};
