/** What is wrong with a declaration or a custom job, as the peer is told it. */
import { Sv2Error } from '../codec/errors.js';
import type { SetCustomMiningJobErrorCode } from '../mining/error-codes.js';
import type { DeclareMiningJobErrorCode } from './error-codes.js';

/** Why a declaration or a custom job is refused: `code` goes into the answer, `message` into its details. */
export class Refusal<
  Code extends DeclareMiningJobErrorCode | SetCustomMiningJobErrorCode = DeclareMiningJobErrorCode,
> extends Sv2Error {
  override readonly name = 'Refusal';

  /**
   * @param code of the protocol
   * @param message what was expected and what came
   * @param cause the error that led to it
   */
  constructor(
    override readonly code: Code,
    message: string,
    cause?: Sv2Error,
  ) {
    super(code, message, cause?.detail ?? {}, cause);
  }
}

/**
 * What a function returns; the Sv2Errors it throws, other than refusals, come out as refusals with this code.
 * @param what is being looked at, for the message
 */
export const refusing = <T>(code: DeclareMiningJobErrorCode, what: string, run: () => T): T => {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof Sv2Error) || error instanceof Refusal) throw error;
    throw new Refusal(code, `${what}: ${error.message}`, error);
  }
};
