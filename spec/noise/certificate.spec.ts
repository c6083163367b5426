import { describe, expect, it, test } from '@jest/globals';
import { defaultCrypto } from '../../src/crypto/index.js';
import {
  decodeSignatureNoiseMessage,
  encodeSignatureNoiseMessage,
  signCertificate,
  verifyCertificate,
} from '../../src/noise/index.js';
import { authorityKeys, codeOf } from './fixtures.js';

const authority = authorityKeys();
const serverPublicKey = authorityKeys(5).publicKey;
const [validFrom, notValidAfter] = [1000, 2000];
const certificate = signCertificate(defaultCrypto, {
  authoritySecretKey: authority.secretKey,
  serverPublicKey,
  validFrom,
  notValidAfter,
});
const verify = (
  now: number,
  changed: Partial<typeof certificate> = {},
  authorityPublicKey: Uint8Array | undefined = authority.publicKey,
  serverKey = serverPublicKey,
) =>
  codeOf(() =>
    verifyCertificate(
      defaultCrypto,
      { ...certificate, ...changed },
      { serverPublicKey: serverKey, authorityPublicKey, now },
    ),
  );

describe('a certificate', () => {
  it('is 74 bytes, integers little-endian', () => {
    const bytes = encodeSignatureNoiseMessage({
      version: 0x0102,
      validFrom: 0x03040506,
      notValidAfter: 0xf708090a,
      signature: new Uint8Array(64).fill(0xee),
    });
    expect([...bytes]).toEqual([2, 1, 6, 5, 4, 3, 10, 9, 8, 0xf7, ...new Array<number>(64).fill(0xee)]);
    expect(encodeSignatureNoiseMessage(decodeSignatureNoiseMessage(bytes))).toEqual(bytes);
    const inside = new Uint8Array(80);
    inside.set(bytes, 3);
    expect(decodeSignatureNoiseMessage(inside.subarray(3, 77)).notValidAfter).toBe(0xf708090a);
  });

  test.each([
    [989, 'certificate-not-yet-valid'],
    [990, undefined],
    [1000, undefined],
    [2000, undefined],
    [2010, undefined],
    [2011, 'certificate-expired'],
  ])('with ten seconds of leeway at both ends, at %i gives %s', (now, code) => {
    expect(verify(now)).toBe(code);
  });

  it('says in its errors when it is valid', () => {
    const check = (now: number) => () =>
      verifyCertificate(defaultCrypto, certificate, {
        serverPublicKey,
        authorityPublicKey: authority.publicKey,
        now,
      });
    expect(check(5000)).toThrow(
      /expired at 1970-01-01 00:33:20 UTC, here it is 1970-01-01 01:23:20 UTC: check the clock/,
    );
    expect(check(5)).toThrow(
      /valid from 1970-01-01 00:16:40 UTC on, here it is 1970-01-01 00:00:05 UTC: check the clock/,
    );
  });

  it('is refused when anything that was signed has changed, or the signer is another', () => {
    const wrong = 'certificate-wrong-authority';
    expect(verify(1500, {}, authorityKeys(6).publicKey)).toBe(wrong);
    expect(verify(1500, {}, authority.publicKey, authorityKeys(7).publicKey)).toBe(wrong);
    expect(verify(1500, { validFrom: 999 })).toBe(wrong);
    expect(verify(1500, { notValidAfter: 2001 })).toBe(wrong);
    for (const i of [0, 31, 32, 63]) {
      const signature = certificate.signature.slice();
      signature[i]! ^= 1;
      expect(verify(1500, { signature })).toBe(wrong);
    }
    // dates of an unknown signer are not worth reading
    expect(verify(9999, { notValidAfter: 2001 })).toBe(wrong);
  });

  it('is refused in any other version, even by those who accept any authority', () => {
    expect(verify(1500, { version: 1 })).toBe('certificate-version-unsupported');
    const check = (version: number) => () =>
      verifyCertificate(
        defaultCrypto,
        { ...certificate, version },
        { serverPublicKey, authorityPublicKey: undefined, now: 9999 },
      );
    expect(check(0x100)).toThrow(expect.objectContaining({ code: 'certificate-version-unsupported' }));
    expect(check(0)).not.toThrow();
  });

  test.each([
    [10, 9],
    [-1, 9],
    [1.5, 9],
    [0, 2 ** 32],
  ])('is not issued for %d to %d', (validFrom, notValidAfter) => {
    const request = { authoritySecretKey: authority.secretKey, serverPublicKey, validFrom, notValidAfter };
    expect(codeOf(() => signCertificate(defaultCrypto, request))).toBe('certificate-validity');
  });
});
