/** What the ledger keeps of shares: its records, and what each is worth. */
import { meetsTarget, targetFromNbits, targetToBigInt } from '../bitcoin/target.js';

/** A share that was accepted. Two records of one hash are one share. */
export interface ShareRecord {
  readonly type: 'share';
  /** When it was accepted: milliseconds since 1970. */
  readonly time: number;
  /** U16: which of the pool's servers accepted it. */
  readonly serverId: number;
  /** U32 each, of the connection, its channel, and the message. */
  readonly clientId: number;
  readonly channelId: number;
  readonly sequenceNumber: number;
  readonly jobId: number;
  /** The user identity that its channel was opened with, at most 255 bytes of UTF-8. */
  readonly user: string;
  /** The worker that it names (extension 0x0002); empty when it names none. */
  readonly worker: string;
  /** Who made the device, as its SetupConnection says; at most 255 bytes. */
  readonly vendor: string;
  /** U32: the height of the block that it would have been; 0 when that is not known. */
  readonly height: number;
  /** U32: what a block needed then, in compact form. */
  readonly nbits: number;
  /** Its job's target: 32 bytes, little-endian. This is what it is credited with. */
  readonly target: Uint8Array;
  /** 32 bytes as SHA-256 returned them. */
  readonly hash: Uint8Array;
  /** U32 each, as the share says. */
  readonly version: number;
  readonly ntime: number;
  readonly nonce: number;
  /** What the share says of it, 0 to 32 bytes. */
  readonly extranonce: Uint8Array;
}

/** Shares that were rejected for one reason. They are worth nothing, but users want to know. */
export interface RejectedRecord {
  readonly type: 'rejected';
  /** When the last of them was: milliseconds since 1970. */
  readonly time: number;
  readonly serverId: number;
  readonly user: string;
  readonly worker: string;
  /** What they were answered with. */
  readonly errorCode: string;
  /** U32: how many. */
  readonly count: number;
}

/** An entry of the ledger. */
export type LedgerRecord = ShareRecord | RejectedRecord;

/**
 * The work that meeting a target proves: the hashes that it takes on average, `2^256 / (target + 1)` rounded down. It is
 * what nodes weigh chains with (Bitcoin Core, `GetBlockProof`), and the same for shares and for blocks, so that windows
 * and credits are whole numbers.
 * @param target 32 bytes, little-endian
 * @returns 1 to 2^256
 */
export const workOf = (target: Uint8Array): bigint => (1n << 256n) / (targetToBigInt(target) + 1n);

/**
 * The work that a share is credited with: that of its job's target, however small its hash is; 0 for a block that misses
 * it, which proves nothing that others were asked for.
 */
export const creditedWork = ({ hash, target }: Pick<ShareRecord, 'hash' | 'target'>): bigint =>
  meetsTarget(hash, target) ? workOf(target) : 0n;

/**
 * The work that a block takes.
 * @param nbits U32, in compact form
 * @throws Sv2Error `invalid-nbits`
 */
export const networkWorkOf = (nbits: number): bigint => workOf(targetFromNbits(nbits));

/** Whether a share was a block. */
export const isBlock = ({ hash, nbits }: Pick<ShareRecord, 'hash' | 'nbits'>): boolean =>
  meetsTarget(hash, targetFromNbits(nbits));

/** The work of difficulty 1. */
const DIFFICULTY_1_WORK = 4_295_032_833n;

/**
 * Work as people read it: in multiples of that of difficulty 1. For display only: exact work is in whole hashes.
 * @param work hashes, 0 or more
 */
export const difficultyOfWork = (work: bigint): number => Number(work) / Number(DIFFICULTY_1_WORK);
