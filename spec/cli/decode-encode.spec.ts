import { PassThrough, Readable, Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NEVER } from 'rxjs';
import { decode } from '../../src/cli/decode.js';
import { encodeFrame } from '../../src/framing/index.js';
import { messageCreators, type Message } from '../../src/messages/index.js';
import { messageArbitrary, unknownMessageArbitrary } from '../../src/testing/arbitraries.js';
import { sv2 } from './support.js';

const frame = '0080180500000100000000';
const json =
  '{"name":"CloseChannel","messageType":24,"extensionType":0,"channelMsg":true,"payload":{"channelId":1,"reasonCode":""}}';
const unknownFrame = '0340ff020000abcd';
const errorCodes = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { error?: { code: string } }).error?.code);

describe('sv2 decode', () => {
  it('prints one JSON object a line for each argument', async () => {
    expect(await sv2(['decode', frame, unknownFrame])).toEqual({
      exitCode: 0,
      stdout: `${json}\n{"name":"Unknown","messageType":255,"extensionType":16387,"channelMsg":false,"payload":"abcd"}\n`,
      stderr: '',
    });
  });

  it('reads one frame a line from stdin, in any chunks, and skips blank lines', async () => {
    const text = `${frame}\n\n  \r\n${frame.toUpperCase()}\r\n${frame}`;
    for (const input of [text, [...text], [Buffer.from(text)]]) {
      const result = await sv2(['decode'], input);
      expect(result).toEqual({ exitCode: 0, stdout: `${json}\n`.repeat(3), stderr: '' });
    }
  });

  it('does not mind spaces between digits and a leading 0x', async () => {
    expect((await sv2(['decode'], `00 80 18 05 00 00 01 00 00 00 00\n0x${frame}\n`)).stdout).toBe(
      `${json}\n${json}\n`,
    );
  });

  it('prints an error on the line of a frame that it cannot decode, goes on, and exits with 1', async () => {
    const wrong = ['xyz', '008', '0080', '00801804000001000000', '00801806000001000000009900', frame];
    const result = await sv2(['decode'], wrong.join('\n'));
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toBe('');
    expect(errorCodes(result.stdout)).toEqual([
      'invalid-hex',
      'invalid-hex',
      'truncated-frame',
      'truncated',
      'trailing-bytes',
      undefined,
    ]);
    expect(result.stdout.split('\n')[0]).toBe(
      '{"error":{"code":"invalid-hex","message":"expected hex digits, found \\"x\\" after 0"}}',
    );
    expect(JSON.parse(result.stdout.split('\n')[3] as string)).toEqual({
      error: {
        code: 'truncated',
        message: 'CloseChannel.reasonCode at byte 4: expected 1 more bytes, found 0',
      },
    });
  });

  it('reads no further ahead than its output is read', async () => {
    let linesRead = 0;
    const line = Buffer.from(`${frame}\n`);
    function* endless() {
      for (;;) {
        linesRead++;
        yield line;
      }
    }
    const held: ((error?: Error) => void)[] = [];
    const stdout = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => void held.push(done),
    });
    const io = {
      stdin: Readable.from(endless(), { objectMode: false, highWaterMark: 1 }),
      stdout,
      stderr: new PassThrough(),
      interrupt$: NEVER,
    };
    const result = decode([], io);
    while (held.length === 0) await nextTurn();
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    expect(linesRead).toBeLessThan(20);
    stdout.on('error', () => undefined);
    held[0]?.(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    expect(await result).toBe(0);
  });
});

describe('sv2 encode', () => {
  it('prints one frame a line for each line of stdin', async () => {
    const short = '{"messageType":24,"payload":{"channelId":1,"reasonCode":""}}';
    expect(await sv2(['encode'], `${json}\n\n${short}\n`)).toEqual({
      exitCode: 0,
      stdout: `${frame}\n${frame}\n`,
      stderr: '',
    });
  });

  it('prints an error on the line of a message that it cannot encode, goes on, and exits with 1', async () => {
    const lines = ['nope', '[]', '{"name":"CloseChannel","payload":{"channelId":-1,"reasonCode":""}}', json];
    const result = await sv2(['encode'], lines.join('\n'));
    expect(result.exitCode).toBe(1);
    const printed = result.stdout.trimEnd().split('\n');
    expect(errorCodes(printed.slice(0, 3).join('\n'))).toEqual([
      'invalid-json',
      'wrong-json-form',
      'value-out-of-range',
    ]);
    expect(printed[3]).toBe(frame);
  });

  it('reverses sv2 decode for every message', async () => {
    const messages = messageCreators.flatMap((creator) =>
      fc.sample(messageArbitrary(fc, creator), { seed: 42, numRuns: 3 }),
    ) as unknown as Message[];
    const all = [...messages, ...fc.sample(unknownMessageArbitrary(fc), { seed: 42, numRuns: 5 })];
    const frames = all.map((message) => `${Buffer.from(encodeFrame(message)).toString('hex')}\n`).join('');
    const decoded = await sv2(['decode'], frames);
    expect(decoded.exitCode).toBe(0);
    expect(decoded.stdout.split('\n')).toHaveLength(all.length + 1);
    expect(await sv2(['encode'], decoded.stdout)).toEqual({ exitCode: 0, stdout: frames, stderr: '' });
  });
});

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
