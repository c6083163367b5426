import type { CryptoProvider } from '../crypto/provider.js';
import { NoiseError } from './errors.js';

/** What the responder sends about its static key (spec §4.5.2, `SIGNATURE_NOISE_MESSAGE`). */
export interface SignatureNoiseMessage {
  /** U16: version of the certificate format. */
  readonly version: number;
  /** U32: first valid second, unix time. */
  readonly validFrom: number;
  /** U32: last valid second, unix time. */
  readonly notValidAfter: number;
  /** 64-byte BIP 340 signature of the authority. */
  readonly signature: Uint8Array;
}

/** The one version of the certificate format there is. */
export const certificateVersion = 0;

/** Encoded length of a SignatureNoiseMessage in bytes. */
export const signatureNoiseMessageLength = 74;

/** How far apart, in seconds, the clocks of the two sides may be. */
export const clockSkewLeeway = 10;

const signedLength = 10; // version, valid_from, not_valid_after
const maxU32 = 0xffff_ffff;

/** Encodes the 74 bytes of a SignatureNoiseMessage, integers little-endian. */
export function encodeSignatureNoiseMessage(message: SignatureNoiseMessage): Uint8Array {
  const bytes = new Uint8Array(signatureNoiseMessageLength);
  writeSigned(bytes, message);
  bytes.set(message.signature, signedLength);
  return bytes;
}

/**
 * Decodes a SignatureNoiseMessage. Whether it means anything is for `verifyCertificate` to say.
 * @param bytes 74 bytes
 * @throws NoiseError `handshake-message-length`
 */
export function decodeSignatureNoiseMessage(bytes: Uint8Array): SignatureNoiseMessage {
  if (bytes.length !== signatureNoiseMessageLength) {
    throw new NoiseError(
      'handshake-message-length',
      `a SIGNATURE_NOISE_MESSAGE has ${signatureNoiseMessageLength} bytes, got ${bytes.length}`,
      { expected: signatureNoiseMessageLength, got: bytes.length },
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, signatureNoiseMessageLength);
  return {
    version: view.getUint16(0, true),
    validFrom: view.getUint32(2, true),
    notValidAfter: view.getUint32(6, true),
    signature: bytes.slice(signedLength, signatureNoiseMessageLength),
  };
}

/** What an authority signs. */
export interface CertificateRequest {
  /** 32-byte secret key of the authority. */
  readonly authoritySecretKey: Uint8Array;
  /** 32-byte X coordinate of the server's static key. */
  readonly serverPublicKey: Uint8Array;
  /** First valid second, unix time, U32. */
  readonly validFrom: number;
  /** Last valid second, unix time, U32. */
  readonly notValidAfter: number;
}

/**
 * Issues a certificate (spec §4.5.3).
 * @throws NoiseError `certificate-validity` if the times are not U32 or end before they begin
 */
export function signCertificate(crypto: CryptoProvider, request: CertificateRequest): SignatureNoiseMessage {
  const { validFrom, notValidAfter } = request;
  if (!isU32(validFrom) || !isU32(notValidAfter) || notValidAfter < validFrom) {
    throw new NoiseError(
      'certificate-validity',
      `a certificate is valid from one unix time to a later one, both U32 seconds; got ${validFrom} to ${notValidAfter}`,
      { validFrom, notValidAfter },
    );
  }
  const unsigned = { version: certificateVersion, validFrom, notValidAfter };
  const hash = certificateHash(crypto, unsigned, request.serverPublicKey);
  return { ...unsigned, signature: crypto.schnorrSign(hash, request.authoritySecretKey) };
}

/** What a certificate is checked against. */
export interface CertificateExpectation {
  /** 32-byte X coordinate of the static key that the server used in the handshake. */
  readonly serverPublicKey: Uint8Array;
  /**
   * 32-byte x-only public key of the authority that must have signed. Without one anyone could have, so that neither signature nor
   * times mean anything and only the version is checked, as in the reference implementation.
   */
  readonly authorityPublicKey: Uint8Array | undefined;
  /** The present unix time in seconds. */
  readonly now: number;
}

/**
 * Checks a certificate (spec §4.5.3). Both ends of its validity have a leeway of 10 seconds.
 * @throws NoiseError `certificate-version-unsupported`, `certificate-wrong-authority`,
 * `certificate-not-yet-valid` or `certificate-expired`, in this order of precedence
 */
export function verifyCertificate(
  crypto: CryptoProvider,
  message: SignatureNoiseMessage,
  { serverPublicKey, authorityPublicKey, now }: CertificateExpectation,
): void {
  const { version, validFrom, notValidAfter, signature } = message;
  if (version !== certificateVersion) {
    throw new NoiseError(
      'certificate-version-unsupported',
      `the server's certificate has version ${version}, only version ${certificateVersion} is supported`,
      { version },
    );
  }
  if (authorityPublicKey === undefined) return;
  const hash = certificateHash(crypto, message, serverPublicKey);
  if (!crypto.schnorrVerify(signature, hash, authorityPublicKey)) {
    throw new NoiseError(
      'certificate-wrong-authority',
      "the server's certificate is not signed by the expected authority",
    );
  }
  if (now < validFrom - clockSkewLeeway) {
    throw new NoiseError(
      'certificate-not-yet-valid',
      `the server's certificate is valid from ${utc(validFrom)} on, here it is ${utc(now)}: check the clock of both machines`,
      { validFrom, notValidAfter, now },
    );
  }
  if (now > notValidAfter + clockSkewLeeway) {
    throw new NoiseError(
      'certificate-expired',
      `the server's certificate expired at ${utc(notValidAfter)}, here it is ${utc(now)}: check the clock of both machines`,
      { validFrom, notValidAfter, now },
    );
  }
}

/** A unix time for people. */
const utc = (seconds: number): string =>
  `${new Date(1000 * Math.floor(seconds)).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** What is signed (spec §4.5.3.1): SHA-256 of version ‖ valid_from ‖ not_valid_after ‖ X coordinate of the static key. */
function certificateHash(
  crypto: CryptoProvider,
  message: Omit<SignatureNoiseMessage, 'signature'>,
  serverPublicKey: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(signedLength + 32);
  writeSigned(bytes, message);
  bytes.set(serverPublicKey, signedLength);
  return crypto.sha256(bytes);
}

function writeSigned(bytes: Uint8Array, message: Omit<SignatureNoiseMessage, 'signature'>): void {
  const view = new DataView(bytes.buffer);
  view.setUint16(0, message.version, true);
  view.setUint32(2, message.validFrom, true);
  view.setUint32(6, message.notValidAfter, true);
}

function isU32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= maxU32;
}
