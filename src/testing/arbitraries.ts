/**
 * Random messages for property tests, derived from the schemas. fast-check is handed in, so that this library does
 * not depend on it; its types are described here as far as they are needed (they fit fast-check 4).
 */
import type { DataType } from '../codec/data-type.js';
import { decodeText } from '../codec/text.js';
import type { Tlv } from '../codec/tlv.js';
import type { MessageCreator, MessageOf } from '../messages/define-message.js';
import { UnknownMessage } from '../messages/unknown.js';

/* eslint-disable @typescript-eslint/no-explicit-any -- stand-ins for fast-check's internal types */
/** fast-check's `Arbitrary<T>`, a source of random values that can be shrunk. */
export interface ArbitraryOf<T> {
  generate(random: any, biasFactor: number | undefined): any;
  canShrinkWithoutContext(value: unknown): value is T;
  shrink(value: T, context: unknown): any;
  filter<U extends T>(refinement: (value: T) => value is U): ArbitraryOf<U>;
  filter(predicate: (value: T) => boolean): ArbitraryOf<T>;
  map<U>(mapper: (value: T) => U, unmapper?: (value: unknown) => T): ArbitraryOf<U>;
  chain<U>(chainer: (value: T) => ArbitraryOf<U>): ArbitraryOf<U>;
}
/* eslint-enable @typescript-eslint/no-explicit-any */

/** What is used of fast-check: pass the module, `import * as fc from 'fast-check'`. */
export interface FastCheck {
  boolean(): ArbitraryOf<boolean>;
  integer(limits: { min: number; max: number }): ArbitraryOf<number>;
  bigInt(limits: { min: bigint; max: bigint }): ArbitraryOf<bigint>;
  float(): ArbitraryOf<number>;
  constantFrom(...values: number[]): ArbitraryOf<number>;
  string(limits: { maxLength: number; unit: 'binary' }): ArbitraryOf<string>;
  uint8Array(limits: { minLength: number; maxLength: number }): ArbitraryOf<Uint8Array>;
  array<T>(element: ArbitraryOf<T>, limits: { maxLength: number }): ArbitraryOf<T[]>;
  option<T>(value: ArbitraryOf<T>, settings: { nil: null }): ArbitraryOf<T | null>;
  oneof<T>(...choices: ArbitraryOf<T>[]): ArbitraryOf<T>;
  record(model: Record<string, ArbitraryOf<unknown>>): ArbitraryOf<Record<string, unknown>>;
}

/**
 * Values of one data type, up to its limits (fast-check's `size` setting decides how far lengths go).
 * Text includes strings from bytes that are not UTF-8; F32 includes NaN, infinities and -0.
 */
export function valueArbitrary<T>(fc: FastCheck, type: DataType<T>): ArbitraryOf<T> {
  return anyValue(fc, type) as unknown as ArbitraryOf<T>;
}

function anyValue(fc: FastCheck, { kind }: DataType<unknown>): ArbitraryOf<unknown> {
  switch (kind.is) {
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: 0, max: kind.max });
    case 'bigint':
      return fc.bigInt({ min: 0n, max: kind.max });
    case 'float':
      return fc.oneof(fc.float(), fc.constantFrom(NaN, Infinity, -Infinity, -0));
    case 'text':
      return fc.oneof(
        fc.string({ maxLength: Math.floor(kind.maxLength / 4), unit: 'binary' }),
        fc.uint8Array({ minLength: 0, maxLength: kind.maxLength }).map((bytes) => decodeText(bytes)),
      );
    case 'bytes':
      return fc.uint8Array({ minLength: kind.minLength, maxLength: kind.maxLength });
    case 'option':
      return fc.option(anyValue(fc, kind.of), { nil: null });
    case 'sequence':
      return fc.array(anyValue(fc, kind.of), { maxLength: kind.maxCount });
  }
}

/**
 * Messages of one type, without TLVs: `fc.property(messageArbitrary(fc, NewTemplate), template => …)`.
 * @param fc the fast-check module
 * @param creator which message
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any message
export function messageArbitrary<C extends MessageCreator<any, any>>(
  fc: FastCheck,
  creator: C,
): ArbitraryOf<MessageOf<C>> {
  const fields = Object.entries(creator.schema.fields as Record<string, DataType<unknown>>);
  const values = fc.record(Object.fromEntries(fields.map(([name, type]) => [name, anyValue(fc, type)])));
  return values.map((fieldValues) => creator(fieldValues) as MessageOf<C>);
}

/**
 * TLVs of any extensions that can exist (§3.4: allocated from 1 up, experimental ones from 0x4000), ordered by
 * extension type as §3.4.3 demands; one to six, as many as `readTlvs` takes.
 */
export function tlvsArbitrary(fc: FastCheck): ArbitraryOf<readonly Tlv[]> {
  const tlv = fc.record({
    extensionType: fc
      .integer({ min: 1, max: 0x40ff })
      .map((number) => (number <= 0xff ? number : 0x4000 + (number - 0x100))),
    fieldType: fc.integer({ min: 0, max: 0xff }),
    value: fc.uint8Array({ minLength: 0, maxLength: 0xffff }),
  }) as unknown as ArbitraryOf<Tlv>;
  return fc
    .array(tlv, { maxLength: 6 })
    .filter((tlvs) => tlvs.length > 0)
    .map((tlvs) => tlvs.map((values) => ({ ...values })).sort((a, b) => a.extensionType - b.extensionType));
}

/** Messages of an extension type that no extension known here uses. */
export function unknownMessageArbitrary(fc: FastCheck): ArbitraryOf<UnknownMessage> {
  return fc
    .record({
      extensionType: fc.integer({ min: 2, max: 0x7fff }),
      messageType: fc.integer({ min: 0, max: 0xff }),
      channelMessage: fc.boolean(),
      payload: fc.uint8Array({ minLength: 4, maxLength: 0xffff }),
    })
    .map((values) => UnknownMessage(values as unknown as UnknownMessage));
}
