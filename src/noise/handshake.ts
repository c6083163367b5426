import type { CryptoProvider, KeyPair } from '../crypto/provider.js';
import {
  decodeSignatureNoiseMessage,
  encodeSignatureNoiseMessage,
  signatureNoiseMessageLength,
  verifyCertificate,
  type SignatureNoiseMessage,
} from './certificate.js';
import { CipherState } from './cipher-state.js';
import { NoiseError } from './errors.js';
import type { ResponderIdentity } from './static-key.js';
import { SymmetricState } from './symmetric-state.js';

const publicKeyLength = 64;
const encryptedKeyLength = publicKeyLength + 16;

/** Length in bytes of the initiator's message, `-> e`. */
export const act1Length = publicKeyLength;

/**
 * Length in bytes of the responder's message, `<- e, ee, s, es, SIGNATURE_NOISE_MESSAGE`: 64 + 80 + 90.
 * (§4.5.2 sums its fields up to 170; that figure leaves out the 64 bytes of the ephemeral key.)
 */
export const act2Length = publicKeyLength + encryptedKeyLength + signatureNoiseMessageLength + 16;

const empty = new Uint8Array(0);

/** The two ciphers of an established connection, as one side sees them. */
export interface TransportCiphers {
  /** Encrypts what we send. */
  readonly send: CipherState;
  /** Decrypts what we receive. */
  readonly receive: CipherState;
}

/** What an initiator knows when the handshake has succeeded. */
export interface InitiatorResult extends TransportCiphers {
  /** 32-byte X coordinate of the responder's static key. */
  readonly serverPublicKey: Uint8Array;
  /** The certificate it showed for that key. */
  readonly certificate: SignatureNoiseMessage;
}

/** An initiator that has not heard from its responder yet. */
export interface Initiator {
  /** The 64 bytes to send first (spec §4.5.1.1). */
  readonly act1: Uint8Array;
  /**
   * Reads the responder's answer and authenticates it (spec §4.5.2.2, §4.5.3). Can be called once.
   * @param act2 234 bytes
   * @param now unix time in seconds
   * @throws NoiseError `handshake-message-length`, `handshake-authentication-failed`, `handshake-finished` or one of `certificate-…`
   */
  finish(act2: Uint8Array, now: number): InitiatorResult;
  /** Clears the secrets of a handshake that is given up. */
  destroy(): void;
}

/**
 * Begins a handshake (spec §4.5.1).
 * @param authorityPublicKey 32-byte x-only key of the authority the responder's certificate must come from;
 * undefined accepts any responder
 */
export function createInitiator(
  crypto: CryptoProvider,
  authorityPublicKey: Uint8Array | undefined,
): Initiator {
  const ephemeral = crypto.generateKeyPair();
  const state = new SymmetricState(crypto);
  state.mixHash(ephemeral.publicKey.encoded);
  state.encryptAndHash(empty);
  let finished = false;

  function destroy(): void {
    finished = true;
    ephemeral.destroy();
    state.destroy();
  }

  function read(act2: Uint8Array, now: number): InitiatorResult {
    requireMessageLength('responder', act2, act2Length);
    const remoteEphemeral = crypto.publicKey(act2.subarray(0, publicKeyLength));
    state.mixHash(remoteEphemeral.encoded);
    state.mixKey(ephemeral.ecdh(remoteEphemeral, true));
    const remoteStatic = crypto.publicKey(
      authentic(
        'static key',
        state.decryptAndHash(act2.subarray(publicKeyLength, publicKeyLength + encryptedKeyLength)),
      ),
    );
    state.mixKey(ephemeral.ecdh(remoteStatic, true));
    const certificate = decodeSignatureNoiseMessage(
      authentic('certificate', state.decryptAndHash(act2.subarray(publicKeyLength + encryptedKeyLength))),
    );
    const serverPublicKey = remoteStatic.x;
    verifyCertificate(crypto, certificate, { serverPublicKey, authorityPublicKey, now });
    const [sendKey, receiveKey] = state.split();
    return { ...transportCiphers(crypto, { sendKey, receiveKey }), serverPublicKey, certificate };
  }

  return {
    act1: ephemeral.publicKey.encoded,
    finish(act2, now) {
      if (finished) {
        throw new NoiseError('handshake-finished', 'this handshake has ended already, begin another one');
      }
      try {
        return read(act2, now);
      } finally {
        destroy();
      }
    },
    destroy,
  };
}

