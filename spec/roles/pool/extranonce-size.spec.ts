import { describe, expect, it } from '@jest/globals';
import { memoryNetwork } from '../../../src/testing/memory.js';
import { codeOf } from '../../bitcoin/support.js';
import { memoryPool } from '../support.js';

describe('the extranonce size of a pool', () => {
  it.each([
    [9, 'x'.repeat(64)],
    [25, 'x'.repeat(48)],
    [26, 'x'.repeat(47)],
    [26, ''],
  ])('can be %d, and no more, beside the signature %j', (most, poolSignature) => {
    const make = (extranonceSize: number) => () =>
      memoryPool(memoryNetwork(), { extranonceSize, poolSignature });
    expect(codeOf(make(most))).toBeNull();
    expect(codeOf(make(1))).toBeNull();
    for (const size of [most + 1, 0, -1, 1.5, Number.NaN]) expect(codeOf(make(size))).toBe('out-of-range');
  });
});
