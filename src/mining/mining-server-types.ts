/** What a mining server is told and what it says; see `miningServer`. */
import type {
  CloseChannel,
  Message,
  NewTemplate,
  OpenExtendedMiningChannel,
  OpenStandardMiningChannel,
  SetCustomMiningJob,
  SetNewPrevHashTemplate,
  SubmitSharesExtended,
  SubmitSharesStandard,
  UpdateChannel,
} from '../messages/index.js';
import type { SetCustomMiningJobErrorCode } from './error-codes.js';
import type { ChannelLimits } from './channels/channel-limits.js';
import type { ExtranonceAllocator } from './channels/extranonce.js';
import type { JobFactoryOptions, PayoutOutputs } from './work/job-factory.js';
import type { JobMarks } from './work/job-mark.js';
import type { SeenShares } from './shares/seen-shares.js';
import type { ServerChannel } from './channels/server-channel.js';
import type { TargetPolicy } from './difficulty/channel-target.js';
import type { MiningServerOutcome } from './mining-server-outcomes.js';

export type * from './mining-server-outcomes.js';

/** Options of `miningServer`. */
export interface MiningServerOptions
  extends JobFactoryOptions, ChannelLimits, Pick<TargetPolicy, 'sharesPerMinute'> {
  /** Where the channels' extranonce prefixes come from; several servers of one pool need a `serverId` each. */
  readonly extranonce: ExtranonceAllocator;
  /** As for a job factory, but `jobMarks()` unless given: 5 bytes, so that the tag can be 70 at most. */
  readonly marks?: JobMarks;
  /** Accepted shares per SubmitShares.Success, 1 or more. */
  readonly shareBatchSize: number;
  /** Hashes per second that lower nominal hashrates are taken for, and that no target is made for less than; default 1,000. */
  readonly minHashrate?: number;
  /** Whether targets follow shares and network; default true. If not, they stay those of the nominal hashrates, or what is set. */
  readonly vardiff?: boolean;
  /** Shares that were accepted before this server was there, from a ledger: they are duplicates. None unless given. */
  readonly alreadySeen?: Pick<SeenShares, 'has'>;
  /** Whether a user may open channels; default everyone. The others get `unknown-user`. */
  readonly isKnownUser?: (userIdentity: string) => boolean;
  /**
   * Whom the jobs of a channel pay, or why there can be none for this user: it gets `unknown-user`, and the reason is in
   * `ChannelRefused`. Asked once, when the channel is opened. Everybody's pay `payoutOutputs` unless given.
   */
  readonly payoutOf?: (userIdentity: string, clientId: number) => PayoutOutputs | UnpaidUser;
  /**
   * Whether the pool will pay for a custom job whose previous hash and form are right: it knows tokens,
   * declared jobs and its own payout script. Without it custom jobs are refused with `jd-not-supported`.
   *
   * @param now milliseconds since 1970
   * @param template what is mined on that previous hash here; null if there is none yet
   * @returns null to accept, or why not: the error code, and what was wrong for the outcome if there is more to say
   */
  readonly acceptCustomJob?: (
    job: SetCustomMiningJob,
    channel: ServerChannel,
    now: number,
    template: NewTemplate | null,
  ) => SetCustomMiningJobErrorCode | CustomJobRefusal | null;
}

/** A user whom no job can pay. */
export interface UnpaidUser {
  /** In words. */
  readonly reason: string;
}

/** Why a custom job is not accepted. */
export interface CustomJobRefusal {
  readonly errorCode: SetCustomMiningJobErrorCode;
  /** What was wrong, in words. */
  readonly reason: string;
}

/** What clients send to a mining server once their connection is set up. */
export type MiningClientMessage =
  | OpenStandardMiningChannel
  | OpenExtendedMiningChannel
  | UpdateChannel
  | CloseChannel
  | SubmitSharesStandard
  | SubmitSharesExtended
  | SetCustomMiningJob;

/** Messages for one client, in order. */
export interface ClientMessages {
  readonly clientId: number;
  readonly messages: readonly Message[];
}

/** What an input to a mining server leads to. */
export interface MiningServerOutput {
  /** At most one entry per client. */
  readonly messages: readonly ClientMessages[];
  readonly outcomes: readonly MiningServerOutcome[];
}

/** What a SetNewPrevHash leads to. */
export interface PrevHashOutput extends MiningServerOutput {
  /** Why there is nothing to mine on it, in words; null when there is. */
  readonly missing: string | null;
}

