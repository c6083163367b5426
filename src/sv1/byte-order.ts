/**
 * The byte orders of Stratum V1. A block header has its numbers little-endian; `mining.notify` has them as people
 * write numbers, big-endian, but the previous hash as eight 32-bit words of which each is turned around by itself.
 */

/**
 * Turns the bytes of each 32-bit word around: from a header's previous hash to that of `mining.notify`, and back.
 * @param hash 32 bytes
 * @returns 32 bytes of their own
 */
export function swapWords(hash: Uint8Array): Uint8Array {
  const swapped = new Uint8Array(hash.length);
  for (let index = 0; index < hash.length; index++)
    swapped[index] = hash[(index & ~3) | (3 - (index & 3))] ?? 0;
  return swapped;
}

/**
 * The bytes in the other order: from a target, 32 bytes little-endian, to the number that people write, and back.
 * @returns bytes of their own
 */
export const reverseBytes = (bytes: Uint8Array): Uint8Array => bytes.slice().reverse();
