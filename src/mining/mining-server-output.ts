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

/** Outputs as one, with what each says in order. */
export const gather = (outputs: readonly MiningServerOutput[]): MiningServerOutput => {
  const present = outputs.filter(({ messages, outcomes }) => messages.length > 0 || outcomes.length > 0);
  if (present.length <= 1) return present[0] ?? NOTHING;
  const messagesOf = new Map<number, Message[]>();
  for (const { clientId, messages } of present.flatMap((output) => output.messages)) {
    const own = messagesOf.get(clientId);
    if (own === undefined) messagesOf.set(clientId, [...messages]);
    else own.push(...messages);
  }
  return {
    messages: [...messagesOf].map(([clientId, messages]) => ({ clientId, messages })),
    outcomes: present.flatMap(({ outcomes }) => outcomes),
  };
};
