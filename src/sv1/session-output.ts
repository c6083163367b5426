/** What an input to a session of Stratum V1 leads to. */
import type { Sv1Id } from './define-method.js';
import type { StratumError } from './error-codes.js';
import type { Sv1Message } from './messages.js';
import type { Submit } from './methods.js';

/** What a miner wants, or did. */
export type Sv1SessionOutcome =
  /** It wants jobs: to be answered by `grant` or `refuse`; all that it asks until then waits. */
  | { readonly type: 'Subscribing'; readonly userAgent: string | null; readonly sessionId: string | null }
  | { readonly type: 'Authorized'; readonly user: string }
  /** It is not a known user. */
  | { readonly type: 'Unauthorized'; readonly user: string }
  /** It would like a difficulty, above 0, to begin with. */
  | { readonly type: 'DifficultySuggested'; readonly difficulty: number }
  /** It wants no share to be easier, by BIP 310 or by its password. */
  | { readonly type: 'LeastDifficulty'; readonly difficulty: number }
  /** A share of an authorised user, to be judged and answered by `answer`. */
  | { readonly type: 'ShareSubmitted'; readonly share: Submit }
  /** What it sent made no sense, and it was told so. */
  | { readonly type: 'Nonsense'; readonly reason: string }
  /** It cannot go on here, as it cannot be told what has changed: it has to come anew. */
  | { readonly type: 'Stranded'; readonly reason: string }
  /** It goes on asking without waiting for the first answer. */
  | { readonly type: 'TooManyRequests' };

/** What an input to a session leads to: lines to send, in order, and what the miner wants. */
export interface Sv1SessionOutput {
  readonly messages: readonly Sv1Message[];
  readonly outcomes: readonly Sv1SessionOutcome[];
}

/** Nothing. */
export const none: Sv1SessionOutput = { messages: [], outcomes: [] };

/** Lines to send. */
export const say = (...messages: readonly Sv1Message[]): Sv1SessionOutput => ({ messages, outcomes: [] });

/** What the miner wants. */
export const tell = (...outcomes: readonly Sv1SessionOutcome[]): Sv1SessionOutput => ({
  messages: [],
  outcomes,
});

/** Several outputs, in order. */
export const gather = (...outputs: readonly Sv1SessionOutput[]): Sv1SessionOutput => ({
  messages: outputs.flatMap(({ messages }) => messages),
  outcomes: outputs.flatMap(({ outcomes }) => outcomes),
});

/** An error as the answer to a request. */
export const fail = (id: Sv1Id, error: StratumError): Sv1SessionOutput =>
  say({ type: 'answer', id, result: null, error });

/** The same for a request that makes no sense, which is told. */
export const nonsense = (id: Sv1Id, error: StratumError, reason: string): Sv1SessionOutput =>
  gather(fail(id, error), tell({ type: 'Nonsense', reason }));
