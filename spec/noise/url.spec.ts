import { describe, expect, it, test } from '@jest/globals';
import { decodeAuthorityPublicKey, formatStratumUrl, parseStratumUrl } from '../../src/noise/index.js';

const key = '9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh';
const authorityPublicKey = decodeAuthorityPublicKey(key);

describe('a stratum2+tcp URL', () => {
  test.each([
    [`stratum2+tcp://thepool.com:34254/${key}`, { host: 'thepool.com', port: 34254, authorityPublicKey }],
    ['stratum2+tcp://127.0.0.1:1', { host: '127.0.0.1', port: 1, authorityPublicKey: undefined }],
    [`stratum2+tcp://[::1]:65535/${key}`, { host: '::1', port: 65535, authorityPublicKey }],
    ['stratum2+tcp://[fe80::1%eth0]:3', { host: 'fe80::1%eth0', port: 3, authorityPublicKey: undefined }],
    [
      'stratum2+tcp://pool-1.example:3333',
      { host: 'pool-1.example', port: 3333, authorityPublicKey: undefined },
    ],
  ])('%s is read and written', (url, parsed) => {
    expect(parseStratumUrl(url)).toEqual(parsed);
    expect(formatStratumUrl(parsed)).toBe(url);
  });

  it('may have blanks around it and a scheme in capitals', () => {
    expect(parseStratumUrl(' STRATUM2+TCP://Pool:1\n')).toMatchObject({ host: 'Pool', port: 1 });
  });

  test.each([
    ['', /of the form stratum2\+tcp/],
    ['pool.com:34254', /of the form/],
    ['stratum2+tcp:pool.com:34254', /of the form/],
    ['stratum+tcp://pool.com:3333', /scheme must be stratum2\+tcp, got 'stratum\+tcp'/],
    ['stratum2+tcp://pool.com', /port is missing/],
    ['stratum2+tcp://pool.com:', /port is missing/],
    [`stratum2+tcp://pool.com/${key}`, /port is missing/],
    ['stratum2+tcp://pool.com:0', /from 1 to 65535, got '0'/],
    ['stratum2+tcp://pool.com:65536', /from 1 to 65535, got '65536'/],
    ['stratum2+tcp://pool.com:+80', /from 1 to 65535/],
    ['stratum2+tcp://pool.com:80?x=1', /from 1 to 65535/],
    ['stratum2+tcp://:80', /host is missing/],
    ['stratum2+tcp:///key', /host is missing/],
    ['stratum2+tcp://user@pool.com:80', /'user@pool.com' is not a host/],
    ['stratum2+tcp://the pool:80', /'the pool' is not a host/],
    ['stratum2+tcp://::1:80', /in brackets/],
    ['stratum2+tcp://[pool]:80', /'pool' is not a host/],
    ['stratum2+tcp://[::1:80', /in brackets/],
    ['stratum2+tcp://[::1]80', /in brackets/],
    ['stratum2+tcp://pool.com:80/', /authority key is missing after the last \//],
  ])('%s is refused', (url, message) => {
    expect(() => parseStratumUrl(url)).toThrow(expect.objectContaining({ code: 'url' }));
    expect(() => parseStratumUrl(url)).toThrow(message);
  });

  test.each([`${key}x`, `${key}/`, `${key}?a`, 'key'])('with the key %s is refused', (text) => {
    expect(() => parseStratumUrl(`stratum2+tcp://pool.com:80/${text}`)).toThrow(
      expect.objectContaining({ code: 'authority-key' }),
    );
  });
});
