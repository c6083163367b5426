import { describe, expect, it, test } from '@jest/globals';
import { defaultCrypto } from '../../src/crypto/index.js';
import { createStaticKey, verifyCertificate, type ResponderIdentity } from '../../src/noise/index.js';
import { authorityKeys, codeOf, now, staticKey } from './fixtures.js';

describe("a responder's static key", () => {
  it('comes with a certificate of its authority, valid from five minutes ago', () => {
    const { keyPair, certificate } = staticKey(3600).identity(now + 0.7);
    expect(certificate).toMatchObject({ version: 0, validFrom: now - 300, notValidAfter: now + 3600 });
    verifyCertificate(defaultCrypto, certificate, {
      serverPublicKey: defaultCrypto.publicKey(keyPair.publicKey.encoded).x,
      authorityPublicKey: authorityKeys().publicKey,
      now,
    });
  });

  it('is accepted at once by initiators whose clock is behind by five minutes', () => {
    const { keyPair, certificate } = staticKey(3600).identity(now);
    const at = (clock: number) => () =>
      verifyCertificate(defaultCrypto, certificate, {
        serverPublicKey: keyPair.publicKey.x,
        authorityPublicKey: authorityKeys().publicKey,
        now: clock,
      });
    expect(at(now - 300)).not.toThrow();
    expect(at(now - 311)).toThrow(/check the clock/);
  });

  it('is the same over many connections, and another from half of its validity on', () => {
    const key = staticKey(3600);
    const first = key.identity(now);
    expect(key.identity(now)).toBe(first);
    expect(key.identity(now + 1799)).toBe(first);
    const second = key.identity(now + 1800);
    expect(second).not.toBe(first);
    expect(second.certificate.validFrom).toBe(now + 1500);
    expect(second.keyPair.publicKey).not.toEqual(first.keyPair.publicKey);
    expect(key.identity(now + 3599)).toBe(second);
    expect(key.identity(now + 100_000).certificate.notValidAfter).toBe(now + 103_600);
  });

  it('is renewed when the clock was set back to before it was issued', () => {
    const key = staticKey(3600);
    key.identity(now);
    expect(key.identity(now - 1).certificate.validFrom).toBe(now - 301);
  });

  it('is always valid when it is shown, however short its validity', () => {
    const key = staticKey(1);
    for (let second = now; second < now + 5; second++) {
      expect(key.identity(second).certificate).toMatchObject({
        validFrom: second - 300,
        notValidAfter: second + 1,
      });
    }
  });

  it('stops at the last second that a certificate can express', () => {
    expect(staticKey(0xffff_ffff).identity(now).certificate.notValidAfter).toBe(0xffff_ffff);
    expect(codeOf(() => staticKey().identity(2 ** 32))).toBe('certificate-validity');
    expect(codeOf(() => staticKey().identity(Number.NaN))).toBe('certificate-validity');
  });

  it('destroys the key pair it replaces, and all of them when it is destroyed', () => {
    const key = staticKey(3600);
    const use = ({ keyPair }: ResponderIdentity) => codeOf(() => keyPair.ecdh(keyPair.publicKey, false));
    const first = key.identity(now);
    expect(use(first)).toBeUndefined();
    const second = key.identity(now + 3600);
    expect(use(first)).toBe('key-destroyed');
    expect(use(second)).toBeUndefined();
    key.destroy();
    expect(use(second)).toBe('key-destroyed');
    expect(codeOf(() => key.identity(now))).toBe('key-destroyed');
  });

  it('does not need the secret key of its authority to be kept', () => {
    const authoritySecretKey = authorityKeys().secretKey;
    const key = createStaticKey(defaultCrypto, { authoritySecretKey, certValiditySeconds: 60 });
    authoritySecretKey.fill(0);
    expect(codeOf(() => key.identity(now))).toBeUndefined();
  });

  test.each([0, -1, 1.5, 2 ** 32, Number.NaN])('refuses a validity of %d seconds', (seconds) => {
    expect(codeOf(() => staticKey(seconds))).toBe('certificate-validity');
  });

  it('refuses at once what is no secret key', () => {
    const create = () =>
      createStaticKey(defaultCrypto, { authoritySecretKey: new Uint8Array(32), certValiditySeconds: 60 });
    expect(codeOf(create)).toBe('crypto-input');
  });
});
