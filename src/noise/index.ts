export {
  decodeAuthorityPublicKey,
  decodeAuthoritySecretKey,
  encodeAuthorityPublicKey,
  encodeAuthoritySecretKey,
  generateAuthorityKeyPair,
  type AuthorityKeyPair,
} from './authority-key.js';
export {
  certificateVersion,
  clockSkewLeeway,
  decodeSignatureNoiseMessage,
  encodeSignatureNoiseMessage,
  signCertificate,
  signatureNoiseMessageLength,
  verifyCertificate,
  type CertificateExpectation,
  type CertificateRequest,
  type SignatureNoiseMessage,
} from './certificate.js';
export { CipherState } from './cipher-state.js';
export {
  createFrameOpener,
  encryptedHeaderLength,
  encryptedLength,
  maxBlockLength,
  maxBlockPlaintextLength,
  sealFrames,
  type FrameListener,
  type FrameOpener,
} from './encrypted-frame.js';
export { NoiseError, type NoiseErrorCode } from './errors.js';
export {
  act1Length,
  act2Length,
  createInitiator,
  respond,
  respondWithKeys,
  transportCiphers,
  type Initiator,
  type InitiatorResult,
  type ResponderKeys,
  type ResponderResult,
  type TransportCiphers,
  type TransportKeys,
} from './handshake.js';
export {
  createStaticKey,
  type ResponderIdentity,
  type StaticKey,
  type StaticKeyOptions,
} from './static-key.js';
export { formatStratumUrl, parseStratumUrl, type StratumUrl } from './url.js';
