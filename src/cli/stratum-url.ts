import { z } from 'zod';
import { Sv2Error } from '../codec/errors.js';
import { parseStratumUrl, type StratumUrl } from '../noise/url.js';
import { isSv1Url, parseSv1Url, type Sv1Url } from '../sv1/url.js';

/** A URL of a pool in settings; comes out taken apart. */
export const stratumUrl = () => url(parseStratumUrl, 'stratum2+tcp://host:port/AUTHORITY_KEY');

/** As `stratumUrl`, or of a pool of Stratum V1. */
export const anyStratumUrl = () =>
  url<StratumUrl | Sv1Url>(
    (value) => (isSv1Url(value) ? parseSv1Url(value) : parseStratumUrl(value)),
    'stratum2+tcp://host:port/AUTHORITY_KEY, or stratum+tcp://host:port for Stratum V1',
  );

function url<T>(parse: (value: string) => T, form: string) {
  return z.string({ error: `expected a URL ${form}` }).transform((value, context) => {
    try {
      return parse(value);
    } catch (error) {
      if (!(error instanceof Sv2Error)) throw error;
      context.issues.push({ code: 'custom', message: error.message, input: undefined });
      return z.NEVER;
    }
  });
}
