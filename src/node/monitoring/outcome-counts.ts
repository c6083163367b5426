/** Counts of outcomes since the start, which only ever grow; however others choose their words, in bounded memory. */
import type { SubmitSharesErrorCode } from '../../mining/error-codes.js';

/** What is counted. */
export interface OutcomeCounts {
  /** Takes note of an outcome. */
  note(outcome: { readonly type: string }): void;
  readonly accepted: number;
  /** The sum of the difficulties that accepted shares are credited with. */
  readonly difficulty: number;
  readonly blocks: number;
  /** Rejected shares by error code; codes of `seededCodes` are there from the start. */
  readonly rejected: ReadonlyMap<string, number>;
  /** Ended connections by the code of the reason; the usual ones are there from the start. */
  readonly disconnections: ReadonlyMap<string, number>;
  /** Outcomes by type. */
  readonly outcomes: ReadonlyMap<string, number>;
}

/** Different words that are counted apart; those that come later are `other`. */
const maxWords = 64;

/** Codes that are there with 0 from the start, so that `rate()` has something to begin with: as in the reference implementation. */
export const seededCodes = [
  'invalid-channel-id',
  'invalid-share',
  'stale-share',
  'invalid-job-id',
  'difficulty-too-low',
  'duplicate-share',
  'bad-extranonce-size',
  'invalid-non-rollable-version-bit',
] as const satisfies SubmitSharesErrorCode[];

/** Reasons that connections usually end for, with 0 from the start, too. */
const seededReasons = ['peer-closed', 'connection-reset', 'inactive', 'setup-refused', 'too-much-nonsense'];

/** Counts one more of a word. */
function countIn(counts: Map<string, number>, word: unknown): void {
  const given = typeof word === 'string' ? word : 'other';
  const known = counts.has(given) || counts.size < maxWords ? given : 'other';
  counts.set(known, (counts.get(known) ?? 0) + 1);
}

/** What a declaration client's own work tells of, where it is carried by an outcome. */
export const innermost = (outcome: { readonly type: string }): { readonly type: string } =>
  outcome.type === 'OwnWork'
    ? (outcome as unknown as { readonly outcome: { readonly type: string } }).outcome
    : outcome;

/** Counts outcomes of a role, whichever it is. */
export function outcomeCounts(): OutcomeCounts {
  const rejected = new Map<string, number>(seededCodes.map((code) => [code, 0]));
  const disconnections = new Map<string, number>(seededReasons.map((reason) => [reason, 0]));
  const outcomes = new Map<string, number>();
  let [accepted, difficulty, blocks] = [0, 0, 0];
  return {
    note(outcome) {
      const { type } = outcome;
      const fields = outcome as unknown as Readonly<Record<string, unknown>>;
      countIn(outcomes, innermost(outcome).type);
      if (type === 'ShareAccepted') {
        accepted += 1;
        difficulty += typeof fields['difficulty'] === 'number' ? fields['difficulty'] : 0;
      } else if (type === 'SharesAccepted') accepted += Number(fields['count'] ?? 0);
      else if (type === 'ShareRejected') countIn(rejected, fields['errorCode']);
      else if (['BlockFound', 'OwnBlockFound'].includes(innermost(outcome).type)) blocks += 1;
      else if (type === 'disconnected')
        countIn(disconnections, (fields['reason'] as { readonly code?: unknown } | undefined)?.code);
    },
    get accepted() {
      return accepted;
    },
    get difficulty() {
      return difficulty;
    },
    get blocks() {
      return blocks;
    },
    rejected,
    disconnections,
    outcomes,
  };
}
