/** Random outcomes of every kind, made from what the compiler knows of their types: none can be forgotten. */
import * as fc from 'fast-check';
import ts from 'typescript';
import { Sv2Error } from '../../src/codec/errors.js';
import { CodecError } from '../../src/codec/codec-error.js';
import { NoiseError } from '../../src/noise/errors.js';
import { ServiceError } from '../../src/service/errors.js';
import { SetupRefusedError } from '../../src/service/setup/client-setup.js';
import type { Outcomes } from './roles.js';
import { TransportError } from '../../src/transport/errors.js';

/** Errors as the library raises them, and those that nobody foresaw. */
export const errors: fc.Arbitrary<Error> = fc.oneof(
  fc
    .record({ code: fc.string(), message: fc.string(), detail: fc.dictionary(fc.string(), fc.bigInt()) })
    .map(({ code, message, detail }) => new Sv2Error(code, message, detail, new TypeError('cause'))),
  fc.string().map((message) => new ServiceError('handler-failed', message, { bytes: Uint8Array.of(1, 2) })),
  fc.string().map((word) => new SetupRefusedError(word, 7)),
  fc.string().map((problem) => new CodecError('truncated', problem, { field: 'x', offset: 3 })),
  fc.string().map((message) => new NoiseError('invalid-certificate' as never, message)),
  fc.string().map((message) => new TransportError('connection-reset', message, {}, new Error('EPIPE'))),
  fc.string().map((message) => new RangeError(message)),
  fc.string().map((message) => new Error(message)),
);

const numbers = fc.oneof(fc.nat(), fc.double(), fc.constantFrom(-0, NaN, Infinity, -Infinity));

/** Values as programs hand them on in `unknown`. */
const anything: fc.Arbitrary<unknown> = fc.oneof(
  errors,
  fc.string(),
  numbers,
  fc.bigInt(),
  fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('$bytes', '$$x', '__proto__')), fc.nat()),
);

const module = 'spec/observe/roles.ts';

/** What the fields of outcomes are filled with that are not of literal types. */
export interface FieldValues {
  readonly texts: fc.Arbitrary<string>;
  readonly numbers: fc.Arbitrary<number>;
  readonly bigints: fc.Arbitrary<bigint>;
  readonly bytes: fc.Arbitrary<Uint8Array>;
  readonly errors: fc.Arbitrary<Error>;
  readonly anything: fc.Arbitrary<unknown>;
}

/** Values of every kind that there is. */
const anyValues: FieldValues = {
  texts: fc.string({ unit: 'binary', maxLength: 8 }),
  bigints: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
  bytes: fc.uint8Array({ maxLength: 40 }),
  ...{ numbers, errors, anything },
};

/** By what they are called, random outcomes of each kind that `roles.ts` has under these names. */
export const outcomesOf = (...names: readonly (keyof Outcomes)[]) => outcomesWith(anyValues, ...names);

/** As `outcomesOf`, with values of one's own. */
export function outcomesWith(
  values: FieldValues,
  ...names: readonly (keyof Outcomes)[]
): ReadonlyMap<string, fc.Arbitrary<object>> {
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined };
  const options = ts.getParsedCommandLineOfConfigFile('tsconfig.json', {}, host)?.options ?? {};
  const program = ts.createProgram([module], options);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(module);
  const symbol = source === undefined ? undefined : checker.getSymbolAtLocation(source);
  if (source === undefined || symbol === undefined) throw new Error(`${module} is no module`);
  const exported = new Map(checker.getExportsOfModule(symbol).map((each) => [each.name, each]));
  const known = new Map<ts.Type, fc.Arbitrary<unknown>>();

  function valuesOf(type: ts.Type, depth: number): fc.Arbitrary<unknown> {
    const before = known.get(type);
    if (before !== undefined) return before;
    const made = makeValuesOf(type, depth);
    known.set(type, made);
    return made;
  }

  function makeValuesOf(type: ts.Type, depth: number): fc.Arbitrary<unknown> {
    const { flags } = type;
    const text = checker.typeToString(type);
    if (flags & (ts.TypeFlags.Unknown | ts.TypeFlags.Any)) return values.anything;
    if (flags & ts.TypeFlags.Undefined) return fc.constant(undefined);
    if (flags & ts.TypeFlags.Null) return fc.constant(null);
    if (type.isStringLiteral() || type.isNumberLiteral()) return fc.constant(type.value);
    if (flags & ts.TypeFlags.BooleanLiteral) return fc.constant(text === 'true');
    if (flags & ts.TypeFlags.StringLike) return values.texts;
    if (flags & ts.TypeFlags.NumberLike) return values.numbers;
    if (flags & ts.TypeFlags.BigIntLike) return values.bigints;
    if (type.isUnion()) return fc.oneof(...type.types.map((each) => valuesOf(each, depth)));
    if (text.startsWith('Uint8Array')) return values.bytes;
    if (/^(Sv2|Service|Transport)?Error$/.test(text)) return values.errors;
    if (type.getCallSignatures().length > 0) throw new Error(`an outcome has a function: ${text}`);
    if (checker.isArrayType(type) || checker.isTupleType(type)) {
      const [element] = checker.getTypeArguments(type as ts.TypeReference);
      if (element === undefined) throw new Error(`elements of ${text}`);
      return fc.array(valuesOf(element, depth + 1), { maxLength: 2 });
    }
    if (depth > 12) throw new Error(`nested too deep: ${text}`);
    const index = checker.getIndexInfoOfType(type, ts.IndexKind.String);
    if (index !== undefined)
      return fc.dictionary(fc.string({ maxLength: 4 }), valuesOf(index.type, depth + 1));
    return recordOf(type, depth);
  }

  function recordOf(type: ts.Type, depth: number): fc.Arbitrary<object> {
    const required: string[] = [];
    const model: Record<string, fc.Arbitrary<unknown>> = {};
    for (const property of checker.getPropertiesOfType(type)) {
      const name = property.name;
      model[name] = valuesOf(checker.getTypeOfSymbol(property), depth + 1);
      if (!(property.flags & ts.SymbolFlags.Optional)) required.push(name);
    }
    return fc.record(model, { requiredKeys: required }).map((value) => ({ ...value }));
  }

  const outcomes = new Map<string, fc.Arbitrary<object>>();
  for (const name of names) {
    const alias = exported.get(name);
    if (alias === undefined) throw new Error(`${module} exports no ${name}`);
    const meant = alias.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(alias) : alias;
    const type = checker.getDeclaredTypeOfSymbol(meant);
    for (const each of type.isUnion() ? type.types : [type]) {
      const property = checker.getPropertyOfType(each, 'type');
      const literal = property === undefined ? undefined : checker.getTypeOfSymbol(property);
      if (literal === undefined || !literal.isStringLiteral())
        throw new Error(`${name}: a type without a name`);
      outcomes.set(`${name} ${literal.value} ${outcomes.size}`, recordOf(each, 0));
    }
  }
  return outcomes;
}
