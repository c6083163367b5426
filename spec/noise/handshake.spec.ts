import { describe, expect, it } from '@jest/globals';
import { defaultCrypto, type CryptoProvider, type KeyPair } from '../../src/crypto/index.js';
import {
  act1Length,
  act2Length,
  createFrameOpener,
  createInitiator,
  respond,
  sealFrames,
  signCertificate,
  type TransportCiphers,
} from '../../src/noise/index.js';
import { providers, seededRandom } from '../crypto/providers.js';
import { authorityKeys, codeOf, connect, now, plainFrame, staticKey, withKeyPair } from './fixtures.js';

const authority = authorityKeys().publicKey;

function expectTalk(from: TransportCiphers, to: TransportCiphers): void {
  const opened: Uint8Array[] = [];
  const opener = createFrameOpener(to.receive);
  for (let i = 0; i < 3; i++) {
    opener.push(sealFrames(from.send, plainFrame(50, i)), (_, payload) => opened.push(payload));
  }
  expect(opened).toEqual([0, 1, 2].map((i) => plainFrame(50, i).subarray(6)));
}

describe.each(providers)('a handshake with %s', (_, crypto) => {
  it('takes 64 and 234 bytes, after which both sides understand each other', () => {
    expect([act1Length, act2Length]).toEqual([64, 234]);
    const initiator = createInitiator(crypto, authority);
    expect(initiator.act1).toHaveLength(64);
    const identity = staticKey().identity(now);
    const server = respond(crypto, identity, initiator.act1);
    expect(server.act2).toHaveLength(234);
    const client = initiator.finish(server.act2, now);
    expect(client.certificate).toEqual(identity.certificate);
    expect(client.serverPublicKey).toEqual(crypto.publicKey(identity.keyPair.publicKey.encoded).x);
    expectTalk(client, server);
    expectTalk(server, client);
  });

  it('works with every other provider on the other side', () => {
    for (const [, other] of providers) {
      const initiator = createInitiator(crypto, authority);
      const server = respond(other, staticKey().identity(now), initiator.act1);
      expectTalk(initiator.finish(server.act2, now), server);
    }
  });
});

describe('a handshake', () => {
  it('is never the same twice', () => {
    const identity = staticKey().identity(now);
    const { act1 } = createInitiator(defaultCrypto, authority);
    expect(createInitiator(defaultCrypto, authority).act1).not.toEqual(act1);
    expect(respond(defaultCrypto, identity, act1).act2).not.toEqual(
      respond(defaultCrypto, identity, act1).act2,
    );
  });

  it('uses another key in each direction', () => {
    const { client, server } = connect();
    const frame = plainFrame(10);
    expect(sealFrames(client.send, frame)).not.toEqual(sealFrames(server.send, frame));
  });

  it('fails when any byte of the first message is flipped', () => {
    const crypto = withKeyPair(defaultCrypto, 20);
    const identity = staticKey().identity(now);
    for (let i = 0; i < act1Length; i++) {
      const initiator = createInitiator(crypto, undefined);
      const act1 = initiator.act1.slice();
      act1[i]! ^= 1 << (i & 7);
      const { act2 } = respond(crypto, identity, act1);
      expect(codeOf(() => initiator.finish(act2, now))).toBe('handshake-authentication-failed');
    }
  });

  it('fails when any byte of the second message is flipped', () => {
    const crypto = withKeyPair(defaultCrypto, 20);
    const { act2 } = respond(
      defaultCrypto,
      staticKey().identity(now),
      createInitiator(crypto, undefined).act1,
    );
    for (let i = 0; i < act2Length; i++) {
      const initiator = createInitiator(crypto, undefined);
      act2[i]! ^= 1 << (i & 7);
      expect(codeOf(() => initiator.finish(act2, now))).toBe('handshake-authentication-failed');
      act2[i]! ^= 1 << (i & 7);
    }
    expect(codeOf(() => createInitiator(crypto, undefined).finish(act2, now))).toBeUndefined();
  });

  it('is refused with messages of any other length', () => {
    const identity = staticKey().identity(now);
    for (const length of [0, 63, 65, 234]) {
      expect(codeOf(() => respond(defaultCrypto, identity, new Uint8Array(length)))).toBe(
        'handshake-message-length',
      );
    }
    for (const length of [0, 170, 233, 235]) {
      const initiator = createInitiator(defaultCrypto, authority);
      expect(codeOf(() => initiator.finish(new Uint8Array(length), now))).toBe('handshake-message-length');
    }
  });

  it('can be finished once, whether it failed or not', () => {
    const initiator = createInitiator(defaultCrypto, authority);
    const { act2 } = respond(defaultCrypto, staticKey().identity(now), initiator.act1);
    initiator.finish(act2, now);
    expect(codeOf(() => initiator.finish(act2, now))).toBe('handshake-finished');

    const failed = createInitiator(defaultCrypto, authority);
    expect(codeOf(() => failed.finish(act2, now))).toBe('handshake-authentication-failed');
    expect(codeOf(() => failed.finish(act2, now))).toBe('handshake-finished');

    const givenUp = createInitiator(defaultCrypto, authority);
    givenUp.destroy();
    expect(codeOf(() => givenUp.finish(act2, now))).toBe('handshake-finished');
  });
});

