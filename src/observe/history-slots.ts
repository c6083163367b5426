/** Slots of a history as bytes: what is written of it, and read again after a restart. */
import type { HistorySlot, Resolution } from './history.js';

/** What is known of the form of a file by its first bytes. */
const magic = 'rx-sv2 history ';

/** What a file of slots holds; nothing else is read from it or written to it. */
export interface SlotsForm {
  readonly names: readonly string[];
  readonly resolutions: readonly Resolution[];
}

/** What was read. See {@link decodeSlots}. */
export interface DecodedSlots {
  /** Each slot once, as it was written last. */
  readonly slots: readonly HistorySlot[];
  /** Bytes from the first record that is no record to the end: what a power failure leaves. */
  readonly cutBytes: number;
  /** Slots that were still to come: the clock was wrong then, or is now. */
  readonly futureSlots: number;
  /** Records, of which some may be of one slot. */
  readonly records: number;
}

/** The line a file begins with: version, values, and milliseconds of slots. Of another it is another version's. */
const headerOf = ({ names, resolutions }: SlotsForm): Uint8Array =>
  new TextEncoder().encode(`${magic}1 ${names.join(',')} ${resolutions.map(({ step }) => step).join(',')}\n`);

/** Resolution (1 byte) and slot number (4), for each value how often it was seen (2) and its mean (4), checksum (4). */
const recordSize = ({ names }: SlotsForm): number => 5 + 6 * names.length + 4;

/** Bytes of a file with so many records. */
export const slotsSize = (form: SlotsForm, records: number): number =>
  headerOf(form).length + records * recordSize(form);

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** The checksum of Ethernet and gzip (ISO 3309): zeros, which a power failure leaves, do not have the checksum 0. */
function crc32(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (crcTable[(value ^ byte) & 0xff] as number) ^ (value >>> 8);
  return ~value >>> 0;
}

/** How a file of slots begins. */
export const slotsHeader = headerOf;

/** Slots as records, little-endian, to be put after others; of a slot that comes again the last one counts. */
export function encodeSlots(form: SlotsForm, slots: readonly HistorySlot[]): Uint8Array {
  const size = recordSize(form);
  const bytes = new Uint8Array(slots.length * size);
  const view = new DataView(bytes.buffer);
  for (const [index, { step, slot, values }] of slots.entries()) {
    const at = index * size;
    bytes[at] = form.resolutions.findIndex((each) => each.step === step);
    view.setUint32(at + 1, slot, true);
    for (const [place] of form.names.entries()) {
      const { count, mean } = values[place] ?? { count: 0, mean: 0 };
      const offset = at + 5 + 6 * place;
      view.setUint16(offset, Math.min(count, 0xffff), true);
      view.setFloat32(offset + 2, mean, true);
    }
    view.setUint32(at + size - 4, crc32(bytes.subarray(at, at + size - 4)), true);
  }
  return bytes;
}

/**
 * Reads what was written, up to the first record that is none.
 * @param bytes of a whole file, which may be empty
 * @param now milliseconds since 1970: what is of later, or longer ago than is kept, is left out
 * @returns undefined for what does not begin as a file of this form does: it is somebody else's, or another version's
 */
export function decodeSlots(form: SlotsForm, bytes: Uint8Array, now: number): DecodedSlots | undefined {
  const header = headerOf(form);
  const begun = Math.min(header.length, bytes.length);
  if (!header.subarray(0, begun).every((byte, index) => byte === bytes[index])) return undefined;
  const none = { slots: [], futureSlots: 0, records: 0 };
  if (begun < header.length) return { ...none, cutBytes: begun };
  const size = recordSize(form);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = new Map<string, HistorySlot>();
  const future = new Set<string>();
  let at = header.length;
  for (; at + size <= bytes.length; at += size) {
    const resolution = form.resolutions[bytes[at] as number];
    if (resolution === undefined) break;
    if (view.getUint32(at + size - 4, true) !== crc32(bytes.subarray(at, at + size - 4))) break;
    const { step, slots } = resolution;
    const [slot, last] = [view.getUint32(at + 1, true), Math.floor(now / step)];
    const key = `${step} ${slot}`;
    if (slot > last) future.add(key);
    if (slot > last || slot <= last - slots) continue;
    const values = form.names.map((_, place) => {
      const offset = at + 5 + 6 * place;
      return { count: view.getUint16(offset, true), mean: view.getFloat32(offset + 2, true) };
    });
    found.set(key, { step, slot, values });
  }
  return {
    slots: [...found.values()],
    cutBytes: bytes.length - at,
    futureSlots: future.size,
    records: (at - header.length) / size,
  };
}
