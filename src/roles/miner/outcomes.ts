/** What happens at a miner, for those who watch it. */
import type { Sv2Error } from '../../codec/errors.js';

/** The two kinds of channels (spec §5.2). */
export type ChannelKind = 'standard' | 'extended';

/** What happens at a miner. */
export type MinerOutcome =
  | {
      readonly type: 'ChannelOpened';
      readonly kind: ChannelKind;
      readonly channelId: number;
      readonly difficulty: number;
    }
  /** The pool did not open the channel. */
  | {
      readonly type: 'ChannelRefused';
      readonly kind: ChannelKind;
      /** The pool's word, such as `unknown-user`. */
      readonly errorCode: string;
      /** Milliseconds until the pool is asked again; null if it is not, as the answer could not be another. */
      readonly retryIn: number | null;
    }
  /** The pool opened no channel that can be used, or did not answer. */
  | {
      readonly type: 'ChannelFailed';
      readonly kind: ChannelKind;
      readonly error: Sv2Error;
      /** Milliseconds until the pool is asked again. */
      readonly retryIn: number;
    }
  /** The pool closed the channel. */
  | {
      readonly type: 'ChannelClosed';
      readonly channelId: number;
      readonly reason: string;
      /** Milliseconds until the pool is asked for another. */
      readonly retryIn: number;
    }
  /** There is other work. */
  | { readonly type: 'JobStarted'; readonly channelId: number; readonly jobId: number }
  /** The difficulty of jobs to come is another. */
  | { readonly type: 'TargetChanged'; readonly channelId: number; readonly difficulty: number }
  /** Hashes per second of all channels, measured over the last second. */
  | { readonly type: 'HashRate'; readonly hashesPerSecond: number }
  /** The pool was told another hash rate, as the one measured differs much from what it knew. */
  | { readonly type: 'HashRateTold'; readonly channelId: number; readonly hashesPerSecond: number }
  /** The pool does not take the hash rate it was told. */
  | { readonly type: 'HashRateRefused'; readonly channelId: number; readonly errorCode: string }
  /** A share was found and sent. */
  | {
      readonly type: 'ShareFound';
      readonly channelId: number;
      readonly jobId: number;
      readonly sequenceNumber: number;
    }
  /**
   * So many shares were found within a second and not sent: the pool's target is so easy that there are more than a hundred
   * a second. What is a block is sent all the same.
   */
  | { readonly type: 'SharesWithheld'; readonly channelId: number; readonly count: number }
  /** The pool accepted so many shares. */
  | { readonly type: 'SharesAccepted'; readonly channelId: number; readonly count: number }
  | {
      readonly type: 'ShareRejected';
      readonly channelId: number;
      readonly sequenceNumber: number;
      readonly errorCode: string;
    };
