import { describe, expect, test } from '@jest/globals';
import { lineAssembler, maxLineFromClient } from '../../src/sv1/lines.js';
import { nonceFor, working } from '../roles/translator/support.js';
import { ratio, repeated, type Measure } from './processor-time.js';

/** What a byte may cost beside one of a valid share. */
const perByte = 10;

const lines = 50;
const encoder = new TextEncoder();

/** Microseconds for each byte of these lines, from the stream to the answer, at a miner that is subscribed and has work. */
const ofByte = (linesOf: (miner: ReturnType<typeof working>) => readonly string[]): Measure => {
  const miner = working();
  const chunks = linesOf(miner).map((line) => encoder.encode(`${line}\n`));
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  const assembler = lineAssembler(maxLineFromClient);
  const all = repeated(() => {
    for (const chunk of chunks) {
      const { line } = assembler.take(chunk, 0);
      if (line !== undefined && line.trim() !== '') miner.say(line);
    }
    miner.outcomes.length = 0;
  });
  return async () => (await all()) / bytes;
};

/** Shares that count; those that come again are judged by their hash as well. */
const shares = ofByte(({ job, difficulty, extranonce1 }) =>
  Array.from({ length: 4 }, (_, id) => {
    const extranonce2 = id.toString(16).padStart(8, '0');
    const nonce = nonceFor(job, extranonce1, { extranonce2 }, difficulty);
    return JSON.stringify({
      id,
      method: 'mining.submit',
      params: ['alice.rig1', job[0], extranonce2, job[7], nonce],
    });
  }),
);

const request = (method: string, ...params: readonly unknown[]): string =>
  JSON.stringify({ id: 1, method, params });

describe(`a byte of a miner of Stratum V1 costs at most ${perByte} times what one of a valid share does`, () => {
  test.each([
    ['no JSON', 'x'],
    ['no JSON, and long', 'x'.repeat(4_000)],
    ['JSON that is cut', '{"id":1,"method":"mining.submit","params":["a"'],
    ['nothing', ''],
    ['spaces', ' '.repeat(4_000)],
    ['an empty object', '{}'],
    ['an empty list', '[]'],
    ['a number', '1'],
    ['an id alone', '{"id":1}'],
    ['a very large id', `{"id":${'9'.repeat(300)},"method":"mining.ping","params":[]}`],
    ['large ids', `{${'"id":99999999999999999999,'.repeat(150)}"method":"mining.ping"}`],
    ['lists in lists', '['.repeat(4_000)],
    ['lists in lists that end', '['.repeat(16) + ']'.repeat(16)],
    ['escapes', request('mining.authorize', '\u0001'.repeat(600))],
    ['no UTF-8', '\u00ff'.repeat(2_000)],
    ['many names', `{${Array.from({ length: 400 }, (_, index) => `"k${index}":1`).join(',')}}`],
    ['__proto__', '{"__proto__":{"method":"mining.submit"},"constructor":1}'],
    ['many parameters', request('mining.submit', ...Array.from({ length: 1_900 }, () => 1))],
    ['many extensions', request('mining.configure', Array<string>(400).fill('a'), {})],
    ['a method that there is not', request('m')],
    ['mining.ping', request('mining.ping')],
    ['mining.subscribe', request('mining.subscribe')],
    ['mining.authorize', request('mining.authorize', 'alice.rig1', 'd=1')],
    ['mining.authorize of others', request('mining.authorize', 'mallory', '')],
    ['mining.suggest_difficulty', request('mining.suggest_difficulty', 1)],
    ['mining.suggest_target', request('mining.suggest_target', 'f')],
    ['a share without parameters', request('mining.submit')],
    ['a share for no job', request('mining.submit', 'alice.rig1', 'x', '00000000', '0', '0')],
    ['a share that is no hex', request('mining.submit', 'alice.rig1', 'x', 'zz', '0', '0')],
    ['an answer', '{"id":1,"result":true}'],
  ])('%s', async (_, line) => {
    const hostile = ofByte(() => Array<string>(lines).fill(line));
    // the shortest, which have no bytes that could share what a line costs, are near that
    const limit = line.length <= 2 ? 2 * perByte : perByte;
    expect(await ratio(hostile, shares, limit)).toBeLessThanOrEqual(limit);
  });
});
