import { describe, expect, it } from '@jest/globals';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { providers } from './providers.js';

describe.each(providers)('hashes of %s', (_, crypto) => {
  it('SHA-256 of the Noise protocol name, which the reference implementation has as a constant', () => {
    expect(bytesToHex(crypto.sha256(utf8ToBytes('Noise_NX_Secp256k1+EllSwift_ChaChaPoly_SHA256')))).toBe(
      '2eb47881208e9eee1f669f67c66ee70ea9ea88090d503fe830dc4bc83e29bf10',
    );
  });

  it('HMAC-SHA-256 of RFC 4231, test case 1', () => {
    const key = new Uint8Array(20).fill(0x0b);
    expect(crypto.hmacSha256(key, utf8ToBytes('Hi There'))).toEqual(
      hexToBytes('b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'),
    );
  });

  it('random bytes have the length asked for and differ', () => {
    expect(crypto.randomBytes(32)).toHaveLength(32);
    expect(crypto.randomBytes(32)).not.toEqual(crypto.randomBytes(32));
  });
});
