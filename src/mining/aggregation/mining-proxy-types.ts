/** What a mining proxy is told and what it says; see `miningProxy`. */
import type { RandomBytes } from '../../crypto/index.js';
import type { MiningToClient } from '../../messages/directions.js';
import type { Message, UnknownMessage } from '../../messages/index.js';
import type {
  MiningClientMessage,
  MiningServerOptions,
  MiningServerOutcome,
  MiningServerOutput,
} from '../mining-server-types.js';
import type { ForwardedShare } from './upstream-route.js';

/** Options of `miningProxy`. */
export interface MiningProxyOptions extends Pick<
  MiningServerOptions,
  'isKnownUser' | 'maxChannels' | 'maxChannelsPerAddress' | 'maxChannelsPerClient'
> {
  /**
   * `aggregate`: channels share an upstream channel, each with a target of its own. `pass-through`: each has an upstream
   * channel, for its own user and with its target.
   */
  readonly mode: 'aggregate' | 'pass-through';
  /** How many channels share an upstream channel when they are aggregated, 1 or more; all unless given. */
  readonly channelsPerUpstreamChannel?: number;
  /** Bytes that an extended channel here may roll, and the most that `min_extranonce_size` can ask for; 8 unless given. */
  readonly extranonceSize?: number;
  /** Bytes that tell channels here apart, 1 to 6; 2 unless given: 65,536 channels. */
  readonly indexSize?: number;
  /** How many shares a channel should find a minute when channels are aggregated, above 0; 6 unless given. */
  readonly sharesPerMinute?: number;
  /** Accepted shares per SubmitShares.Success, 1 or more; 10 unless given. */
  readonly shareBatchSize?: number;
  /** Hashes per second that lower nominal hash rates are taken for; 1,000 unless given. */
  readonly minHashrate?: number;
  /** Milliseconds without a job after which an upstream is given up; 600,000 unless given. */
  readonly silenceLimit?: number;
  /** Shares in a row that an upstream may reject before it is given up, stale ones apart; 20 unless given. */
  readonly maxRejectedInARow?: number;
  /**
   * Milliseconds that an upstream which was lost has to be back for, before it is given work that another one would have; 60,000 unless
   * given.
   */
  readonly returnAfter?: number;
  /** The upstream that a user's channels are to work for, whatever the weights; undefined for none. */
  readonly pinnedTo?: (userIdentity: string) => number | undefined;
  /** Says where the extranonce prefixes begin; Web Crypto unless given. */
  readonly randomBytes?: RandomBytes;
}

/** What is known of an upstream server that a connection was set up with. */
export interface UpstreamInfo {
  /** Who its channels are for; in pass-through mode those who open channels here, unless given. */
  readonly userIdentity?: string;
  /**
   * What it is to have of the work of channels that are not pinned, in proportion to the others'; 0 for one that has none as long as there
   * is another; 1 unless given.
   */
  readonly weight?: number;
  /** REQUIRES_FIXED_VERSION of SetupConnection.Success. */
  readonly requiresFixedVersion?: boolean;
  /** Whether it takes workers' names (extension 0x0002). */
  readonly takesWorkerNames?: boolean;
}

/** Why a share that was credited here was not sent to an upstream. */
export type NotForwardedReason =
  /** It does not meet the upstream's target: the rule, as that is harder. */
  | 'below-upstream-target'
  /** The upstream that its job was from is gone, or its channel is. */
  | 'upstream-gone'
  /** The upstream has ended that job. */
  | 'upstream-job-ended';

