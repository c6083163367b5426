/** What happens at a mining server. */
import type { TxOut } from '../bitcoin/outputs.js';
import type { SubmitSolution } from '../messages/index.js';
import type {
  OpenMiningChannelErrorCode,
  SetCustomMiningJobErrorCode,
  SubmitSharesErrorCode,
} from './error-codes.js';
import type { ShareOwner } from './shares/share-owner.js';

/** A channel was opened. */
export interface ChannelOpened {
  readonly type: 'ChannelOpened';
  readonly clientId: number;
  readonly channelId: number;
  readonly kind: 'standard' | 'extended';
  readonly userIdentity: string;
  /** Hashes per second, as the client says. */
  readonly nominalHashRate: number;
  /** 32 bytes, little-endian. */
  readonly target: Uint8Array;
  /** The largest target the client accepts: 32 bytes, little-endian. */
  readonly maxTarget: Uint8Array;
}

/** A client's UpdateChannel was accepted; a TargetChanged follows if it changes the target. */
export interface ChannelUpdated {
  readonly type: 'ChannelUpdated';
  readonly clientId: number;
  readonly channelId: number;
  /** Hashes per second, as the client says. */
  readonly nominalHashRate: number;
  /** The largest target the client accepts: 32 bytes, little-endian. */
  readonly maxTarget: Uint8Array;
}

/** A channel was not opened. */
export interface ChannelRefused {
  readonly type: 'ChannelRefused';
  readonly clientId: number;
  readonly userIdentity: string;
  readonly errorCode: OpenMiningChannelErrorCode;
  /** What was wrong, in words, where that is more than the code says. */
  readonly reason?: string;
}

/** A channel ended. */
export interface ChannelClosed {
  readonly type: 'ChannelClosed';
  readonly clientId: number;
  readonly channelId: number;
  readonly userIdentity: string;
  /** The reason code of CloseChannel, or `disconnected`. */
  readonly reason: string;
}

/** A channel's target for jobs to come is another. */
export interface TargetChanged {
  readonly type: 'TargetChanged';
  readonly clientId: number;
  readonly channelId: number;
  /** 32 bytes, little-endian. */
  readonly target: Uint8Array;
}

/** A share was accepted and counted. */
export interface ShareAccepted extends ShareOwner {
  readonly type: 'ShareAccepted';
  readonly clientId: number;
  readonly channelId: number;
  readonly jobId: number;
  readonly sequenceNumber: number;
  /** 32 bytes as SHA-256 returned them. */
  readonly hash: Uint8Array;
  /** What it is credited with: the difficulty of its job's target; 0 for a block that misses that. */
  readonly difficulty: number;
  /** Its job's target: 32 bytes, little-endian. */
  readonly target: Uint8Array;
}

/** A share was rejected. */
export interface ShareRejected {
  readonly type: 'ShareRejected';
  readonly clientId: number;
  readonly channelId: number;
  /** The channel's; null when there is no such channel. */
  readonly userIdentity: string | null;
  /** As in {@link ShareOwner}; empty too for a TLV that is not valid, and when there is no such channel. */
  readonly worker: string;
  readonly jobId: number;
  readonly sequenceNumber: number;
  readonly errorCode: SubmitSharesErrorCode;
  /** What was wrong, in words. */
  readonly reason: string;
}

/** A share, accepted just before, is a block. */
export interface BlockFound extends Found {
  readonly type: 'BlockFound';
}

/** A share, accepted just before, is no block, but its template provider wants it by the `target` it has given. */
export interface WeakBlockFound extends Found {
  readonly type: 'WeakBlockFound';
}

/** A share that goes to the template provider. */
interface Found extends ShareOwner {
  readonly clientId: number;
  readonly channelId: number;
  readonly jobId: number;
  /** 32 bytes as SHA-256 returned them. */
  readonly hash: Uint8Array;
  /** 80 bytes. */
  readonly header: Uint8Array;
  /** The whole coinbase; with witness when the block has a witness commitment. */
  readonly coinbaseTx: Uint8Array;
  /** To be sent to the template provider; null for a custom job. */
  readonly solution: SubmitSolution | null;
  /** What it pays before its template's own outputs, the very array that `PayoutOutputs` returned; null for a custom job. */
  readonly payout: readonly TxOut[] | null;
}

/** A custom job was accepted. */
export interface CustomJobAccepted {
  readonly type: 'CustomJobAccepted';
  readonly clientId: number;
  readonly channelId: number;
  readonly jobId: number;
}

/** A custom job was refused. */
export interface CustomJobRefused {
  readonly type: 'CustomJobRefused';
  readonly clientId: number;
  readonly channelId: number;
  readonly errorCode: SetCustomMiningJobErrorCode;
  /** What was wrong, in words. */
  readonly reason: string;
}

/** What happened at a mining server. */
export type MiningServerOutcome =
  | ChannelOpened
  | ChannelRefused
  | ChannelUpdated
  | ChannelClosed
  | TargetChanged
  | ShareAccepted
  | ShareRejected
  | BlockFound
  | WeakBlockFound
  | CustomJobAccepted
  | CustomJobRefused;
