/**
 * The errors that Stratum V1 servers answer with. The numbers are conventional: 20 to 25 come from the first
 * implementation (slush's stratum-mining, 2012), and miners count rejected shares by them.
 */

/** An error in an answer: `[code, text, null]` on the wire. */
export interface StratumError {
  readonly code: number;
  readonly text: string;
}

/** Anything that has no code of its own. @param text what was wrong, for people */
export const otherError = (text: string): StratumError => ({ code: 20, text });

/** There is no such job (any more): miners count these shares as stale. */
export const jobNotFound: StratumError = { code: 21, text: 'Job not found' };

/** The share was accepted before. */
export const duplicateShare: StratumError = { code: 22, text: 'Duplicate share' };

/** The hash is above the target. */
export const lowDifficulty: StratumError = { code: 23, text: 'Low difficulty share' };

/** The user of a share is not one that was authorised on this connection. */
export const unauthorizedWorker: StratumError = { code: 24, text: 'Unauthorized worker' };

/** A share before `mining.subscribe`. */
export const notSubscribed: StratumError = { code: 25, text: 'Not subscribed' };

/** JSON-RPC's own: there is no such method. */
export const methodNotFound: StratumError = { code: -32601, text: 'Method not found' };

/** JSON-RPC's own: the parameters are not those of the method. @param text what was wrong, for people */
export const invalidParams = (text: string): StratumError => ({ code: -32602, text });

/** JSON-RPC's own: the line is not JSON, or no message. @param text what was wrong, for people */
export const invalidRequest = (text: string): StratumError => ({ code: -32600, text });