/** What happens between a proxy and its upstreams. */
export type UpstreamOutcome =
  | {
      readonly type: 'UpstreamChannelOpened';
      readonly upstream: number;
      readonly channelId: number;
      readonly userIdentity: string;
      /** 32 bytes, little-endian. */
      readonly target: Uint8Array;
      /** Hashes per second, as it was asked for. */
      readonly nominalHashRate: number;
    }
  | {
      readonly type: 'UpstreamChannelRefused';
      readonly upstream: number;
      readonly userIdentity: string;
      readonly errorCode: string;
    }
  | {
      readonly type: 'UpstreamChannelClosed';
      readonly upstream: number;
      readonly channelId: number;
      /** The upstream's reason code, `no channels` when it was closed here as none shared it any more. */
      readonly reason: string;
    }
  | {
      readonly type: 'UpstreamTargetChanged';
      readonly upstream: number;
      readonly channelId: number;
      /** 32 bytes, little-endian. */
      readonly target: Uint8Array;
    }
  /** An upstream was told another hash rate. */
  | {
      readonly type: 'HashRateTold';
      readonly upstream: number;
      readonly channelId: number;
      /** Hashes per second. */
      readonly hashRate: number;
    }
  /** There is another job to mine. */
  | {
      readonly type: 'UpstreamJobStarted';
      readonly upstream: number;
      readonly channelId: number;
      /** The upstream's. */
      readonly jobId: number;
      /** 32 bytes in wire order. */
      readonly prevHash: Uint8Array;
    }
  /** A share, accepted just before, was sent to an upstream. A verdict on it follows. */
  | {
      readonly type: 'ShareForwarded';
      readonly upstream: number;
      readonly upstreamChannelId: number;
      readonly share: ForwardedShare;
      /** Whether it is a block: `BlockFound` has told of it. */
      readonly isBlock: boolean;
    }
  /** A share, accepted just before, was not sent to an upstream. */
  | {
      readonly type: 'ShareNotForwarded';
      readonly clientId: number;
      readonly channelId: number;
      readonly sequenceNumber: number;
      /** What it was credited with here. */
      readonly difficulty: number;
      /** The upstream that its job was from; null if it is not known any more. */
      readonly upstream: number | null;
      readonly reason: NotForwardedReason;
    }
  /** An upstream has accepted shares. */
  | {
      readonly type: 'UpstreamAccepted';
      readonly upstream: number;
      readonly upstreamChannelId: number;
      readonly shares: readonly ForwardedShare[];
      /** What the upstream says that they are worth. */
      readonly newSharesSum: bigint;
      /** How many shares the upstream speaks of; another number than that of `shares` if it has lost count. */
      readonly count: number;
    }
  /** An upstream has rejected a share. */
  | {
      readonly type: 'UpstreamRejected';
      readonly upstream: number;
      readonly upstreamChannelId: number;
      /** Null for one that does not wait for a verdict. */
      readonly share: ForwardedShare | null;
      readonly errorCode: string;
    }
  /** No verdict on these shares will come. */
  | {
      readonly type: 'UpstreamUnanswered';
      readonly upstream: number;
      readonly upstreamChannelId: number;
      readonly shares: readonly ForwardedShare[];
      /** In words. */
      readonly reason: string;
    }
  /** An upstream said what makes no sense, or refused what it was told. */
  | {
      readonly type: 'UpstreamNonsense';
      readonly upstream: number;
      readonly code: string;
      readonly message: string;
    }
  /** An upstream is of no use: it should be left for another. Told once a connection. */
  | {
      readonly type: 'UpstreamFault';
      readonly upstream: number;
      readonly code: UpstreamFaultCode;
      readonly message: string;
    }
  /** A client cannot be served: it should be disconnected. */
  | {
      readonly type: 'ClientUnserved';
      readonly clientId: number;
      readonly code: string;
      readonly message: string;
    }
  /** The work of channels of a client comes from another upstream now. */
  | { readonly type: 'ClientMoved'; readonly clientId: number; readonly from: number; readonly to: number };

/** Why an upstream is of no use. */
export type UpstreamFaultCode =
  | 'channel-refused'
  | 'channel-unusable'
  | 'channel-closed'
  | 'no-answer'
  | 'no-jobs'
  | 'too-many-jobs'
  | 'shares-rejected'
  | 'nonsense';

/** What happens at a mining proxy. */
export type MiningProxyOutcome = MiningServerOutcome | UpstreamOutcome;

/** Messages for one upstream, in order. */
export interface UpstreamMessages {
  readonly upstream: number;
  readonly messages: readonly Message[];
}

/** What an input to a mining proxy leads to. */
export interface MiningProxyOutput extends Pick<MiningServerOutput, 'messages'> {
  /** At most one entry per upstream. */
  readonly toUpstreams: readonly UpstreamMessages[];
  readonly outcomes: readonly MiningProxyOutcome[];
}

/** A mining proxy without its connections. See `miningProxy`. Times are milliseconds since 1970. */
export interface MiningProxy {
  /**
   * A client's connection is set up.
   *
   * @param clientId not in use by another client
   * @param flags of its SetupConnection
   * @param address where it comes from
   * @throws Sv2Error `duplicate-client`
   */
  addClient(clientId: number, flags: number, address?: string): void;
  /** A client is gone; its channels close. Nothing happens when there is no such client. */
  removeClient(clientId: number, now: number): MiningProxyOutput;
  /**
   * A client's message.
   *
   * @throws Sv2Error `unknown-client`
   */
  handle(clientId: number, message: MiningClientMessage, now: number): MiningProxyOutput;
  /**
   * A client's message of an extension that is not known here goes on to the upstream of its channel, under that channel's id there
   * (spec §3.4.1). One for no channel, or for one that has no upstream now, leads to nothing.
   *
   * @throws Sv2Error `unknown-client`
   */
  forward(clientId: number, message: UnknownMessage): MiningProxyOutput;
  /**
   * A connection to an upstream server is set up. Channels that are open get work from it.
   *
   * @param upstream a number of the caller's: which of the connections that there are side by side
   * @throws Sv2Error `duplicate-upstream` if that connection is there already, `user-identity-missing` when channels are aggregated
   *   for nobody
   */
  addUpstream(upstream: number, info: UpstreamInfo, now: number): MiningProxyOutput;
  /** What was agreed with an upstream has changed. */
  updateUpstream(upstream: number, info: UpstreamInfo): void;
  /**
   * A connection to an upstream is gone. Clients go on with the last work.
   *
   * @param reason in words
   */
  removeUpstream(upstream: number, reason: string, now: number): MiningProxyOutput;
  /** An upstream's message; one of an upstream that is not there changes nothing. */
  handleUpstream(upstream: number, message: MiningToClient, now: number): MiningProxyOutput;
  /** Time passed: to be called every 250 ms. */
  tick(now: number): MiningProxyOutput;
  /** Acknowledges all accepted shares of a client that wait for their batch to fill: before it is disconnected. */
  flush(clientId: number): MiningProxyOutput;
}
