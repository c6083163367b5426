import type { Subprotocol } from '../messages/define-message.js';
import { ServiceError } from './errors.js';
import { isNullHandler } from './handlers.js';

/**
 * Checks that a subprotocol is configured if and only if it has a handler that does something.
 * @param side `server` or `client`, for the message
 * @param protocol the subprotocol
 * @param configured whether it has a configuration (a connector, flags …)
 * @param handler its handler, if any
 * @returns whether the subprotocol is supported
 * @throws ServiceError `invalid-configuration`
 */
export function checkHandler(
  side: 'server' | 'client',
  protocol: Subprotocol,
  configured: boolean,
  handler: unknown,
): boolean {
  const fail = (problem: string): never => {
    throw new ServiceError('invalid-configuration', `${side}: ${protocol} ${problem}`, { protocol });
  };
  if (handler === undefined) return configured ? fail('is configured but has no handler') : false;
  if (typeof handler !== 'function')
    return fail(`has a handler that is not a function but ${typeof handler}`);
  if (configured && isNullHandler(handler)) return fail('is configured but has a null handler');
  if (!configured && !isNullHandler(handler)) return fail('has a handler but is not configured');
  return configured;
}

/** Checks that an option is a finite number of milliseconds, not negative. */
export function checkMilliseconds(name: string, value: number): number {
  if (!Number.isFinite(value) || value < 0) {
    throw new ServiceError(
      'invalid-configuration',
      `${name}: expected milliseconds from 0 up, got ${String(value)}`,
    );
  }
  return value;
}
