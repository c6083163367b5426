import { describe, expect, it } from '@jest/globals';
import { scriptFromAddress, scriptFromDescriptor } from '../../src/bitcoin/payout-script.js';
import { spendabilityProblem } from '../../src/bitcoin/spendability.js';

const bytes = (...values: readonly number[]) => Uint8Array.from(values);

describe('a payout script', () => {
  it.each([
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'], // BIP 173
    ['bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0'], // BIP 350
    ['1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa'],
    ['3P14159f73E4gFr7JterCCQh9QjiTjiZrG'],
  ])('of %s is in order', (address) => {
    expect(spendabilityProblem(scriptFromAddress(address).scriptPubKey)).toBeUndefined();
  });

  it('of a public key is in order', () => {
    const key = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
    expect(spendabilityProblem(scriptFromDescriptor(`pk(${key})`).scriptPubKey)).toBeUndefined();
  });

  it.each([
    ['that is empty', bytes(), /^anybody.*empty/],
    ['that is true', bytes(0x51), /^anybody.*true/],
    ['that is false', bytes(0), /^nobody.*false/],
    ['with data only', bytes(0x6a, 1, 0), /^nobody.*OP_RETURN/],
    ['too long', new Uint8Array(10_001).fill(0x61), /^nobody.*10001 bytes/],
    ['with a witness program of 21 bytes', bytes(0, 21, ...new Uint8Array(21)), /^nobody.*21 bytes/],
    ['that ends within a push', bytes(0x76, 20, 0), /^nobody.*push/],
    ['that ends within a long push', bytes(0x4d, 0, 1, 0), /^nobody.*push/],
  ])('%s is warned about', (_, script, problem) => {
    expect(spendabilityProblem(script)).toMatch(problem);
  });
});
