/** Shares that are counted later, a few of a channel at a time: what they are counted in is far apart in memory, and each visit costs. */

/** A channel, as far as the log knows it. */
export interface Logged {
  /** Its place in the log; -1 while it has none. */
  logSlot: number;
  /** Its shares in the log. */
  logged: number;
}

/** A log of shares. See {@link shareLog}. */
export interface ShareLog<C extends Logged> {
  /** Takes down an accepted share. @param reached the difficulty of its hash @param now milliseconds since 1970 */
  note(channel: C, difficulty: number, sequence: number, reached: number, now: number): void;
  /** Counts what is taken down of a channel. */
  settle(channel: C): void;
  /** Counts all that is taken down. */
  settleAll(): void;
}

/** Shares of a channel that are counted together: 8 of 32 bytes. */
const depth = 8;

/** Difficulty, sequence number, difficulty reached, time. */
const fields = 4;

/** Channels that have room at once: 16 MiB. With more of them all is counted before the next has its turn. */
const maxSlots = 65_536;

/**
 * A log of shares. Channels have slots of it in the order in which they come, so that it is as small as what came since all
 * was last counted.
 * @param count counts a share: those of a channel in the order in which they were noted
 */
export function shareLog<C extends Logged>(
  count: (channel: C, difficulty: number, sequence: number, reached: number, now: number) => void,
): ShareLog<C> {
  let values = new Float64Array(16 * depth * fields);
  const channels: C[] = [];

  const settle = (channel: C): void => {
    const from = channel.logSlot * depth * fields;
    const end = from + channel.logged * fields;
    channel.logged = 0;
    for (let at = from; at < end; at += fields)
      count(
        channel,
        values[at] as number,
        values[at + 1] as number,
        values[at + 2] as number,
        values[at + 3] as number,
      );
  };

  const settleAll = (): void => {
    for (const channel of channels) {
      settle(channel);
      channel.logSlot = -1;
    }
    channels.length = 0;
  };

  const enter = (channel: C): void => {
    if (channels.length === maxSlots) settleAll();
    const size = depth * fields;
    if ((channels.length + 1) * size > values.length) {
      const greater = new Float64Array(values.length * 2);
      greater.set(values);
      values = greater;
    }
    channel.logSlot = channels.length;
    channels.push(channel);
  };

  return {
    note(channel, difficulty, sequence, reached, now) {
      if (channel.logSlot < 0) enter(channel);
      else if (channel.logged === depth) settle(channel);
      const at = (channel.logSlot * depth + channel.logged) * fields;
      values[at] = difficulty;
      values[at + 1] = sequence;
      values[at + 2] = reached;
      values[at + 3] = now;
      channel.logged += 1;
    },
    settle,
    settleAll,
  };
}
