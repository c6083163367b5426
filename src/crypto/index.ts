export { defaultCrypto, nobleCrypto } from './noble.js';
export {
  tagLength,
  type AeadKey,
  type CryptoProvider,
  type KeyPair,
  type PublicKey,
  type RandomBytes,
} from './provider.js';
export { wasmCrypto } from './wasm.js';
export { isPublicKey, isSecretKey, isXOnlyPublicKey } from './secp256k1.js';
