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

  test.each([
    ['pool.com:34254', { host: 'pool.com', port: 34254, authorityPublicKey: undefined }],
    [`pool.com:34254/${key}`, { host: 'pool.com', port: 34254, authorityPublicKey }],
    [`[::1]:34254/${key}`, { host: '::1', port: 34254, authorityPublicKey }],
    [
      `alice.rig-1@pool.com:3333/${key}`,
      { host: 'pool.com', port: 3333, authorityPublicKey, user: 'alice.rig-1' },
    ],
  ])('may lack its scheme, as %s does', (url, parsed) => {
    expect(parseStratumUrl(url)).toEqual(parsed);
    expect(parseStratumUrl(`stratum2+tcp://${url}`)).toEqual(parsed);
    expect(formatStratumUrl(parsed)).toBe(`stratum2+tcp://${url}`);
  });

  it('may name a user of any letters', () => {
    const user = 'a@b%c/d:é';
    const url = formatStratumUrl({ host: 'pool.com', port: 1, authorityPublicKey: undefined, user });
    expect(parseStratumUrl(url)).toMatchObject({ user, host: 'pool.com' });
    expect(parseStratumUrl('bc1q@x@pool.com:1')).toMatchObject({ user: 'bc1q@x', host: 'pool.com' });
  });

  it('with a key without version prefix says which key to ask for', () => {
    // the key in the example of the specification's first version
    const old = 'u95GEReVMjK6k5YqiSFNqqTnKU4ypU2Wm8awa6tmbmDmk1bWt';
    expect(() => parseStratumUrl(`stratum2+tcp://pool.com:3336/${old}`)).toThrow(
      /without a prefix .* ask the pool for the one .* that begins with a 9$/,
    );
  });

  it('may have blanks around it and a scheme in capitals', () => {
    expect(parseStratumUrl(' STRATUM2+TCP://Pool:1\n')).toMatchObject({ host: 'Pool', port: 1 });
  });

  test.each([
    ['', /host is missing, expected stratum2\+tcp/],
    ['stratum2+tcp:pool.com:34254', /not understood .* expected stratum2\+tcp/],
    ['http://pool.com:3333', /of the form stratum2\+tcp/],
    ['stratum+tcp://pool.com:3333', /got stratum\+tcp: that is Stratum V1 .* stratum2\+tcp:\/\/HOST:PORT/],
    ['stratum+ssl://pool.com:3333', /Stratum V1/],
    ['tcp://pool.com:3333', /Stratum V1/],
    ['stratum2+ssl://pool.com:443', /no TLS in Stratum V2.*: write stratum2\+tcp:\/\/HOST:PORT/],
    [`stratum2+tls://pool.com:443/${key}`, /no TLS in Stratum V2/],
    ['stratum2+tcp://user:x@pool.com:3333', /password before the @.*stratum2\+tcp:\/\/USER@HOST/],
    ['stratum2+tcp://@pool.com:3333', /user is missing/],
    ['stratum2+tcp://a%2@pool.com:3333', /%25/],
    ['stratum2+tcp://a%0a@pool.com:3333', /without control characters/],
    [`${'u'.repeat(256)}@pool.com:3333`, /at most 255 bytes/],
    ['stratum2+tcp://pool.com', /port is missing/],
    ['stratum2+tcp://pool.com:', /port is missing/],
    [`stratum2+tcp://pool.com/${key}`, /port is missing/],
    ['stratum2+tcp://pool.com:0', /from 1 to 65535, got 0/],
    ['stratum2+tcp://pool.com:65536', /from 1 to 65535, got 65536/],
    ['stratum2+tcp://pool.com:+80', /from 1 to 65535/],
    ['stratum2+tcp://pool.com:80?x=1', /from 1 to 65535/],
    ['stratum2+tcp://:80', /host is missing/],
    ['stratum2+tcp:///key', /host is missing/],
    ['stratum2+tcp://the pool:80', /place of the host is none/],
    ['stratum2+tcp://::1:80', /in brackets/],
    ['stratum2+tcp://[pool]:80', /place of the host is none/],
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
