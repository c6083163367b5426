import { CodecError } from './codec-error.js';

/**
 * A field that an extension appends to a message (spec §3.4.3).
 * On the wire: extension type (U16), field type (U8), length (U16), value. The integers are little-endian, as every
 * U16 of the protocol (spec §3.1) and as the reference implementation reads them; the bytes that the specification
 * shows are big-endian, so {@link readTlvs} takes both.
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
    view.setUint16(offset, extensionType, true);
    view.setUint8(offset + 2, fieldType);
    view.setUint16(offset + 3, value.length, true);
    bytes.set(value, offset + headerSize);
    offset += headerSize + value.length;
  }
}

/**
 * The most TLVs that one message may have. Each extension known so far defines one; a frame of thousands of empty
 * ones would cost a hundred times as much to read as its length does otherwise.
 */
const maxTlvs = 6;

/**
 * Reads TLVs from `offset` to the end. Values are views of `bytes`.
 *
 * Little-endian is what the reference implementation sends (`extensions_sv2` 0.3) and big-endian what the
 * specification shows. Few bytes make whole TLVs in both orders, mostly those with empty values: then big-endian
 * holds if only with it all extension types are ones that exist, see {@link isAllocated}.
 * @throws CodecError `trailing-bytes` if the rest is not a whole number of TLVs in either order,
 * `length-out-of-bounds` if there are more than 6
 */
export function readTlvs(bytes: Uint8Array, offset: number): readonly Tlv[] {
  const littleEndian = scan(bytes, offset, true);
  if (littleEndian.whole && littleEndian.allocated) return parse(bytes, offset, true);
  const bigEndian = scan(bytes, offset, false);
  if (bigEndian.whole && bigEndian.allocated) return parse(bytes, offset, false);
  if (littleEndian.whole) return parse(bytes, offset, true);
  if (bigEndian.whole) return parse(bytes, offset, false);
  if (bigEndian.count > maxTlvs || littleEndian.count > maxTlvs) {
    throw new CodecError('length-out-of-bounds', `a message may have at most ${maxTlvs} TLVs`, { offset });
  }
  throw new CodecError('trailing-bytes', `${bytes.length - offset} bytes after the last field are not TLVs`, {
    offset: littleEndian.end,
  });
}

/**
 * Whether an extension type can be in use: they are allocated one by one from 1 up, and from 0x4000 are those for
 * experiments (spec §3.4). With its bytes swapped, a type of the first few is neither.
 */
const isAllocated = (extensionType: number): boolean => extensionType <= 0xff || extensionType >= 0x4000;

const u16 = (bytes: Uint8Array, offset: number, littleEndian: boolean): number => {
  const first = bytes[offset] as number;
  const second = bytes[offset + 1] as number;
  return littleEndian ? first | (second << 8) : (first << 8) | second;
};

/** What the bytes from `offset` on are in one byte order; looks at one TLV more than there may be at most. */
function scan(bytes: Uint8Array, offset: number, littleEndian: boolean) {
  let allocated = true;
  let count = 0;
  let end = offset;
  while (end < bytes.length && count <= maxTlvs) {
    const left = bytes.length - end;
    const length = left < headerSize ? 0 : u16(bytes, end + 3, littleEndian);
    if (left < headerSize + length) return { whole: false, allocated, count, end };
    allocated &&= isAllocated(u16(bytes, end, littleEndian));
    count += 1;
    end += headerSize + length;
  }
  return { whole: count <= maxTlvs, allocated, count, end };
}

/** The TLVs of bytes that `scan` has found whole. */
function parse(bytes: Uint8Array, offset: number, littleEndian: boolean): readonly Tlv[] {
  const tlvs: Tlv[] = [];
  while (offset < bytes.length) {
    const end = offset + headerSize + u16(bytes, offset + 3, littleEndian);
    tlvs.push({
      extensionType: u16(bytes, offset, littleEndian),
      fieldType: bytes[offset + 2] as number,
      value: bytes.subarray(offset + headerSize, end),
    });
    offset = end;
  }
  return tlvs;
}
