/** What comes of a miner of Stratum V1: lines to it, messages to its server, and what happened. */
import type { Message } from '../../messages/registry.js';
import type { StratumError } from '../../sv1/error-codes.js';
import type { Sv1Message } from '../../sv1/messages.js';

/** What happens at a miner besides what the server is told. */
export type Sv1MinerOutcome =
  | {
      readonly type: 'Sv1Subscribed';
      readonly userAgent: string | null;
      /** What it has in front of what it rolls, and how many bytes it rolls. */
      readonly extranonce1: Uint8Array;
      readonly extranonce2Size: number;
    }
  | { readonly type: 'Sv1Authorized'; readonly user: string }
  | { readonly type: 'Sv1Unauthorized'; readonly user: string }
  | { readonly type: 'Sv1JobSent'; readonly difficulty: number; readonly isClean: boolean }
  /** A share was accepted; `isForwarded` unless it only met what the told difficulty is easier than the target. */
  | { readonly type: 'Sv1ShareAccepted'; readonly user: string; readonly isForwarded: boolean }
  | {
      readonly type: 'Sv1ShareRejected';
      readonly user: string;
      readonly error: StratumError;
      readonly reason: string;
    }
  /** A job whose coinbase is longer than what the miner's firmware can hash was not sent. */
  | { readonly type: 'Sv1CoinbaseTooLong'; readonly length: number; readonly most: number }
  /** The server has another opinion of a share that was accepted. */
  | { readonly type: 'Sv1ShareLost'; readonly errorCode: string }
  | { readonly type: 'Sv1Nonsense'; readonly reason: string };

/** What an input leads to, in order. */
export interface Sv1MinerOutput {
  readonly toMiner: readonly Sv1Message[];
  readonly toServer: readonly Message[];
  readonly outcomes: readonly Sv1MinerOutcome[];
  /** Why the miner has to go, if it has to. */
  readonly end?: { readonly code: string; readonly reason: string };
}

/** Nothing. */
export const nothing: Sv1MinerOutput = { toMiner: [], toServer: [], outcomes: [] };
/** Lines for the miner. */
export const toMiner = (...messages: readonly Sv1Message[]): Sv1MinerOutput => ({
  ...nothing,
  toMiner: messages,
});
/** Messages for the server. */
export const toServer = (...messages: readonly Message[]): Sv1MinerOutput => ({
  ...nothing,
  toServer: messages,
});
/** What happened. */
export const tell = (...outcomes: readonly Sv1MinerOutcome[]): Sv1MinerOutput => ({ ...nothing, outcomes });
/** The miner has to go. */
export const end = (code: string, reason: string): Sv1MinerOutput => ({ ...nothing, end: { code, reason } });

/** One after the other; the first reason to go counts. */
export function gather(...outputs: readonly Sv1MinerOutput[]): Sv1MinerOutput {
  const ending = outputs.find((output) => output.end !== undefined)?.end;
  return {
    toMiner: outputs.flatMap((output) => output.toMiner),
    toServer: outputs.flatMap((output) => output.toServer),
    outcomes: outputs.flatMap((output) => output.outcomes),
    ...(ending === undefined ? {} : { end: ending }),
  };
}
