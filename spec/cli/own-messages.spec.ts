import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '../../src/codec/hex.js';
import { sv2 } from './support.js';
import { Telemetry } from './telemetry-messages.js';

const frame = `014000020000${bytesToHex(Telemetry.encode({ temperature: 90 }))}`;
const json =
  '{"name":"Telemetry","messageType":0,"extensionType":16385,"channelMsg":false,"payload":{"temperature":90}}';
const own = ['--messages', 'spec/cli/telemetry-messages.ts'];

describe('--messages FILE', () => {
  it('has sv2 decode print messages of a user, and sv2 encode take them', async () => {
    expect(await sv2(['decode', ...own, frame])).toEqual({ exitCode: 0, stdout: `${json}\n`, stderr: '' });
    expect(await sv2(['encode', ...own], json)).toEqual({ exitCode: 0, stdout: `${frame}\n`, stderr: '' });
  });

  it('is needed for that', async () => {
    expect((await sv2(['decode', frame])).stdout).toContain('"name":"Unknown"');
    expect((await sv2(['encode'], '{"name":"Telemetry","payload":{"temperature":90}}')).exitCode).toBe(1);
  });

  it.each([
    ['no/such/file.js', /no\/such\/file/],
    ['spec/cli/support.ts', /exports nothing that defineMessage has made/],
  ])('is a mistake of usage if %s has no messages', async (file, problem) => {
    const { exitCode, stderr } = await sv2(['decode', '--messages', file, frame]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(problem);
  });
});