describe('the initiator', () => {
  const finish = (authorityPublicKey: Uint8Array | undefined, clock: number) => {
    const initiator = createInitiator(defaultCrypto, authorityPublicKey);
    const { act2 } = respond(defaultCrypto, staticKey(60).identity(now), initiator.act1);
    return codeOf(() => initiator.finish(act2, clock));
  };

  it('refuses a certificate that is expired or not yet valid, ten seconds aside', () => {
    expect(finish(authority, now - 311)).toBe('certificate-not-yet-valid');
    expect(finish(authority, now - 310)).toBeUndefined();
    expect(finish(authority, now + 70)).toBeUndefined();
    expect(finish(authority, now + 71)).toBe('certificate-expired');
  });

  it('refuses a certificate of another authority', () => {
    expect(finish(authorityKeys(8).publicKey, now)).toBe('certificate-wrong-authority');
  });

  it('accepts any responder when it is given no authority', () => {
    expect(finish(undefined, now)).toBeUndefined();
    expect(finish(undefined, now + 100_000)).toBeUndefined();
  });

  it('refuses a certificate that was issued for another static key', () => {
    const honest = staticKey().identity(now);
    const keyPair = defaultCrypto.generateKeyPair(seededRandom(30));
    const initiator = createInitiator(defaultCrypto, authority);
    const { act2 } = respond(defaultCrypto, { keyPair, certificate: honest.certificate }, initiator.act1);
    expect(codeOf(() => initiator.finish(act2, now))).toBe('certificate-wrong-authority');
  });

  it('refuses a version of the certificate that it does not know, from anyone', () => {
    const { keyPair } = staticKey().identity(now);
    const certificate = {
      ...signCertificate(defaultCrypto, {
        authoritySecretKey: authorityKeys().secretKey,
        serverPublicKey: keyPair.publicKey.x,
        validFrom: now,
        notValidAfter: now + 60,
      }),
      version: 1,
    };
    const initiator = createInitiator(defaultCrypto, undefined);
    const { act2 } = respond(defaultCrypto, { keyPair, certificate }, initiator.act1);
    expect(codeOf(() => initiator.finish(act2, now))).toBe('certificate-version-unsupported');
  });
});

describe('secrets of a handshake', () => {
  /** A provider that remembers every secret that passes through it, and which AEAD keys were destroyed. */
  function watched(): {
    crypto: CryptoProvider;
    secrets: Uint8Array[];
    pairs: KeyPair[];
    alive: () => number;
  } {
    const secrets: Uint8Array[] = [];
    const pairs: KeyPair[] = [];
    let alive = 0;
    const keep = (bytes: Uint8Array): Uint8Array => {
      secrets.push(bytes);
      return bytes;
    };
    const crypto: CryptoProvider = {
      ...defaultCrypto,
      generateKeyPair(random) {
        const pair = defaultCrypto.generateKeyPair(random);
        pairs.push(pair);
        return { ...pair, ecdh: (theirs, initiator) => keep(pair.ecdh(theirs, initiator)) };
      },
      hmacSha256: (key, data) => keep(defaultCrypto.hmacSha256(key, data)),
      aeadKey(bytes) {
        keep(bytes);
        alive++;
        const key = defaultCrypto.aeadKey(bytes);
        return {
          seal: key.seal.bind(key),
          open: key.open.bind(key),
          destroy() {
            alive--;
            key.destroy();
          },
        };
      },
    };
    return { crypto, secrets, pairs, alive: () => alive };
  }

  const isDestroyed = (pair: KeyPair): boolean =>
    codeOf(() => pair.ecdh(pair.publicKey, true)) === 'key-destroyed';
  const isCleared = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

  it('are cleared on both sides when it has succeeded, all but the two transport keys', () => {
    const [a, b] = [watched(), watched()];
    const initiator = createInitiator(a.crypto, authority);
    const server = respond(b.crypto, staticKey().identity(now), initiator.act1);
    const client = initiator.finish(server.act2, now);
    for (const side of [a, b]) {
      expect(side.secrets.length).toBeGreaterThan(10);
      expect(side.secrets.every(isCleared)).toBe(true);
      expect(side.pairs).toHaveLength(1);
      expect(side.pairs.every(isDestroyed)).toBe(true);
      expect(side.alive()).toBe(2);
    }
    expectTalk(client, server);
  });

  it('are cleared when it failed', () => {
    const side = watched();
    const initiator = createInitiator(side.crypto, authorityKeys(8).publicKey);
    const { act2 } = respond(defaultCrypto, staticKey().identity(now), initiator.act1);
    expect(codeOf(() => initiator.finish(act2, now))).toBe('certificate-wrong-authority');
    expect(side.secrets.length).toBeGreaterThan(5);
    expect(side.secrets.every(isCleared)).toBe(true);
    expect(side.pairs.every(isDestroyed)).toBe(true);
    expect(side.alive()).toBe(0);
  });

  it('are cleared when it is given up', () => {
    const side = watched();
    createInitiator(side.crypto, undefined).destroy();
    expect(side.pairs.map(isDestroyed)).toEqual([true]);
  });
});
