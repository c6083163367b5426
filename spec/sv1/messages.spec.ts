import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeSv1,
  encodeSv1,
  maxJsonDepth,
  reverseBytes,
  sv1,
  sv1Methods,
  swapWords,
  type Sv1Message,
} from '../../src/sv1/index.js';
import { hexToBytes } from '../../src/codec/hex.js';
import { sv1MessageArbitrary } from '../../src/testing/sv1-arbitraries.js';

const settings = { seed: 42, numRuns: 60 };
const read = (line: string) => decodeSv1(line);

describe.each(sv1Methods.map((method) => [method.type, method] as const))('%s', (_, method) => {
  it('survives message → line → message', () => {
    fc.assert(
      fc.property(sv1MessageArbitrary(fc, method), (message) => {
        const line = encodeSv1(message as Sv1Message);
        expect(line).toMatch(/^\{.*\}\n$/s);
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(decodeSv1(line.trimEnd())).toEqual(message);
      }),
      settings,
    );
  });

  it('is malformed, with its id, when a parameter that it needs is missing', () => {
    const needed = Object.values(method.schema.params).some(({ kind }) => kind.is !== 'optional');
    const received = read(`{"id":7,"method":"${method.type}","params":[]}`);
    expect(received).toMatchObject(
      needed ? { type: 'malformed', id: 7, method: method.type } : { type: method.type, id: 7 },
    );
  });
});

describe('lines of miners in the field', () => {
  test.each<[string, string, object]>([
    [
      'Bitaxe: a mask and no least number of bits',
      '{"id": 1, "method": "mining.configure", "params": [["version-rolling"], {"version-rolling.mask": "ffffffff"}]}',
      {
        type: 'mining.configure',
        id: 1,
        extensions: ['version-rolling'],
        parameters: { 'version-rolling.mask': 'ffffffff' },
      },
    ],
    [
      'Bitaxe: a share with six parameters',
      '{"id": 9, "method": "mining.submit", "params": ["u.w", "1a", "00000000", "66aabbcc", "0badf00d", "00c00000"]}',
      {
        type: 'mining.submit',
        user: 'u.w',
        jobId: '1a',
        ntime: 0x66aabbcc,
        nonce: 0x0badf00d,
        versionBits: 0x00c00000,
      },
    ],
    [
      'NerdMiner: parameters before the id, and a nonce that is not padded',
      '{"params": ["u", "job", "0000", "66aabbcc", "f00d"], "id": 5, "method": "mining.submit"}',
      { type: 'mining.submit', id: 5, nonce: 0xf00d, versionBits: null },
    ],
    [
      'NerdMiner: a fraction as difficulty',
      '{"id": 6, "method": "mining.suggest_difficulty", "params": [0.00015]}',
      { type: 'mining.suggest_difficulty', difficulty: 0.00015 },
    ],
    [
      'cpuminer: the least number of bits as text',
      '{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.min-bit-count":"2"}]}',
      { type: 'mining.configure', extensions: ['version-rolling'] },
    ],
    [
      'a rental service: no parameters',
      '{"id":1,"method":"mining.subscribe","params":[]}',
      { type: 'mining.subscribe', userAgent: null },
    ],
    [
      'cgminer: a session to go on with, and what was dialled',
      '{"id":1,"method":"mining.subscribe","params":["cgminer/4.9","f000",null,3333]}',
      { type: 'mining.subscribe', userAgent: 'cgminer/4.9', sessionId: 'f000', port: 3333 },
    ],
    [
      'no password',
      '{"id":2,"method":"mining.authorize","params":["u"]}',
      { type: 'mining.authorize', user: 'u', password: null },
    ],
    [
      'an extranonce in upper case',
      '{"id":2,"method":"mining.submit","params":["u","1","ABCD","1","1"]}',
      { extranonce2: Uint8Array.of(0xab, 0xcd) },
    ],
    [
      'an extranonce with an odd digit',
      '{"id":2,"method":"mining.submit","params":["u","1","ABC","1","1"]}',
      { type: 'malformed', id: 2 },
    ],
    [
      'ntime and nonce as numbers',
      '{"id":2,"method":"mining.submit","params":["u","1","",17,18]}',
      { ntime: 17, nonce: 18 },
    ],
    [
      'parameters left out',
      '{"id":3,"method":"mining.extranonce.subscribe"}',
      { type: 'mining.extranonce.subscribe', id: 3 },
    ],
    [
      'parameters as an empty object',
      '{"id":3,"method":"mining.ping","params":{}}',
      { type: 'mining.ping', id: 3 },
    ],
    [
      'a method that nobody knows',
      '{"id":3,"method":"mining.dance","params":[1]}',
      { type: 'unknown', method: 'mining.dance', params: [1] },
    ],
    [
      'an answer to client.get_version',
      '{"id":3,"result":"cgminer","error":null}',
      { type: 'answer', id: 3, result: 'cgminer', error: null },
    ],
  ])('%s', (_, line, expected) => {
    expect(read(line)).toMatchObject(expected);
  });
});

