/** Fields in JSON, by their data types. */
import type { DataType } from '../codec/data-type.js';
import { bytesToHex } from '../codec/hex.js';
import { arrayAt, booleanAt, bytesAt, numberAt, stringAt, wrongForm } from './json-form.js';

/** A field's value in JSON. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[];

/** A field's value as JSON has it. */
export function valueToJson({ kind }: DataType<unknown>, value: unknown): JsonValue {
  switch (kind.is) {
    case 'bigint':
      return String(value);
    case 'float':
      return floatToJson(value as number);
    case 'bytes':
      return bytesToHex(value as Uint8Array);
    case 'option':
      return value === null ? null : valueToJson(kind.of, value);
    case 'sequence':
      return (value as readonly unknown[]).map((element) => valueToJson(kind.of, element));
    default:
      return value as JsonValue;
  }
}

function floatToJson(value: number): JsonValue {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
}

/** A field's value of its form in JSON. @throws JsonFormError `wrong-json-form` */
export function valueFromJson(path: string, type: DataType<unknown>, value: unknown): unknown {
  const { kind } = type;
  switch (kind.is) {
    case 'boolean':
      return booleanAt(path, value);
    case 'integer':
      return numberAt(path, value);
    case 'bigint':
      if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return BigInt(value);
      if (Number.isSafeInteger(value)) return BigInt(value as number);
      throw wrongForm(path, formOf(type), value);
    case 'float':
      if (typeof value === 'number') return value;
      if (['NaN', 'Infinity', '-Infinity', '-0'].includes(value as string)) return Number(value);
      throw wrongForm(path, formOf(type), value);
    case 'text':
      return stringAt(path, value);
    case 'bytes':
      return bytesAt(path, value);
    case 'option':
      return value === null ? null : valueFromJson(path, kind.of, value);
    case 'sequence':
      return arrayAt(path, value).map((element, index) =>
        valueFromJson(`${path}[${index}]`, kind.of, element),
      );
  }
}

/** What a data type looks like in JSON, for error messages. */
export function formOf({ kind }: DataType<unknown>): string {
  switch (kind.is) {
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `an integer from 0 to ${kind.max}`;
    case 'bigint':
      return `an integer from 0 to ${kind.max} as a decimal string`;
    case 'float':
      return 'a number, "NaN", "Infinity" or "-Infinity"';
    case 'text':
      return 'a string';
    case 'bytes':
      return kind.minLength === kind.maxLength
        ? `${kind.maxLength} bytes as a string of hex digits`
        : 'a string of hex digits';
    case 'option':
      return `null or ${formOf(kind.of)}`;
    case 'sequence':
      return `an array, each element ${formOf(kind.of)}`;
  }
}