/** A mining server without its connections. See `miningServer`. Times are milliseconds since 1970. */
export interface MiningServer {
  /**
   * A client's connection is set up.
   *
   * @param clientId not in use by another client
   * @param flags of its SetupConnection
   * @param address where it comes from: channels of one address are limited together
   * @throws Sv2Error `duplicate-client`; `version-rolling-required` if it requires version rolling and jobs do not
   *   allow it (spec §5.3.1)
   */
  addClient(clientId: number, flags: number, address?: string): void;
  /** A client is gone; its channels close. Nothing happens when there is no such client. */
  removeClient(clientId: number): MiningServerOutput;
  /**
   * A client's message.
   *
   * @throws Sv2Error `unknown-client`
   */
  handle(clientId: number, message: MiningClientMessage, now: number): MiningServerOutput;
  /**
   * A template: a future job for everyone, or one to mine at once.
   *
   * @throws Sv2Error `chain-tip-not-set` for a template that isn't a future one before any SetNewPrevHash,
   *   and as `buildCoinbase` when its coinbase can't be built; nothing has changed then
   */
  newTemplate(template: NewTemplate): MiningServerOutput;
  /**
   * Gives channels whose target has changed since their job was sent another job of the same template: targets
   * are for jobs to come only (spec §5.3.21), and it may be long until there is another template. The others hear
   * nothing. Each call looks at the next channels, two for each millisecond since the last call and at most 500, and after the last at the
   * first again: to be called every 250 ms, or more often. It is work that nobody had, by other bytes in the coinbase, under the same
   * extranonce prefix.
   *
   * @param olderThan milliseconds that a job and its template must be known to this function for; 0 unless given
   */
  renewJobs(now: number, olderThan?: number): MiningServerOutput;
  /**
   * A new previous hash: everyone mines the future job it names. Without that template all work on another previous
   * hash ends, and the next template for this one is mined at once: the one it names, or one that isn't for the
   * future. On the same previous hash, other nbits or another time make other work of the template that is mined.
   *
   * @throws Sv2Error `invalid-nbits` on the same previous hash; nothing has changed then
   */
  setNewPrevHash(message: SetNewPrevHashTemplate, now: number): PrevHashOutput;
  /**
   * Sets a channel's target; no larger than the client accepts. No message when it is the same. Vardiff goes on from there.
   *
   * @param target 32 bytes, little-endian
   * @throws Sv2Error `unknown-client`, `unknown-channel`, `invalid-target` for zero
   */
  setTarget(clientId: number, channelId: number, target: Uint8Array): MiningServerOutput;
  /**
   * Gives a channel another extranonce prefix for jobs to come (spec §5.3.10); the one before is released
   * when no job uses it.
   *
   * @throws Sv2Error `unknown-client`, `unknown-channel`, `extranonce-space-exhausted`
   */
  setExtranoncePrefix(clientId: number, channelId: number): MiningServerOutput;
  /**
   * Puts channels of a client into a new group (spec §5.3.22), by as many SetGroupChannel as frames of 8 KiB take.
   *
   * @throws Sv2Error `unknown-client`, `unknown-channel`; `group-not-allowed` when the client requires
   *   standard jobs, or when their jobs pay different ones
   */
  setGroupChannel(clientId: number, channelIds: readonly number[]): MiningServerOutput;
  /**
   * Closes a channel, or all channels of a group.
   *
   * @param reasonCode for CloseChannel
   * @throws Sv2Error `unknown-client`, `unknown-channel`
   */
  closeChannel(clientId: number, channelId: number, reasonCode: string): MiningServerOutput;
  /**
   * Time passed: to be called every 250 ms, or more often for shorter slices. Within 5 s every channel has its turn (up to 10,000 of them, beyond that it takes longer): its
   * target is eased if it finds no shares, and its accepted shares that wait for their batch to fill are acknowledged. After a change of the
   * network's target that {@link MiningServer.setNewPrevHash} told, as many others are held to it.
   */
  tick(now: number): MiningServerOutput;
  /**
   * Rejects every share as `stale-share` from now on, with the reason in the outcome: for work that has become too
   * old to be worth anything. Those who send them are alive all the same. Null accepts shares again.
   */
  refuseShares(reason: string | null): void;
  /**
   * Acknowledges all accepted shares of a client that wait for their batch to fill: before it is disconnected.
   *
   * @throws Sv2Error `unknown-client`
   */
  flush(clientId: number): MiningServerOutput;
  /** All open channels: for vardiff, accounting, dashboards. They are live; change them only through this server. */
  channels(): Iterable<readonly [clientId: number, channel: ServerChannel]>;
}