/** The keys of an established connection, as one side sees them: 32 secret bytes each. */
export interface TransportKeys {
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
}

/**
 * The ciphers of an established connection.
 * @param keys cleared by this call
 */
export function transportCiphers(
  crypto: CryptoProvider,
  { sendKey, receiveKey }: TransportKeys,
): TransportCiphers {
  const ciphers = { send: new CipherState(crypto, sendKey), receive: new CipherState(crypto, receiveKey) };
  sendKey.fill(0);
  receiveKey.fill(0);
  return ciphers;
}

/** A responder's answer, and the keys of the connection it opens, which may be handed to another thread. */
export interface ResponderKeys extends TransportKeys {
  /** The 234 bytes to send. */
  readonly act2: Uint8Array;
}

/** A responder's answer, and the ciphers of the connection it opens. */
export interface ResponderResult extends TransportCiphers {
  /** The 234 bytes to send. */
  readonly act2: Uint8Array;
}

/**
 * Answers an initiator (spec §4.5.1.2, §4.5.2.1), which completes the responder's side of the handshake.
 * @param act1 the initiator's 64 bytes; any 64 bytes are a public key, so that only their length can be wrong
 * @throws NoiseError `handshake-message-length`
 */
export function respond(
  crypto: CryptoProvider,
  identity: ResponderIdentity,
  act1: Uint8Array,
): ResponderResult {
  const { act2, ...keys } = respondWithKeys(crypto, identity, act1);
  return { act2, ...transportCiphers(crypto, keys) };
}

/**
 * As {@link respond}, with the keys themselves, the caller's to clear.
 * @param newEphemeral a key pair of this handshake alone, which this call destroys; unless given, made on the spot
 * @throws NoiseError `handshake-message-length`
 */
export function respondWithKeys(
  crypto: CryptoProvider,
  identity: ResponderIdentity,
  act1: Uint8Array,
  newEphemeral: () => KeyPair = () => crypto.generateKeyPair(),
): ResponderKeys {
  requireMessageLength('initiator', act1, act1Length);
  const { keyPair, certificate } = identity;
  const remoteEphemeral = crypto.publicKey(act1);
  const ephemeral = newEphemeral();
  const state = new SymmetricState(crypto);
  try {
    state.mixHash(act1);
    state.decryptAndHash(empty);
    const act2 = new Uint8Array(act2Length);
    act2.set(ephemeral.publicKey.encoded);
    state.mixHash(ephemeral.publicKey.encoded);
    state.mixKey(ephemeral.ecdh(remoteEphemeral, false));
    act2.set(state.encryptAndHash(keyPair.publicKey.encoded), publicKeyLength);
    state.mixKey(keyPair.ecdh(remoteEphemeral, false));
    act2.set(
      state.encryptAndHash(encodeSignatureNoiseMessage(certificate)),
      publicKeyLength + encryptedKeyLength,
    );
    const [receiveKey, sendKey] = state.split();
    return { act2, sendKey, receiveKey };
  } finally {
    ephemeral.destroy();
    state.destroy();
  }
}

function requireMessageLength(sender: 'initiator' | 'responder', message: Uint8Array, length: number): void {
  if (message.length !== length) {
    throw new NoiseError(
      'handshake-message-length',
      `the ${sender}'s handshake message is ${length} bytes, got ${message.length}`,
      { sender, expected: length, got: message.length },
    );
  }
}

function authentic(part: 'static key' | 'certificate', plaintext: Uint8Array | undefined): Uint8Array {
  if (plaintext === undefined) {
    throw new NoiseError(
      'handshake-authentication-failed',
      `the responder's ${part} is not authentic: the handshake was tampered with, or the peer does not speak Stratum V2 encryption`,
      { part },
    );
  }
  return plaintext;
}
