import { isObservable } from 'rxjs';
import type { Subprotocol } from '../messages/define-message.js';
import {
  noOwnMessages,
  ownMessages,
  type AnyMessageCreator,
  type OwnMessages,
} from '../messages/own-messages.js';
import { nameOf, ServiceError } from './errors.js';
import type { ExtensionPolicy } from './extensions/negotiation.js';
import { isNullHandler } from './handlers.js';
import type { ReconnectPolicy } from './upstreams/backoff.js';
import type { Versions } from './setup/server-setup.js';

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

/**
 * Checks that something is an Observable.
 * @param what it is, for the message
 * @throws ServiceError `invalid-configuration`
 */
export function checkStream(name: string, value: unknown, what: string): void {
  if (isObservable(value)) return;
  throw new ServiceError('invalid-configuration', `${name}: expected ${what}, got ${nameOf(value)}`);
}

/**
 * Takes the messages that an application declares.
 * @throws ServiceError `invalid-configuration`; its cause says more
 */
export function checkMessages(creators: readonly AnyMessageCreator[] | undefined): OwnMessages {
  try {
    return creators === undefined ? noOwnMessages : ownMessages(creators);
  } catch (error) {
    throw new ServiceError('invalid-configuration', (error as Error).message, {}, error);
  }
}

/** The longest time that timers can wait (2^31 - 1). */
export const maxMilliseconds = 0x7fff_ffff;

/**
 * Checks a time limit.
 * @param name of the option, for the message
 * @param value milliseconds, above 0 and at most 2^31 - 1 (24 days), the longest that timers can wait
 * @throws ServiceError `invalid-configuration`
 */
export function checkMilliseconds(name: string, value: number): number {
  return checkNumber(name, value, value > 0 && value <= maxMilliseconds, 'milliseconds above 0, below 2^31');
}

/** Checks a number from 0 up, `Infinity` included. @throws ServiceError `invalid-configuration` */
export function checkNonNegative(name: string, value: number): number {
  return checkNumber(name, value, value >= 0, 'a number from 0 up');
}

/**
 * Checks a set of flags.
 * @param value U32
 * @throws ServiceError `invalid-configuration`
 */
export function checkFlags(name: string, value: number): number {
  return checkNumber(name, value, isUnsigned(value, 0xffff_ffff), 'flags of 32 bits');
}

/** Checks the range of protocol versions (U16). @throws ServiceError `invalid-configuration` */
export function checkVersions(versions: Versions): Versions {
  const { min, max } = versions;
  checkNumber('versions.min', min, isUnsigned(min, 0xffff), 'a number from 0 to 65535');
  checkNumber(
    'versions.max',
    max,
    isUnsigned(max, 0xffff) && max >= min,
    'a number from versions.min to 65535',
  );
  return versions;
}

/** Checks extension numbers, and that what is required is supported. @throws ServiceError `invalid-configuration` */
export function checkExtensions<P extends ExtensionPolicy>(policy: P): P {
  for (const extension of policy.supported) {
    checkNumber('extensions.supported', extension, isUnsigned(extension, 0x7fff), 'numbers from 0 to 32767');
  }
  for (const extension of policy.required ?? []) {
    checkNumber(
      'extensions.required',
      extension,
      policy.supported.includes(extension),
      'only extensions that are also supported',
    );
  }
  return policy;
}

/** Checks the numbers of a reconnect policy. @throws ServiceError `invalid-configuration` */
export function checkReconnect(policy: ReconnectPolicy): ReconnectPolicy {
  const { initialDelay = 0, maxDelay = 0, maxAttempts = 0, returnAfter = 0 } = policy;
  const isDelay = (value: number) => value >= 0 && value <= maxMilliseconds;
  checkNumber('reconnect.initialDelay', initialDelay, isDelay(initialDelay), 'milliseconds below 2^31');
  checkNumber('reconnect.maxDelay', maxDelay, isDelay(maxDelay), 'milliseconds below 2^31');
  checkNumber('reconnect.returnAfter', returnAfter, isDelay(returnAfter), 'milliseconds below 2^31');
  checkNumber('reconnect.maxAttempts', maxAttempts, maxAttempts >= 0, 'a number from 0 up');
  return policy;
}

const isUnsigned = (value: number, max: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= max;

function checkNumber(name: string, value: number, valid: boolean, expected: string): number {
  if (typeof value === 'number' && valid) return value;
  throw new ServiceError('invalid-configuration', `${name}: expected ${expected}, got ${String(value)}`, {
    option: name,
    value,
  });
}
