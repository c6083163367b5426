/** A cursor over a buffer of exactly the size that will be written. Integers are little-endian (spec §3.1). */
export class Writer {
  private readonly view: DataView;

  /**
   * @param bytes where to write
   * @param offset where the next write starts
   */
  constructor(
    readonly bytes: Uint8Array,
    public offset = 0,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Writes 1 byte. */
  u8(value: number): void {
    this.view.setUint8(this.offset, value);
    this.offset += 1;
  }

  /** Writes 2 bytes. */
  u16(value: number): void {
    this.view.setUint16(this.offset, value, true);
    this.offset += 2;
  }

  /** Writes 3 bytes. */
  u24(value: number): void {
    this.view.setUint16(this.offset, value & 0xffff, true);
    this.view.setUint8(this.offset + 2, value >>> 16);
    this.offset += 3;
  }

  /** Writes 4 bytes. */
  u32(value: number): void {
    this.view.setUint32(this.offset, value, true);
    this.offset += 4;
  }

  /** Writes 8 bytes. */
  u64(value: bigint): void {
    this.view.setBigUint64(this.offset, value, true);
    this.offset += 8;
  }

  /** Writes 4 bytes, an IEEE 754 single. */
  f32(value: number): void {
    this.view.setFloat32(this.offset, value, true);
    this.offset += 4;
  }

  /** Copies `value` in. */
  put(value: Uint8Array): void {
    this.bytes.set(value, this.offset);
    this.offset += value.length;
  }
}
