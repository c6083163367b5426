import { describe, expect, it } from '@jest/globals';
import { announced, answerTo, vectors } from './wycheproof.js';
import { providers } from './providers.js';

describe.each(providers)('ChaCha20-Poly1305 of %s, asked by Project Wycheproof', (_, { aeadKey }) => {
  it('is asked all that there is', () => {
    expect(vectors).toHaveLength(announced);
    expect(vectors.filter(({ result }) => result === 'invalid').length).toBeGreaterThan(50);
  });

  it.each(vectors.map((vector) => [vector.tcId, vector.comment, vector] as const))(
    'answers %i right (%s)',
    (_tcId, _comment, vector) => {
      const { result, sealed } = answerTo(vector, aeadKey);
      expect(result).toBe(vector.result);
      if (result === 'valid') expect(sealed).toBe(vector.ct + vector.tag);
    },
  );
});
