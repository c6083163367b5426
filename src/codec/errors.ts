/**
 * The root of every error this library raises on purpose.
 *
 * `code` is stable and meant for programs, `message` for people, `detail` holds the offending values.
 * Neither ever carries key material.
 */
export class Sv2Error extends Error {
  override readonly name: string = 'Sv2Error';

  /**
   * @param code stable, kebab-case identifier
   * @param message what was wrong and what was expected
   * @param detail the offending values, for programs
   * @param cause the error that led to this one
   */
  constructor(
    readonly code: string,
    message: string,
    readonly detail: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
  }
}
