/** How often something happened, for the last line of roles that have no state to be shown. */
import type { AnyOutcome } from '../observe/fold.js';

/** Outcomes that were noted, by their type. */
export interface CountsByType {
  readonly note: (outcome: AnyOutcome) => void;
  readonly of: (type: string) => number;
}

/** Counts outcomes by their type. */
export function countsByType(): CountsByType {
  const counts = new Map<string, number>();
  return {
    note: ({ type }) => {
      counts.set(type, (counts.get(type) ?? 0) + 1);
    },
    of: (type) => counts.get(type) ?? 0,
  };
}
