import { describe, expect, it, test } from '@jest/globals';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { readFileSync } from 'node:fs';
import type { CryptoProvider, KeyPair } from '../../src/crypto/index.js';
import {
  createFrameOpener,
  createInitiator,
  decodeAuthorityPublicKey,
  encodeAuthorityPublicKey,
  encodeSignatureNoiseMessage,
  respond,
  sealFrames,
  signCertificate,
  type CipherState,
  type ResponderIdentity,
} from '../../src/noise/index.js';
import { providers } from '../crypto/providers.js';
import { codeOf, keyPairOf } from './fixtures.js';

interface Keys {
  readonly secretKey: string;
  readonly xOnlyPublicKey: string;
  readonly ellswift: string;
}
interface Inputs {
  readonly authority: Keys;
  readonly initiatorEphemeral: Keys;
  readonly responderEphemeral: Keys;
  readonly responderStatic: Keys;
  readonly schnorrAuxRand: string;
  readonly responderNow: number;
  readonly certificateValiditySeconds: number;
}
interface FrameVector {
  readonly header: string;
  readonly payload: { readonly length: number; readonly multiplier: number; readonly offset: number };
  readonly noncesAfter: number;
  readonly ciphertext: string | { readonly length: number; readonly sha256: string };
}
interface Vectors {
  readonly handshakes: readonly {
    readonly name: string;
    readonly inputs: Inputs;
    readonly initiatorNow: number;
    readonly act1: string;
    readonly act2: string;
    readonly certificate: { readonly bytes: string };
    readonly keys: { readonly initiatorToResponder: string; readonly responderToInitiator: string };
    readonly initiatorToResponder: readonly FrameVector[];
    readonly responderToInitiator: readonly FrameVector[];
  }[];
  readonly certificates: {
    readonly inputs: Inputs;
    readonly act1: string;
    readonly cases: readonly {
      readonly name: string;
      readonly expectedAuthority: string | null;
      readonly initiatorNow: number;
      readonly act2: string;
      readonly error: string | null;
    }[];
  };
}

const vectors = JSON.parse(
  readFileSync(new URL('../vectors/sri/noise.json', import.meta.url), 'utf8'),
) as Vectors;

function keyPair(crypto: CryptoProvider, { secretKey, ellswift }: Keys): KeyPair {
  return keyPairOf(crypto, hexToBytes(secretKey), hexToBytes(ellswift));
}

/** A provider that generates that key pair. */
function generating(crypto: CryptoProvider, keys: Keys): CryptoProvider {
  return { ...crypto, generateKeyPair: () => keyPair(crypto, keys) };
}

function identity(crypto: CryptoProvider, inputs: Inputs): ResponderIdentity {
  const random = hexToBytes(inputs.schnorrAuxRand);
  const certificate = signCertificate(
    { ...crypto, schnorrSign: (message, secretKey) => crypto.schnorrSign(message, secretKey, random) },
    {
      authoritySecretKey: hexToBytes(inputs.authority.secretKey),
      serverPublicKey: hexToBytes(inputs.responderStatic.xOnlyPublicKey),
      validFrom: inputs.responderNow,
      notValidAfter: inputs.responderNow + inputs.certificateValiditySeconds,
    },
  );
  return { keyPair: keyPair(crypto, inputs.responderStatic), certificate };
}

/** A provider that notes the AEAD keys that are made from it, in order. */
function noting(crypto: CryptoProvider): { crypto: CryptoProvider; keys: string[] } {
  const keys: string[] = [];
  const aeadKey = (key: Uint8Array): ReturnType<CryptoProvider['aeadKey']> => {
    keys.push(bytesToHex(key));
    return crypto.aeadKey(key);
  };
  return { crypto: { ...crypto, aeadKey }, keys };
}

