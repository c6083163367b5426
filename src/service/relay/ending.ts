/** Whose doing the end of a pair was, and why. */
import { disconnectReason, type DisconnectReason } from '../errors.js';

/** An end of a pair, or the relay between them. */
export type Side = 'client' | 'server' | 'relay';

/** Why a pair ends: the first cause that is given counts. */
export interface Ending {
  /** Undefined while nothing has ended it. */
  readonly cause: { readonly by: Side; readonly reason: DisconnectReason } | undefined;
  /** Gives a cause. */
  by(side: Side, reason: DisconnectReason): void;
  /** Gives an error as the cause. */
  failed(side: Side, error: unknown): void;
  /** Does something for a side, whose doing it is if that fails. @returns what `work` does @throws what it throws */
  blaming<T>(side: Side, work: () => T): T;
}

/** A pair that nothing has ended. */
export function pairEnding(): Ending {
  let cause: Ending['cause'];
  const by = (side: Side, reason: DisconnectReason): void => {
    cause ??= { by: side, reason };
  };
  const failed = (side: Side, error: unknown): void => by(side, disconnectReason(error));
  return {
    get cause() {
      return cause;
    },
    by,
    failed,
    blaming(side, work) {
      try {
        return work();
      } catch (error) {
        failed(side, error);
        throw error;
      }
    },
  };
}
