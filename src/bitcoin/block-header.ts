import { Sv2Error } from '../codec/errors.js';
import { doubleSha256 } from './hash.js';

/** The bytes of a serialised block header. */
export const BLOCK_HEADER_SIZE = 80;

/** A block header. Hashes are 32 bytes in wire order, the rest are U32. */
export interface BlockHeader {
  readonly version: number;
  readonly prevHash: Uint8Array;
  readonly merkleRoot: Uint8Array;
  readonly ntime: number;
  readonly nbits: number;
  readonly nonce: number;
}

/**
 * Serialises a block header: version, prevHash, merkleRoot, ntime, nbits, nonce, integers little-endian.
 *
 * @returns 80 bytes
 * @throws Sv2Error `invalid-length` when a hash isn't 32 bytes, `out-of-range` when an integer isn't a U32
 */
export const serialiseBlockHeader = (header: BlockHeader): Uint8Array => {
  const bytes = new Uint8Array(BLOCK_HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  const u32 = (offset: number, name: 'version' | 'ntime' | 'nbits' | 'nonce'): void => {
    const value = header[name];
    if (value >>> 0 !== value) {
      throw new Sv2Error(
        'out-of-range',
        `header field ${name} must be an unsigned 32-bit integer, got ${value}`,
        { [name]: value },
      );
    }
    view.setUint32(offset, value, true);
  };
  const hash = (offset: number, name: 'prevHash' | 'merkleRoot'): void => {
    const value = header[name];
    requireHashLength(value, name);
    bytes.set(value, offset);
  };
  u32(0, 'version');
  hash(4, 'prevHash');
  hash(36, 'merkleRoot');
  u32(68, 'ntime');
  u32(72, 'nbits');
  u32(76, 'nonce');
  return bytes;
};

/**
 * Parses a serialised block header.
 *
 * @param bytes exactly 80 bytes
 * @returns the header; its hashes are views of `bytes`
 * @throws Sv2Error `invalid-length`
 */
export const parseBlockHeader = (bytes: Uint8Array): BlockHeader => {
  requireHeaderLength(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, BLOCK_HEADER_SIZE);
  return {
    version: view.getUint32(0, true),
    prevHash: bytes.subarray(4, 36),
    merkleRoot: bytes.subarray(36, 68),
    ntime: view.getUint32(68, true),
    nbits: view.getUint32(72, true),
    nonce: view.getUint32(76, true),
  };
};

/**
 * The hash of a block header.
 *
 * @param header the header, or its 80 serialised bytes
 * @returns 32 bytes in wire order, to be compared with a target by `meetsTarget`
 * @throws Sv2Error as {@link serialiseBlockHeader}, or `invalid-length`
 */
export const blockHash = (header: BlockHeader | Uint8Array): Uint8Array => {
  if (!(header instanceof Uint8Array)) return doubleSha256(serialiseBlockHeader(header));
  requireHeaderLength(header);
  return doubleSha256(header);
};

/**
 * The hash of the header that these make up: {@link blockHash} for who has many to hash, and not the bytes.
 *
 * @param version U32
 * @param prevHash 32 bytes in wire order
 * @param merkleRoot 32 bytes in wire order
 * @param ntime U32
 * @param nbits U32
 * @param nonce U32
 * @returns 32 bytes in wire order
 * @throws Sv2Error `invalid-length` when a hash isn't 32 bytes
 */
export const blockHashOf = (
  version: number,
  prevHash: Uint8Array,
  merkleRoot: Uint8Array,
  ntime: number,
  nbits: number,
  nonce: number,
): Uint8Array => {
  requireHashLength(prevHash, 'prevHash');
  requireHashLength(merkleRoot, 'merkleRoot');
  putU32(0, version);
  scratch.set(prevHash, 4);
  scratch.set(merkleRoot, 36);
  putU32(68, ntime);
  putU32(72, nbits);
  putU32(76, nonce);
  return doubleSha256(scratch);
};

/** A header on its way to its hash; a buffer for each would cost as much as the hash. */
const scratch = new Uint8Array(BLOCK_HEADER_SIZE);

const putU32 = (offset: number, value: number): void => {
  scratch[offset] = value;
  scratch[offset + 1] = value >>> 8;
  scratch[offset + 2] = value >>> 16;
  scratch[offset + 3] = value >>> 24;
};

const requireHashLength = (bytes: Uint8Array, name: 'prevHash' | 'merkleRoot'): void => {
  if (bytes.length === 32) return;
  throw new Sv2Error('invalid-length', `header field ${name} must be 32 bytes, got ${bytes.length}`, {
    length: bytes.length,
  });
};

const requireHeaderLength = (bytes: Uint8Array): void => {
  if (bytes.length !== BLOCK_HEADER_SIZE) {
    throw new Sv2Error(
      'invalid-length',
      `a block header must be ${BLOCK_HEADER_SIZE} bytes, got ${bytes.length}`,
      {
        length: bytes.length,
      },
    );
  }
};
