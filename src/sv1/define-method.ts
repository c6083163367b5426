import { Sv1Error } from './errors.js';
import type { StratumError } from './error-codes.js';
import type { Json } from './json.js';
import { readParams, writeParams, type Params, type ParamType, type ParamValues } from './params.js';

/**
 * What an answer is recognised by. Peers choose theirs, so all are taken: numbers, texts, null, and integers that are too large for a
 * number; what is none of these counts as null.
 */
export type Sv1Id = number | string | bigint | null;

/** The declaration of a method: everything about it that is not behaviour. */
export interface MethodSchema<Type extends string = string, P extends Params = Params, R = unknown> {
  /** The method's name. */
  readonly type: Type;
  readonly sentBy: 'client' | 'server' | 'both';
  /** Whether an answer is expected. */
  readonly isRequest: boolean;
  /** Parameters in the order of the wire. */
  readonly params: P;
  /** What an answer without an error has as its result. */
  readonly result: ParamType<R>;
}

/** A message: a plain object, told apart by `type`. */
export type MethodMessage<C> =
  C extends Sv1Method<infer Type, infer P, infer _R>
    ? Readonly<{ type: Type; id: Sv1Id }> & ParamValues<P>
    : never;

/** The answer to a request: a result, or an error and no result. */
export interface Answer {
  readonly type: 'answer';
  readonly id: Sv1Id;
  readonly result: Json;
  readonly error: StratumError | null;
}

/** Makes messages of one method, recognises them, and reads and writes their parameters and results. */
export interface Sv1Method<Type extends string = string, P extends Params = Params, R = unknown> {
  /**
   * A message of the method.
   * @param id of a request; null, as notifications have it, unless given
   */
  (values: ParamValues<P>, id?: Sv1Id): Readonly<{ type: Type; id: Sv1Id }> & ParamValues<P>;
  readonly type: Type;
  readonly schema: MethodSchema<Type, P, R>;
  /** Whether `message` is of this method. */
  match(message: { readonly type: string }): message is Readonly<{ type: Type; id: Sv1Id }> & ParamValues<P>;
  /** @throws Sv1Error `invalid-params` that names method and parameter */
  read(params: readonly Json[], id: Sv1Id): Readonly<{ type: Type; id: Sv1Id }> & ParamValues<P>;
  /** The parameters on the wire. @throws Sv1Error `value-out-of-range` that names method and parameter */
  write(message: ParamValues<P>): readonly Json[];
  /** The answer to a request of this method. @throws Sv1Error `value-out-of-range` */
  answer(id: Sv1Id, result: R): Answer;
  /** The result in an answer without an error. @throws Sv1Error `invalid-params` */
  resultOf(answer: Answer): R;
}

/** What `defineMethod` is told about a method. */
export interface MethodDeclaration<P extends Params, R> {
  readonly sentBy: 'client' | 'server' | 'both';
  readonly params: P;
  /** What answers have as their result; a method without is a notification. */
  readonly result?: ParamType<R>;
}

const nothing: ParamType<never> = {
  kind: { is: 'json' },
  read: () => {
    throw new Sv1Error('invalid-params', 'expected no answer');
  },
  write: () => {
    throw new Sv1Error('value-out-of-range', 'a notification has no answer');
  },
};

/**
 * Declares a method once; types, reading and writing follow from it.
 * @param type the method's name
 * @param declaration direction, parameters and result
 */
export function defineMethod<const Type extends string, P extends Params, R = never>(
  type: Type,
  declaration: MethodDeclaration<P, R>,
): Sv1Method<Type, P, R> {
  type M = Readonly<{ type: Type; id: Sv1Id }> & ParamValues<P>;
  const { params, sentBy, result = nothing } = declaration;
  const schema = { type, sentBy, isRequest: result !== nothing, params, result };
  const names = Object.keys(params);

  const create = (values: ParamValues<P>, id: Sv1Id = null): M => {
    const message: Record<string, unknown> = { type, id };
    for (const name of names) message[name] = values[name];
    return message as M;
  };

  const inMethod = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Sv1Error)) throw error;
      throw new Sv1Error(error.code, `${type}: ${error.message}`, { ...error.detail, method: type });
    }
  };

  return Object.assign(create, {
    type,
    schema,
    match: (message: { readonly type: string }): message is M => message.type === type,
    read: (values: readonly Json[], id: Sv1Id) =>
      create(
        inMethod(() => readParams(params, values)),
        id,
      ),
    write: (message: ParamValues<P>) => inMethod(() => writeParams(params, message)),
    answer: (id: Sv1Id, value: R): Answer => ({
      type: 'answer',
      id,
      result: inMethod(() => result.write(value)),
      error: null,
    }),
    resultOf: (answer: Answer): R => inMethod(() => result.read(answer.result)),
  });
}