describe('ids', () => {
  test.each(['1', '-3', '1.5', '"seven"', 'null', '18446744073709551615', '123456789012345678901234567890'])(
    '%s comes back as it was',
    (id) => {
      const received = read(`{"id":${id},"method":"mining.ping","params":[]}`);
      expect(received).toMatchObject({ type: 'mining.ping' });
      if (received.type !== 'mining.ping') return;
      expect(encodeSv1(sv1.Ping.answer(received.id, 'pong'))).toBe(
        `{"id":${id},"result":"pong","error":null}\n`,
      );
    },
  );

  test.each(['{}', '[1]', 'true', '1e999'])('%s counts as null', (id) => {
    expect(read(`{"id":${id},"method":"mining.ping"}`)).toMatchObject({ type: 'mining.ping', id: null });
  });

  it('count as null when there is none, and as the last of several', () => {
    expect(read('{"method":"mining.ping"}')).toMatchObject({ type: 'mining.ping', id: null });
    expect(read('{"id":1,"id":2,"method":"mining.ping"}')).toMatchObject({ type: 'mining.ping', id: 2 });
  });
});

describe('lines that are no messages', () => {
  test.each([
    ['no JSON', 'hello', 'not-json'],
    ['half of an object', '{"id":1', 'not-json'],
    ['nothing', '', 'not-json'],
    ['too deep', '['.repeat(maxJsonDepth + 1) + ']'.repeat(maxJsonDepth + 1), 'not-json'],
    ['a million deep', '{"a":'.repeat(1_000_000), 'not-json'],
    ['no object', '[1,2]', 'not-a-message'],
    ['neither request nor answer', '{"id":4}', 'not-a-message'],
    ['a method that is no text', '{"id":4,"method":7}', 'not-a-message'],
    ['parameters by name', '{"id":4,"method":"mining.authorize","params":{"user":"u"}}', 'invalid-params'],
  ])('%s', (_, line, code) => {
    const received = read(line);
    expect(received).toMatchObject({ type: 'malformed', error: { code } });
  });

  it('keep brackets inside of text for text', () => {
    const deep = '['.repeat(100);
    expect(read(`{"id":1,"method":"mining.authorize","params":["\\"${deep}"]}`)).toMatchObject({
      user: `"${deep}`,
    });
  });

  it('change no prototype', () => {
    const received = read(
      '{"__proto__":{"method":"mining.ping"},"id":1,"constructor":{"prototype":{"a":1}}}',
    );
    expect(received).toMatchObject({ type: 'malformed', id: 1 });
    expect(({} as Record<string, unknown>)['method']).toBeUndefined();
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
  });

  it('are said of anything without an exception', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json({ maxDepth: 6 })), (line) => {
        expect(typeof read(line).type).toBe('string');
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});

describe('byte orders', () => {
  it('has the previous hash of block 125,552 as slush’s protocol had it', () => {
    // Bitcoin block 125,552: its header begins with version 1 and this previous hash
    const inHeader = hexToBytes('81cd02ab7e569e8bcd9317e2fe99f2de44d49ab2b8851ba4a308000000000000');
    const line = encodeSv1(
      sv1.Notify({
        jobId: '1',
        prevHash: inHeader,
        coinbase1: new Uint8Array(0),
        coinbase2: new Uint8Array(0),
        merkleBranch: [],
        version: 1,
        nbits: 0x1a44b9f2,
        ntime: 0x4dd7f5c7,
        cleanJobs: true,
      }),
    );
    expect(line).toContain('"ab02cd818b9e567ee21793cddef299feb29ad444a41b85b8000008a300000000"');
    expect(line).toContain('"00000001","1a44b9f2","4dd7f5c7",true');
  });

  it('turns words and bytes around, and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (hash) => {
        expect(swapWords(swapWords(hash))).toEqual(hash);
        expect(reverseBytes(reverseBytes(hash))).toEqual(hash);
      }),
      { seed: 3 },
    );
  });

  it('has a suggested target as people write numbers', () => {
    const message = read(
      `{"id":1,"method":"mining.suggest_target","params":["00000000ffff${'0'.repeat(52)}"]}`,
    );
    expect(message).toMatchObject({ target: reverseBytes(hexToBytes(`00000000ffff${'0'.repeat(52)}`)) });
  });
});

describe('answers with an error', () => {
  test.each([
    ['[21,"Job not found",null]', { code: 21, text: 'Job not found' }],
    ['{"code":23,"message":"Low"}', { code: 23, text: 'Low' }],
    ['"no"', { code: 20, text: 'no' }],
    ['[]', { code: 20, text: 'null' }],
  ])('%s is read', (written, error) => {
    expect(read(`{"id":1,"result":null,"error":${written}}`)).toMatchObject({ type: 'answer', error });
  });

  it('are written as code, text and null', () => {
    expect(
      encodeSv1({ type: 'answer', id: 1, result: null, error: { code: 22, text: 'Duplicate share' } }),
    ).toBe('{"id":1,"result":null,"error":[22,"Duplicate share",null]}\n');
  });
});

it('names the parameter that cannot be written', () => {
  expect(() => encodeSv1(sv1.SetVersionMask({ mask: -1 }))).toThrow(
    'mining.set_version_mask: mask: expected',
  );
});
