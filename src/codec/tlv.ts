import { CodecError } from './codec-error.js';

/**
 * A field that an extension appends to a message (spec §3.4.3).
 * On the wire: extension type (U16), field type (U8), length (U16), value; unlike everything else in the
 * protocol these integers are big-endian, as the specification's example shows. The reference implementation
 * writes them little-endian, so {@link readTlvs} takes both.
 */
export interface Tlv {
  /** The extension that defines the field, 0 to 0xffff. */
  readonly extensionType: number;
  /** Which field of that extension, 0 to 0xff. */
  readonly fieldType: number;
  /** 0 to 65,535 bytes. */
  readonly value: Uint8Array;
}

const headerSize = 5;

/** Bytes that `writeTlvs` will write; throws CodecError `value-out-of-range` naming the TLV. */
export function tlvsSize(tlvs: readonly Tlv[]): number {
  let size = 0;
  tlvs.forEach(({ extensionType, fieldType, value }, index) => {
    const inRange =
      Number.isInteger(extensionType) &&
      extensionType >= 0 &&
      extensionType <= 0xffff &&
      Number.isInteger(fieldType) &&
      fieldType >= 0 &&
      fieldType <= 0xff &&
      value instanceof Uint8Array &&
      value.length <= 0xffff;
    if (!inRange) {
      throw new CodecError(
        'value-out-of-range',
        'expected extensionType 0 to 65535, fieldType 0 to 255 and a value of at most 65535 bytes',
        { field: `tlvs[${index}]` },
      );
    }
    size += headerSize + value.length;
  });
  return size;
}

/** Writes TLVs at `offset`, ordered by extension type as §3.4.3 demands (fields of one extension keep their order). */
export function writeTlvs(bytes: Uint8Array, offset: number, tlvs: readonly Tlv[]): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const { extensionType, fieldType, value } of [...tlvs].sort(
    (a, b) => a.extensionType - b.extensionType,
  )) {
    view.setUint16(offset, extensionType);
    view.setUint8(offset + 2, fieldType);
    view.setUint16(offset + 3, value.length);
    bytes.set(value, offset + headerSize);
    offset += headerSize + value.length;
  }
}

/**
 * Reads TLVs from `offset` to the end. Values are views of `bytes`.
 *
 * Big-endian is what the specification shows and little-endian what the reference implementation sends
 * (`extensions_sv2` 0.3). Few bytes make whole TLVs in both orders, mostly those with empty values: then
 * little-endian holds if only with it all extension types are ones that exist, see {@link isAllocated}.
 * @throws CodecError `trailing-bytes` if the rest is not a whole number of TLVs in either order
 */
export function readTlvs(bytes: Uint8Array, offset: number): readonly Tlv[] {
  const bigEndian = parseTlvs(bytes, offset, false);
  if (typeof bigEndian !== 'number' && bigEndian.every(isAllocated)) return bigEndian;
  const littleEndian = parseTlvs(bytes, offset, true);
  if (typeof littleEndian !== 'number' && littleEndian.every(isAllocated)) return littleEndian;
  if (typeof bigEndian !== 'number') return bigEndian;
  if (typeof littleEndian !== 'number') return littleEndian;
  throw new CodecError('trailing-bytes', `${bytes.length - offset} bytes after the last field are not TLVs`, {
    offset: bigEndian,
  });
}

/**
 * Whether an extension type can be in use: they are allocated one by one from 1 up, and from 0x4000 are those for
 * experiments (spec §3.4). With its bytes swapped, a type of the first few is neither.
 */
const isAllocated = ({ extensionType }: Tlv): boolean => extensionType <= 0xff || extensionType >= 0x4000;

/** The TLVs from `offset` to the end, or where they stop being any. */
function parseTlvs(bytes: Uint8Array, offset: number, littleEndian: boolean): readonly Tlv[] | number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tlvs: Tlv[] = [];
  while (offset < bytes.length) {
    const left = bytes.length - offset;
    const length = left < headerSize ? 0 : view.getUint16(offset + 3, littleEndian);
    if (left < headerSize + length) return offset;
    tlvs.push({
      extensionType: view.getUint16(offset, littleEndian),
      fieldType: view.getUint8(offset + 2),
      value: bytes.subarray(offset + headerSize, offset + headerSize + length),
    });
    offset += headerSize + length;
  }
  return tlvs;
}
