import { z } from 'zod';
import { Sv2Error } from '../codec/errors.js';
import { parseStratumUrl } from '../noise/url.js';

/** A URL of a pool in settings; comes out taken apart. */
export function stratumUrl() {
  const expected = 'expected a URL stratum2+tcp://host:port/AUTHORITY_KEY';
  return z.string({ error: expected }).transform((value, context) => {
    try {
      return parseStratumUrl(value);
    } catch (error) {
      if (!(error instanceof Sv2Error)) throw error;
      context.issues.push({ code: 'custom', message: error.message, input: undefined });
      return z.NEVER;
    }
  });
}