function expectFrames(
  crypto: CryptoProvider,
  send: CipherState,
  receive: CipherState,
  frames: readonly FrameVector[],
) {
  const opener = createFrameOpener(receive);
  for (const { header, payload, noncesAfter, ciphertext } of frames) {
    const frame = new Uint8Array(6 + payload.length);
    frame.set(hexToBytes(header));
    for (let i = 0; i < payload.length; i++) frame[6 + i] = i * payload.multiplier + payload.offset;
    const sealed = sealFrames(send, frame);
    if (typeof ciphertext === 'string') {
      expect(bytesToHex(sealed)).toBe(ciphertext);
    } else {
      expect(sealed).toHaveLength(ciphertext.length);
      expect(bytesToHex(crypto.sha256(sealed))).toBe(ciphertext.sha256);
    }
    expect(send.nonce).toBe(BigInt(noncesAfter));
    const opened: Uint8Array[] = [];
    opener.push(sealed, (_, bytes) => opened.push(bytes));
    expect(opened).toHaveLength(1);
    expect(Buffer.compare(opened[0]!, frame.subarray(6))).toBe(0);
    expect(receive.nonce).toBe(BigInt(noncesAfter));
  }
}

describe.each(providers)('handshakes of the reference implementation, with %s', (_, provider) => {
  test.each(vectors.handshakes.map((vector) => [vector.name, vector] as const))('%s', (_, vector) => {
    const { inputs, keys } = vector;
    const { crypto, keys: made } = noting(provider);
    const initiator = createInitiator(
      generating(crypto, inputs.initiatorEphemeral),
      hexToBytes(inputs.authority.xOnlyPublicKey),
    );
    expect(bytesToHex(initiator.act1)).toBe(vector.act1);
    const shown = identity(crypto, inputs);
    expect(bytesToHex(encodeSignatureNoiseMessage(shown.certificate))).toBe(vector.certificate.bytes);
    const server = respond(generating(crypto, inputs.responderEphemeral), shown, initiator.act1);
    expect(bytesToHex(server.act2)).toBe(vector.act2);
    const client = initiator.finish(server.act2, vector.initiatorNow);
    // which of them is for what, the frames show
    const transportKeys = [keys.initiatorToResponder, keys.responderToInitiator].sort();
    expect(made.slice(2, 4).sort()).toEqual(transportKeys);
    expect(made.slice(6, 8).sort()).toEqual(transportKeys);
    expect(bytesToHex(client.serverPublicKey)).toBe(inputs.responderStatic.xOnlyPublicKey);
    expectFrames(crypto, client.send, server.receive, vector.initiatorToResponder);
    expectFrames(crypto, server.send, client.receive, vector.responderToInitiator);
  });
});

describe('certificates that the reference implementation accepts and refuses', () => {
  const { inputs, act1, cases } = vectors.certificates;
  const [, crypto] = providers[1]!;

  /** What the reference sums up as InvalidCertificate, we tell apart. */
  const ours = (name: string, error: string | null): string | undefined => {
    if (error === null) return undefined;
    if (error === 'Aead') return 'handshake-authentication-failed';
    if (name.startsWith('version')) return 'certificate-version-unsupported';
    if (name.startsWith('not yet valid')) return 'certificate-not-yet-valid';
    return name.startsWith('expired') ? 'certificate-expired' : 'certificate-wrong-authority';
  };

  test.each(cases.map((vector) => [vector.name, vector] as const))('%s', (name, vector) => {
    const authority = vector.expectedAuthority === null ? undefined : hexToBytes(vector.expectedAuthority);
    const initiator = createInitiator(generating(crypto, inputs.initiatorEphemeral), authority);
    expect(bytesToHex(initiator.act1)).toBe(act1);
    const finish = () => initiator.finish(hexToBytes(vector.act2), vector.initiatorNow);
    expect(codeOf(finish)).toBe(ours(name, vector.error));
  });

  it('have authority keys that can be written', () => {
    const key = hexToBytes(inputs.authority.xOnlyPublicKey);
    expect(decodeAuthorityPublicKey(encodeAuthorityPublicKey(key))).toEqual(key);
  });
});
