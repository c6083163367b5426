import {
  defaultCrypto,
  nobleCrypto,
  wasmCrypto,
  type CryptoProvider,
  type RandomBytes,
} from '../../src/crypto/index.js';
import { nodeCrypto } from '../../src/node/crypto.js';

/** All providers: each must do what the others do. */
export const providers: readonly (readonly [string, CryptoProvider])[] = [
  ['nobleCrypto', nobleCrypto],
  ['defaultCrypto', defaultCrypto],
  ['nodeCrypto', nodeCrypto],
  ['wasmCrypto', await wasmCrypto()],
];

/** Bytes that look random and are the same in every run. */
export function seededRandom(seed: number): RandomBytes {
  let state = defaultCrypto.sha256(Uint8Array.of(seed, seed >>> 8, seed >>> 16));
  return (length) => {
    const bytes = new Uint8Array(length);
    for (let offset = 0; offset < length; offset += 32) {
      state = defaultCrypto.sha256(state);
      bytes.set(state.subarray(0, Math.min(32, length - offset)), offset);
    }
    return bytes;
  };
}

/** A provider whose every random byte comes from `seededRandom`. */
export function seededCrypto(crypto: CryptoProvider, seed: number): CryptoProvider {
  const randomBytes = seededRandom(seed);
  return {
    ...crypto,
    randomBytes,
    generateKeyPair: (random = randomBytes) => crypto.generateKeyPair(random),
    schnorrSign: (message, secretKey, auxiliaryRandom = randomBytes(32)) =>
      crypto.schnorrSign(message, secretKey, auxiliaryRandom),
  };
}
