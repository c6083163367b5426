import { CodecError } from './codec-error.js';

/** A cursor over received bytes. All multi-byte integers are little-endian (spec §3.1). */
export class Reader {
  private readonly view: DataView;

  /**
   * @param bytes what to read; byte fields are returned as views of it, not copies
   * @param offset where the next read starts
   */
  constructor(
    readonly bytes: Uint8Array,
    public offset = 0,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Number of bytes not yet read. */
  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  /** Moves past `length` bytes and returns where they start; throws `truncated` if there are fewer. */
  private advance(length: number): number {
    const start = this.offset;
    if (length > this.bytes.length - start) {
      throw new CodecError('truncated', `expected ${length} more bytes, found ${this.remaining}`, {
        offset: start,
      });
    }
    this.offset = start + length;
    return start;
  }

  /** Reads 1 byte as an unsigned integer. */
  u8(): number {
    return this.view.getUint8(this.advance(1));
  }

  /** Reads 2 bytes as an unsigned integer. */
  u16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  /** Reads 3 bytes as an unsigned integer. */
  u24(): number {
    const start = this.advance(3);
    return this.view.getUint16(start, true) | (this.view.getUint8(start + 2) << 16);
  }

  /** Reads 4 bytes as an unsigned integer. */
  u32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  /** Reads 8 bytes as an unsigned integer. */
  u64(): bigint {
    return this.view.getBigUint64(this.advance(8), true);
  }

  /** Reads 4 bytes as an IEEE 754 single. */
  f32(): number {
    return this.view.getFloat32(this.advance(4), true);
  }

  /** Returns a view of the next `length` bytes. */
  take(length: number): Uint8Array {
    const start = this.advance(length);
    return this.bytes.subarray(start, start + length);
  }
}
