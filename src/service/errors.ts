import { Sv2Error } from '../codec/errors.js';

/** What a service can fail with. */
export type ServiceErrorCode =
  | 'invalid-configuration'
  | 'not-started'
  | 'already-started'
  | 'sibling-not-started'
  | 'setup-connection-required'
  | 'setup-connection-repeated'
  | 'setup-timeout'
  | 'setup-connection-error'
  | 'inactive'
  | 'extension-required'
  | 'extension-unsupported'
  | 'extension-timeout'
  | 'too-much-nonsense'
  | 'handler-failed'
  | 'invalid-event'
  | 'invalid-effect'
  | 'redirect-loop'
  | 'request-timeout'
  | 'request-disconnected';

/** A configuration that cannot work, or a peer that broke the rules of spec §3.6. */
export class ServiceError extends Sv2Error {
  override readonly name = 'ServiceError';

  /**
   * @param code stable identifier
   * @param message what was wrong and what was expected
   * @param detail the offending values
   * @param cause the error that led to this one
   */
  constructor(
    override readonly code: ServiceErrorCode,
    message: string,
    detail: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(code, message, detail, cause);
  }
}

/** Why a connection ended. `code` is the code of the error behind it, or one of the words below. */
export interface DisconnectReason {
  /** `peer-closed`, `closed-by-handler` (or another code of the handler's), `setup-refused`, `redirected`, `too-much-nonsense`, or the code of an Sv2Error. */
  readonly code: string;
  /** For people. */
  readonly message: string;
  /** The error behind it, if there was one. */
  readonly error?: unknown;
}

/** Turns whatever ended a connection into a reason. */
export function disconnectReason(error: unknown): DisconnectReason {
  if (error instanceof Sv2Error) return { code: error.code, message: error.message, error };
  return { code: 'unexpected-error', message: error instanceof Error ? error.message : String(error), error };
}

/** What a value is, for messages about mistakes: `undefined`, `a number`, `an object of type 'send'`. */
export function nameOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  const { type } = value as { readonly type?: unknown };
  if (typeof type === 'string') return `an object of type '${type}'`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
