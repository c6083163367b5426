import { Sv2Error } from '../codec/errors.js';

/** What can go wrong in the encryption layer (spec §4). */
export type NoiseErrorCode =
  | 'handshake-message-length'
  | 'handshake-authentication-failed'
  | 'handshake-finished'
  | 'certificate-version-unsupported'
  | 'certificate-not-yet-valid'
  | 'certificate-expired'
  | 'certificate-wrong-authority'
  | 'certificate-validity'
  | 'frame-authentication-failed'
  | 'frame-too-large'
  | 'frame-length-mismatch'
  | 'nonce-exhausted'
  | 'key-destroyed'
  | 'authority-key'
  | 'url';

/** An error of the encryption layer. It never carries key material. */
export class NoiseError extends Sv2Error {
  override readonly name: string = 'NoiseError';
  declare readonly code: NoiseErrorCode;

  /**
   * @param code stable, kebab-case identifier
   * @param message what was wrong and what was expected
   * @param detail the offending values, for programs
   * @param cause the error that led to this one
   */
  constructor(
    code: NoiseErrorCode,
    message: string,
    detail: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(code, message, detail, cause);
  }
}
