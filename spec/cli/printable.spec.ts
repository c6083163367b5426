import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { narrow, printable, quoted } from '../../src/cli/printable.js';
import { clientLine } from '../../src/cli/role-client.js';
import { serverLine } from '../../src/cli/role-server.js';
import { encodeFrame } from '../../src/framing/index.js';
import { SetupConnection } from '../../src/messages/index.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { sv2 } from './support.js';

/** What no terminal and no log may be given. */
const dangerous = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const anyText = fc.string({ unit: 'binary', maxLength: 40 });

describe('printable', () => {
  test.each([
    ['\x1b[2J', '\\u001b[2J'],
    ['a\x9b31mb', 'a\\u009b31mb'],
    ['a\x7fb', 'a\\u007fb'],
    ['a\nb\r', 'a\\u000ab\\u000d'],
    ['\u202egnp.exe', '\\u202egnp.exe'],
    ['a\u200bb\u2066\ufeff', 'a\\u200bb\\u2066\\ufeff'],
    ['a\u2028b', 'a\\u2028b'],
    ['\u{e0041}', '\\udb40\\udc41'],
    ['\ud800', '\\ud800'],
    ['Zoë 矿池 🎉', 'Zoë 矿池 🎉'],
  ])('makes %j visible', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it('leaves nothing dangerous of any text, and JSON the same', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(printable(text)).not.toMatch(dangerous);
        const json = printable(JSON.stringify({ text }));
        expect(json).not.toMatch(dangerous);
        expect(JSON.parse(json)).toEqual({ text });
      }),
      { seed: 42, numRuns: 2_000 },
    );
  });
});

describe('quoted', () => {
  test.each([
    ['alice.rig-1', 'alice.rig-1'],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4.Zoë', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4.Zoë'],
    ['', '""'],
    ['alice: 5 accepted', '"alice: 5 accepted"'],
    ['a", "b', '"a\\", \\"b"'],
    ['a\u202eb\n', '"a\\u202eb\\n"'],
  ])('shows %j so that it ends where it ends', (name, shown) => {
    expect(quoted(name)).toBe(shown);
  });
});

describe('narrow', () => {
  test.each([
    ['alice.rig-1', 'alice.rig-1'],
    ['Zoë…', 'Zoë…'],
    ['矿工', '\\u77ff\\u5de5'],
    ['e\u0301', 'e\\u0301'],
    ['😀', '\\ud83d\\ude00'],
    ['\u202eb\x1b', '\\u202eb\\u001b'],
  ])('makes of %j a text of one column a character', (name, shown) => {
    expect(narrow(name)).toBe(shown);
  });
});

describe('what a remote says', () => {
  const evil = 'x\x1b]0;pwned\x07\x9b2J\u202e, rejected 0\n2026-01-01T00:00:00Z BLOCK found';

  it('is not printed raw by sv2 decode', async () => {
    const hello = SetupConnection({
      ...{ protocol: 0, minVersion: 2, maxVersion: 2, flags: 0, endpointHost: '', endpointPort: 0 },
      ...{ vendor: 'a\x9b2J\u202eb', hardwareVersion: '', firmware: '', deviceId: '' },
    });
    // our encoder sends no control characters: the frame of somebody who does
    const hex = bytesToHex(encodeFrame({ ...hello, vendor: 'aQQQQQb' })).replace('5151515151', 'c29be280ae');
    const { stdout } = await sv2(['decode', hex]);
    expect(stdout).toContain('"vendor":"a\\u009b\\u202eb"');
    expect(stdout.trimEnd()).not.toMatch(dangerous);
  });

  it('stands in quotes in the lines of roles', () => {
    const connected = serverLine({
      type: 'connected',
      clientId: 1,
      client: {
        peer: { address: '127.0.0.1:1', encrypted: true },
        setupConnection: { vendor: evil, firmware: 'v1 (x)' },
      },
    } as never);
    expect(connected?.text).toBe(`client 1 connected from 127.0.0.1:1 (${quoted(evil)} "v1 (x)")`);
    const sent = clientLine(
      { type: 'redirectRefused', protocol: 'mining', endpoint: { host: evil, port: 1 }, reason: 'no' },
      'pool',
      '--no-encryption',
    );
    expect(sent?.text).toContain(`sent us to ${quoted(evil)}:1`);
  });
});
