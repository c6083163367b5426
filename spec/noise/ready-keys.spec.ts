import { describe, expect, it } from '@jest/globals';
import { defaultCrypto } from '../../src/crypto/index.js';
import { createInitiator, createStaticKey, generateAuthorityKeyPair } from '../../src/noise/index.js';
import { respondWithKeys } from '../../src/noise/handshake.js';
import { readyKeys } from '../../src/noise/ready-keys.js';

const encoded = ({ publicKey }: { readonly publicKey: { readonly encoded: Uint8Array } }): string =>
  Buffer.from(publicKey.encoded).toString('hex');

describe('key pairs made ahead', () => {
  it('are as many as there is room for, taken once each, and made on the spot when there is none', () => {
    let made = 0;
    const crypto = { ...defaultCrypto, generateKeyPair: () => (made++, defaultCrypto.generateKeyPair()) };
    const keys = readyKeys(crypto, 2);
    expect([keys.make(), keys.make(), keys.make(), made]).toEqual([true, false, false, 2]);
    const taken = [keys.take(), keys.take(), keys.take()];
    expect(made).toBe(3);
    expect(new Set(taken.map(encoded)).size).toBe(3);
  });

  it('serve a handshake, which destroys them', () => {
    const authority = generateAuthorityKeyPair(defaultCrypto);
    const options = { authoritySecretKey: authority.secretKey, certValiditySeconds: 3600 };
    const identity = createStaticKey(defaultCrypto, options).identity(1000);
    const keys = readyKeys(defaultCrypto, 1);
    keys.make();
    const pair = keys.take();
    const initiator = createInitiator(defaultCrypto, authority.publicKey);
    const { act2 } = respondWithKeys(defaultCrypto, identity, initiator.act1, () => pair);
    expect(Buffer.from(act2.subarray(0, 64)).toString('hex')).toBe(encoded(pair));
    expect(() => initiator.finish(act2, 1000)).not.toThrow();
    expect(() => pair.ecdh(pair.publicKey, false)).toThrow(
      expect.objectContaining({ code: 'key-destroyed' }),
    );
  });
});
