/** Takes U64 and F32 apart into 32-bit words; one for all writers, a DataView each would cost more than writing. */
const scratch = new DataView(new ArrayBuffer(8));

/** A cursor over a buffer of exactly the size that will be written. Integers are little-endian (spec §3.1). */
export class Writer {
  /**
   * @param bytes where to write
   * @param offset where the next write starts
   */
  constructor(
    readonly bytes: Uint8Array,
    public offset = 0,
  ) {}

  /** Writes 1 byte. */
  u8(value: number): void {
    this.bytes[this.offset++] = value;
  }

  /** Writes 2 bytes. */
  u16(value: number): void {
    this.bytes[this.offset++] = value;
    this.bytes[this.offset++] = value >>> 8;
  }

  /** Writes 3 bytes. */
  u24(value: number): void {
    this.bytes[this.offset++] = value;
    this.bytes[this.offset++] = value >>> 8;
    this.bytes[this.offset++] = value >>> 16;
  }

  /** Writes 4 bytes. */
  u32(value: number): void {
    this.bytes[this.offset++] = value;
    this.bytes[this.offset++] = value >>> 8;
    this.bytes[this.offset++] = value >>> 16;
    this.bytes[this.offset++] = value >>> 24;
  }

  /** Writes 8 bytes. */
  u64(value: bigint): void {
    scratch.setBigUint64(0, value, true);
    this.u32(scratch.getUint32(0, true));
    this.u32(scratch.getUint32(4, true));
  }

  /** Writes 4 bytes, an IEEE 754 single. */
  f32(value: number): void {
    scratch.setFloat32(0, value, true);
    this.u32(scratch.getUint32(0, true));
  }

  /** Copies `value` in. */
  put(value: Uint8Array): void {
    this.bytes.set(value, this.offset);
    this.offset += value.length;
  }
}
