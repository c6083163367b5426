/** The part of a state that knows how a role fares with its source of blocks: a Bitcoin node, or a simulated chain. */
import type { SourceError, SourceRecovered, SourceWarning } from '../roles/template-provider/block-source.js';
import type { Note, Part } from './fold.js';

/** Whether the source of blocks works, since when, and what was wrong with it last. */
export interface SourceState {
  readonly isWorking: boolean;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly problem: { readonly code: string; readonly message: string; readonly at: number } | null;
}

/** How a role fares with its source of blocks, which is taken to work until it says otherwise. */
export function source(startedAt: number): Part<SourceState> {
  let state: SourceState = { isWorking: true, since: startedAt, problem: null };
  const trouble = ({ code, message }: SourceError | SourceWarning, isWorking: boolean, now: number): void => {
    const since = isWorking === state.isWorking ? state.since : now;
    state = { isWorking, since, problem: { code, message, at: now } };
  };
  return {
    on: {
      SourceError: ((outcome, now) => trouble(outcome, false, now)) satisfies Note<SourceError>,
      SourceWarning: ((outcome, now) => trouble(outcome, state.isWorking, now)) satisfies Note<SourceWarning>,
      SourceRecovered: ((_, now) => {
        state = { ...state, isWorking: true, since: now };
      }) satisfies Note<SourceRecovered>,
    },
    state: () => state,
  };
}
