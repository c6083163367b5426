import type { Message } from '../messages/index.js';
import type { MiningServerOutcome, MiningServerOutput } from './mining-server-types.js';

/** Nothing to send, nothing happened. */
export const NOTHING: MiningServerOutput = { messages: [], outcomes: [] };

/** Messages for one client, and what happened. */
export const outputFor = (
  clientId: number,
  messages: readonly Message[],
  outcomes: readonly MiningServerOutcome[] = [],
): MiningServerOutput => ({ messages: messages.length === 0 ? [] : [{ clientId, messages }], outcomes });
