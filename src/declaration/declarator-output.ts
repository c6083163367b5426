/** What an input to a job declarator leads to, put together of parts. */
import { DeclareMiningJobError } from '../messages/job-declaration.js';
import type { Message } from '../messages/registry.js';
import type { JobDeclaratorOutcome, JobDeclaratorOutput, Verdict } from './job-declarator-types.js';
import type { Refusal } from './refusal.js';

/** Bytes of `error_details` (B0_64K) that a reason may take. */
const DETAILS_SIZE = 2_000;

/** Nothing to send, nothing happened. */
export const NOTHING: JobDeclaratorOutput = { messages: [], outcomes: [], proposals: [], blocks: [] };

/** What one client is sent, and what happened. */
export const output = (
  { clientId }: { readonly clientId: number },
  messages: readonly Message[],
  outcomes: readonly JobDeclaratorOutcome[],
): JobDeclaratorOutput => ({
  ...NOTHING,
  messages: messages.length === 0 ? [] : [{ clientId, messages }],
  outcomes,
});

/** Several, in their order. */
export const together = (outputs: readonly JobDeclaratorOutput[]): JobDeclaratorOutput => ({
  messages: outputs.flatMap(({ messages }) => messages),
  outcomes: outputs.flatMap(({ outcomes }) => outcomes),
  proposals: outputs.flatMap(({ proposals }) => proposals),
  blocks: outputs.flatMap(({ blocks }) => blocks),
});

/** A declaration is refused. */
export const refusal = (
  { clientId }: { readonly clientId: number },
  requestId: number,
  { code: errorCode, message: reason }: Refusal,
  validatedBy: Verdict['by'] = 'own',
): JobDeclaratorOutput => {
  const errorDetails = new TextEncoder().encode(reason).subarray(0, DETAILS_SIZE);
  return output(
    { clientId },
    [DeclareMiningJobError({ requestId, errorCode, errorDetails })],
    [{ type: 'DeclarationRefused', clientId, errorCode, reason, validatedBy }],
  );
};
