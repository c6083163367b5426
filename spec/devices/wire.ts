/** Frames and fields as a firmware reads and writes them: by offset, and with nothing of the library. */
import { createHash } from 'node:crypto';

/** Bytes of a frame header: extension type and channel bit (U16), message type (U8), length (U24). */
const headerSize = 6;

/** A frame as it came. */
export interface Frame {
  readonly extension: number;
  readonly type: number;
  readonly payload: Uint8Array;
}

/**
 * Cuts bytes into frames.
 * @param maxFrame bytes of the longest frame that there is room for
 * @returns takes the next bytes, returns the frames they complete; throws for a longer frame
 */
export function frameReader(maxFrame: number): (chunk: Uint8Array) => Frame[] {
  let rest = new Uint8Array(0);
  return (chunk) => {
    rest = joined(rest, chunk);
    const frames: Frame[] = [];
    while (rest.length >= headerSize) {
      const view = viewOf(rest);
      const length = view.getUint16(3, true) + rest[5]! * 65_536;
      const type = rest[2]!;
      if (headerSize + length > maxFrame)
        throw new Error(`a frame of type ${type} has ${headerSize + length} bytes`);
      if (rest.length < headerSize + length) break;
      const payload = rest.slice(headerSize, headerSize + length);
      frames.push({ extension: view.getUint16(0, true) & 0x7fff, type, payload });
      rest = rest.slice(headerSize + length);
    }
    return frames;
  };
}

/** Fields to write: numbers behind their kind, bytes and texts as they are. */
export type Field =
  | readonly ['u8' | 'u16' | 'u32' | 'f32', number]
  /** Behind a length of one byte. */
  | readonly ['b8', Uint8Array | string]
  | readonly ['raw', Uint8Array];

/** A frame of extension 0. */
export function frame(type: number, isForChannel: boolean, fields: readonly Field[]): Uint8Array {
  const payload = joined(...fields.map(fieldBytes));
  const header = new Uint8Array(headerSize);
  const view = viewOf(header);
  view.setUint16(0, isForChannel ? 0x8000 : 0, true);
  view.setUint8(2, type);
  view.setUint16(3, payload.length & 0xffff, true);
  view.setUint8(5, payload.length >>> 16);
  return joined(header, payload);
}

function fieldBytes([kind, value]: Field): Uint8Array {
  if (kind === 'raw') return value;
  if (kind === 'b8') {
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
    return joined(Uint8Array.of(bytes.length), bytes);
  }
  const bytes = new Uint8Array({ u8: 1, u16: 2, u32: 4, f32: 4 }[kind]);
  const view = viewOf(bytes);
  if (kind === 'u8') view.setUint8(0, value);
  else if (kind === 'u16') view.setUint16(0, value, true);
  else if (kind === 'u32') view.setUint32(0, value, true);
  else view.setFloat32(0, value, true);
  return bytes;
}

/** Reads fields one after the other; throws behind the end. */
export interface Cursor {
  u8(): number;
  u16(): number;
  u32(): number;
  bytes(length: number): Uint8Array;
  /** Bytes behind a length of one byte. */
  b8(): Uint8Array;
  text(): string;
}

/** A cursor at the beginning of a payload. */
export function cursor(payload: Uint8Array): Cursor {
  const view = viewOf(payload);
  let at = 0;
  const past = (length: number): number => {
    at += length;
    if (at > payload.length) throw new Error('a message is too short');
    return at - length;
  };
  const bytes = (length: number): Uint8Array => {
    const from = past(length);
    return payload.slice(from, from + length);
  };
  return {
    u8: () => view.getUint8(past(1)),
    u16: () => view.getUint16(past(2), true),
    u32: () => view.getUint32(past(4), true),
    bytes,
    b8: () => bytes(view.getUint8(past(1))),
    text: () => new TextDecoder().decode(bytes(view.getUint8(past(1)))),
  };
}

/** SHA-256 twice. @returns 32 bytes */
export function hash256(...parts: readonly Uint8Array[]): Uint8Array {
  const once = createHash('sha256')
    .update(joined(...parts))
    .digest();
  return new Uint8Array(createHash('sha256').update(once).digest());
}

/** Whether a hash is at or below a target: 32 bytes each, little-endian. */
export function meets(hash: Uint8Array, target: Uint8Array): boolean {
  const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
  return number(hash) <= number(target);
}

/** Bytes one behind the other. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);
