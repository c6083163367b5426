import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CodecError, readTlvs, tlvsSize, writeTlvs, type Tlv } from '../../src/codec/index.js';
import { SubmitSharesExtended, userIdentityOf, userIdentityTlv } from '../../src/messages/index.js';
import { tlvsArbitrary } from '../../src/testing/arbitraries.js';

const hex = (text: string) =>
  Uint8Array.from(text.match(/[0-9a-f]{2}/gi) ?? [], (byte) => parseInt(byte, 16));

function encode(tlvs: readonly Tlv[]): Uint8Array {
  const bytes = new Uint8Array(tlvsSize(tlvs));
  writeTlvs(bytes, 0, tlvs);
  return bytes;
}

/** The example of spec §3.4.3, and the same with its integers little-endian, as §3.1 has all of them. */
const example = hex('00 02 01 00 0A 57 6F 72 6B 65 72 5F 30 30 31');
const littleEndian = hex('02 00 01 0A 00 57 6F 72 6B 65 72 5F 30 30 31');

describe('TLVs', () => {
  it('are understood as in the example of §3.4.3', () => {
    const value = new TextEncoder().encode('Worker_001');
    expect(readTlvs(example, 0)).toEqual([{ extensionType: 2, fieldType: 1, value }]);
    const two = Uint8Array.of(...example, ...hex('40 00 07 00 01 FF'));
    expect(readTlvs(two, 0)).toEqual([
      { extensionType: 2, fieldType: 1, value },
      { extensionType: 0x4000, fieldType: 7, value: hex('FF') },
    ]);
  });

  it('are written and read in little-endian, as the reference implementation does', () => {
    const value = new TextEncoder().encode('Worker_001');
    expect(encode([userIdentityTlv('Worker_001')])).toEqual(littleEndian);
    expect(readTlvs(littleEndian, 0)).toEqual([{ extensionType: 2, fieldType: 1, value }]);
    const two = Uint8Array.of(...littleEndian, ...hex('00 40 07 01 00 FF'));
    expect(readTlvs(two, 0)).toEqual([
      { extensionType: 2, fieldType: 1, value },
      { extensionType: 0x4000, fieldType: 7, value: hex('FF') },
    ]);
  });

  it('go by the extension types that exist where both byte orders fit', () => {
    const types = (bytes: Uint8Array) => readTlvs(bytes, 0).map(({ extensionType }) => extensionType);
    expect(types(hex('00 02 01 00 00'))).toEqual([2]);
    expect(types(hex('02 00 01 00 00'))).toEqual([2]);
    expect(types(hex('40 00 01 00 00'))).toEqual([0x40]);
    expect(types(hex('00 40 01 00 00'))).toEqual([0x4000]);
    expect(types(hex('02 03 01 00 00'))).toEqual([0x0302]); // neither: as integers are elsewhere
    expect(types(Uint8Array.of(...hex('02 00 01 02 02'), ...new Uint8Array(0x202)))).toEqual([2]);
    expect(types(Uint8Array.of(...hex('00 02 01 02 02'), ...new Uint8Array(0x202)))).toEqual([2]);
    expect(types(hex('02 00 01 00 00 00 02 01 00 00'))).toEqual([2, 0x200]); // no order makes both exist
  });

  it('follow the fields of the message they extend', () => {
    const fields = { channelId: 1, sequenceNumber: 2, jobId: 3, nonce: 4, ntime: 5, version: 6 };
    const share = SubmitSharesExtended({ ...fields, extranonce: hex('0708') }, [
      userIdentityTlv('Worker_001'),
    ]);
    const payload = SubmitSharesExtended.encode(share);
    expect(payload).toEqual(
      Uint8Array.of(...hex('01000000 02000000 03000000 04000000 05000000 06000000 02 0708'), ...littleEndian),
    );
    const decoded = SubmitSharesExtended.decode(payload);
    expect(decoded).toEqual(share);
    expect(userIdentityOf(decoded)).toBe('Worker_001');
    expect(userIdentityOf(SubmitSharesExtended({ ...fields, extranonce: hex('') }))).toBeUndefined();
  });

  it('survive a round trip', () => {
    fc.assert(
      fc.property(tlvsArbitrary(fc), (tlvs) => {
        expect(readTlvs(encode(tlvs), 0)).toEqual(tlvs);
      }),
      { seed: 42 },
    );
  });

  it('are written in the order of their extension types, those of one extension as given', () => {
    const tlv = (extensionType: number, fieldType: number): Tlv => ({
      extensionType,
      fieldType,
      value: new Uint8Array(0),
    });
    expect(readTlvs(encode([tlv(5, 2), tlv(2, 1), tlv(5, 1)]), 0)).toEqual([tlv(2, 1), tlv(5, 2), tlv(5, 1)]);
  });

  it('name the one that cannot be encoded', () => {
    const value = new Uint8Array(0);
    const bad = [
      { extensionType: 0x10000, fieldType: 0, value },
      { extensionType: -1, fieldType: 0, value },
      { extensionType: 0, fieldType: 256, value },
      { extensionType: 0, fieldType: 0.5, value },
      { extensionType: 0, fieldType: 0, value: new Uint8Array(0x10000) },
      { extensionType: 0, fieldType: 0, value: 'x' as never },
    ];
    for (const tlv of bad) {
      expect(() => tlvsSize([userIdentityTlv('a'), tlv])).toThrow(/^tlvs\[1\]: expected extensionType/);
    }
    const share = {
      channelId: 1,
      sequenceNumber: 2,
      jobId: 3,
      nonce: 4,
      ntime: 5,
      version: 6,
      extranonce: value,
    };
    expect(() => SubmitSharesExtended.encode(SubmitSharesExtended(share, bad))).toThrow(
      /^SubmitSharesExtended\.tlvs\[0\]: /,
    );
  });

  it('must be whole', () => {
    for (let length = 1; length < example.length; length++) {
      expect(() => readTlvs(example.subarray(0, length), 0)).toThrow(CodecError);
      expect(() => readTlvs(littleEndian.subarray(0, length), 0)).toThrow(CodecError);
    }
    expect(() => readTlvs(Uint8Array.of(...littleEndian, 1), 0)).toThrow(
      'at byte 15: 16 bytes after the last field are not TLVs',
    );
  });

  it('are six at most, in either byte order', () => {
    const empty = (fieldType: number): Tlv => ({ extensionType: 2, fieldType, value: new Uint8Array(0) });
    const six = [1, 2, 3, 4, 5, 6].map(empty);
    expect(readTlvs(encode(six), 0)).toEqual(six);
    const seven = encode([...six, empty(7)]);
    const swapped = seven.map((_, at) => seven[at % 5 === 0 ? at + 1 : at % 5 === 1 ? at - 1 : at] as number);
    for (const bytes of [seven, swapped, new Uint8Array(100_000)]) {
      expect(() => readTlvs(bytes, 0)).toThrow('a message may have at most 6 TLVs');
    }
  });
});

describe('the user_identity TLV', () => {
  it('takes 32 bytes and refuses 33, both ways', () => {
    expect(userIdentityOf({ tlvs: [userIdentityTlv('x'.repeat(32))] })).toBe('x'.repeat(32));
    expect(() => userIdentityTlv('x'.repeat(33))).toThrow(CodecError);
    const tooLong = { extensionType: 2, fieldType: 1, value: new Uint8Array(33) };
    expect(() => userIdentityOf({ tlvs: [tooLong] })).toThrow(
      'user_identity TLV: expected at most 32 bytes, got 33',
    );
  });

  it('is found among others', () => {
    const other = { extensionType: 2, fieldType: 2, value: new Uint8Array(1) };
    expect(userIdentityOf({ tlvs: [other, userIdentityTlv('ü')] })).toBe('ü');
    expect(userIdentityOf({ tlvs: [other] })).toBeUndefined();
  });
});
