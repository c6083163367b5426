/** Random Stratum V1 messages for property tests, derived from the declarations of the methods. */
import type { MethodMessage, Sv1Id, Sv1Method } from '../sv1/define-method.js';
import type { Json } from '../sv1/json.js';
import type { ParamType } from '../sv1/params.js';
import type { ArbitraryOf, FastCheck } from './arbitraries.js';

/** Ids as peers choose them: small numbers, text, null, and integers beyond what a number holds. */
export function sv1IdArbitrary(fc: FastCheck): ArbitraryOf<Sv1Id> {
  return fc.oneof<Sv1Id>(
    fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    fc.string({ maxLength: 8, unit: 'binary' }),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 200n }),
    fc.integer({ min: 0, max: 0 }).map(() => null),
  );
}

/**
 * Messages of one method: `fc.property(sv1MessageArbitrary(fc, sv1.Notify), notify => …)`.
 * @param fc the fast-check module
 * @param method which method
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any method
export function sv1MessageArbitrary<C extends Sv1Method<any, any, any>>(
  fc: FastCheck,
  method: C,
): ArbitraryOf<MethodMessage<C>> {
  const params = Object.entries(method.schema.params as Record<string, ParamType<unknown>>);
  const values = fc.record({
    values: fc.record(Object.fromEntries(params.map(([name, type]) => [name, anyValue(fc, type)]))),
    id: sv1IdArbitrary(fc),
  });
  return values.map((drawn) => {
    const { values: given, id } = drawn as { values: Record<string, unknown>; id: Sv1Id };
    return method(given, id) as MethodMessage<C>;
  });
}

function anyValue(fc: FastCheck, { kind }: ParamType<unknown>): ArbitraryOf<unknown> {
  switch (kind.is) {
    case 'text':
      return text(fc);
    case 'u32':
      return fc.integer({ min: 0, max: 0xffff_ffff });
    case 'integer':
      return fc.integer({ min: 0, max: kind.max });
    case 'number':
      // JSON has no -0
      return fc.float().filter((value) => Number.isFinite(value) && !Object.is(value, -0));
    case 'boolean':
      return fc.boolean();
    case 'bytes':
      return fc.uint8Array({ minLength: kind.minLength, maxLength: kind.maxLength });
    case 'record':
      return fc.record({ 'version-rolling.mask': json(fc), other: json(fc) }).map((drawn) => ({ ...drawn }));
    case 'json':
      return json(fc).filter((value) => value !== null);
    case 'list':
      return fc.array(anyValue(fc, kind.of), { maxLength: kind.maxCount });
    case 'optional':
      return fc.option(anyValue(fc, kind.of), { nil: null });
  }
}

const text = (fc: FastCheck): ArbitraryOf<string> => fc.string({ maxLength: 64, unit: 'binary' });

function json(fc: FastCheck): ArbitraryOf<Json> {
  return fc.oneof<Json>(
    text(fc),
    fc.boolean(),
    fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    fc.array(fc.boolean(), { maxLength: 3 }),
    fc.integer({ min: 0, max: 0 }).map(() => null),
  );
}
