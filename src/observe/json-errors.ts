/** Errors as fields, and back: with their class, so that `instanceof` says the same of them. */
import { CodecError } from '../codec/codec-error.js';
import { Sv2Error } from '../codec/errors.js';
import { FramingError } from '../framing/header.js';
import { JsonFormError } from '../framing/json-form.js';
import { NoiseError } from '../noise/errors.js';
import { ServiceError } from '../service/errors.js';
import { SetupRefusedError } from '../service/setup/client-setup.js';
import { Sv1Error } from '../sv1/errors.js';
import { EncryptionMismatch } from '../transport/encryption-mismatch.js';
import { TransportError } from '../transport/errors.js';

/** By the names that they have in JSON, whatever a bundler calls them. */
const classes: ReadonlyMap<string, object> = new Map<string, object>(
  Object.entries({
    Sv2Error,
    CodecError,
    FramingError,
    JsonFormError,
    NoiseError,
    ServiceError,
    SetupRefusedError,
    Sv1Error,
    TransportError,
    EncryptionMismatch,
    Error,
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
  }).map(([name, { prototype }]) => [name, prototype]),
);

const names: ReadonlyMap<object, string> = new Map(
  [...classes].map(([name, prototype]) => [prototype, name]),
);

/** The nearest class that is known. */
function classOf(error: Error): string {
  let prototype: unknown = Object.getPrototypeOf(error);
  while (typeof prototype === 'object' && prototype !== null) {
    const name = names.get(prototype);
    if (name !== undefined) return name;
    prototype = Object.getPrototypeOf(prototype);
  }
  return 'Error';
}

/** Everything of an error: `class`, `message`, `cause`, its own fields; the stack if it is none of rx-sv2's. */
export function errorFields(error: Error): Readonly<Record<string, unknown>> {
  const { message, cause, stack } = error;
  return {
    ...error,
    class: classOf(error),
    message,
    ...(cause === undefined ? {} : { cause }),
    ...(error instanceof Sv2Error || stack === undefined ? {} : { stack }),
  };
}

/** Fields that are not shown when errors are looked at, as those that JavaScript sets are not. */
const hidden: readonly string[] = ['message', 'cause', 'stack'];

/** The error of such fields. */
export function errorFromFields(fields: Readonly<Record<string, unknown>>): Error {
  const error = new Error();
  Object.setPrototypeOf(error, classes.get(String(fields['class'])) ?? Error.prototype);
  const { message, stack } = fields;
  // where it was read says nothing
  const values = { ...fields, stack: stack ?? `${error.name}: ${String(message)}` };
  for (const [name, value] of Object.entries(values))
    if (name !== 'class')
      Object.defineProperty(error, name, {
        value,
        enumerable: !hidden.includes(name),
        configurable: true,
        writable: true,
      });
  return error;
}
