import { describe, expect, it } from '@jest/globals';
import { memoryNetwork } from '../../../src/testing/memory.js';
import { codeOf } from '../../bitcoin/support.js';
import { memoryPool } from '../support.js';

describe('the extranonce size of a pool', () => {
  it('cannot be more than the coinbase has room for', () => {
    const make = (extranonceSize: number, poolSignature: string) => () =>
      memoryPool(memoryNetwork(), { extranonceSize, poolSignature });
    expect(codeOf(make(10, 'x'.repeat(64)))).toBe('bad-cb-length');
    expect(codeOf(make(27, ''))).toBe('out-of-range');
    expect(codeOf(make(-1, ''))).not.toBeNull();
  });
});
