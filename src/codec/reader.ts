import { CodecError } from './codec-error.js';

/** Turns 8 bytes into a U64 or 4 into an F32; one for all readers, a DataView each would cost more than reading. */
const scratch = new DataView(new ArrayBuffer(8));

/** A cursor over received bytes. All multi-byte integers are little-endian (spec §3.1). */
export class Reader {
  /**
   * @param bytes what to read; byte fields are returned as views of it, not copies
   * @param offset where the next read starts
   */
  constructor(
    readonly bytes: Uint8Array,
    public offset = 0,
  ) {}

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

  /** The 4 bytes at `start` as a signed integer. */
  private word(start: number): number {
    const { bytes } = this;
    return (
      (bytes[start] as number) |
      ((bytes[start + 1] as number) << 8) |
      ((bytes[start + 2] as number) << 16) |
      ((bytes[start + 3] as number) << 24)
    );
  }

  /** Reads 1 byte as an unsigned integer. */
  u8(): number {
    return this.bytes[this.advance(1)] as number;
  }

  /** Reads 2 bytes as an unsigned integer. */
  u16(): number {
    const start = this.advance(2);
    return (this.bytes[start] as number) | ((this.bytes[start + 1] as number) << 8);
  }

  /** Reads 3 bytes as an unsigned integer. */
  u24(): number {
    const start = this.advance(3);
    return (
      (this.bytes[start] as number) |
      ((this.bytes[start + 1] as number) << 8) |
      ((this.bytes[start + 2] as number) << 16)
    );
  }

  /** Reads 4 bytes as an unsigned integer. */
  u32(): number {
    return this.word(this.advance(4)) >>> 0;
  }

  /** Reads 8 bytes as an unsigned integer. */
  u64(): bigint {
    const start = this.advance(8);
    scratch.setInt32(0, this.word(start), true);
    scratch.setInt32(4, this.word(start + 4), true);
    return scratch.getBigUint64(0, true);
  }

  /** Reads 4 bytes as an IEEE 754 single. */
  f32(): number {
    scratch.setInt32(0, this.word(this.advance(4)), true);
    return scratch.getFloat32(0, true);
  }

  /** Returns a view of the next `length` bytes. */
  take(length: number): Uint8Array {
    const start = this.advance(length);
    return this.bytes.subarray(start, start + length);
  }
}
