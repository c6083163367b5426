import { Sv2Error } from '../codec/errors.js';

/** What can be wrong with the lines of a Stratum V1 peer; stable, for programs. */
export type Sv1ErrorCode =
  /** A line has more bytes than may be. */
  | 'line-too-long'
  /** Bytes that are not text: the peer speaks TLS, Stratum V2 or something else. */
  | 'not-text'
  /** A line is not JSON, or nested too deeply. */
  | 'not-json'
  /** JSON that is neither a request nor an answer. */
  | 'not-a-message'
  /** The parameters or the result of a method are not what the method has. */
  | 'invalid-params'
  /** A URL that is not one of Stratum V1. */
  | 'invalid-url'
  /** A value that cannot be written. */
  | 'value-out-of-range';

/** A line, or a value in it, that Stratum V1 does not have. */
export class Sv1Error extends Sv2Error {
  override readonly name = 'Sv1Error';

  /**
   * @param code what went wrong
   * @param message what was wrong and what was expected
   * @param detail the values at fault, for programs
   */
  constructor(
    override readonly code: Sv1ErrorCode,
    message: string,
    detail: Readonly<Record<string, unknown>> = {},
  ) {
    super(code, message, detail);
  }
}
