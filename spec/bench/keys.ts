/** Keys of an authority that vouches for nothing but measurements. */
import { nobleCrypto } from 'rx-sv2';

const secretKey = new Uint8Array(32).fill(1);
export const authority = { secretKey, publicKey: nobleCrypto.xOnlyPublicKey(secretKey) };
