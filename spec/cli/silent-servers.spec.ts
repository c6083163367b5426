import { afterEach, describe, expect, it } from '@jest/globals';
import type { Server } from 'node:net';
import { rawServer } from '../node/support.js';
import { keptUntilTheEnd, startRole, temporaryFiles } from './role-support.js';

const kept = keptUntilTheEnd();
const { file } = temporaryFiles();
const servers: Server[] = [];
const stopping: (() => void)[] = [];
afterEach(() => {
  for (const stop of stopping.splice(0)) stop();
  for (const server of servers.splice(0)) server.close();
});

/** A server that waits for a message in plaintext, as those without keys do, and says nothing to a handshake. */
async function silentServer(): Promise<number> {
  const { server, port } = await rawServer((socket) => stopping.push(() => socket.destroy()));
  servers.push(server);
  return port;
}

const declarationFile = (port: number): string =>
  file(
    `jdc-${port}.toml`,
    `user_identity = "farm"\n[template_provider_type.Sv2Tp]\naddress = "127.0.0.1:${port}"
     [[upstreams]]\npool_address = "127.0.0.1"\npool_port = ${port}\njds_address = "127.0.0.1"\njds_port = ${port}`,
  );

describe('a server that says nothing to an encrypted connection', () => {
  it.each<readonly [role: string, (port: number) => readonly string[], flag: RegExp]>([
    [
      'pool',
      (port) => ['--template-provider', `127.0.0.1:${port}`, '--coinbase-reward-script', 'raw(51)'],
      /--no-template-provider-encryption is needed/,
    ],
    ['proxy', (port) => [`stratum2+tcp://127.0.0.1:${port}`], /--no-upstream-encryption is needed/],
    ['translator', (port) => [`stratum2+tcp://127.0.0.1:${port}`], /--no-upstream-encryption is needed/],
    ['jd-client', (port) => ['--config', declarationFile(port)], /--no-upstream-encryption is needed/],
    [
      'jd-client',
      (port) => ['--config', declarationFile(port)],
      /--no-template-provider-encryption is needed/,
    ],
  ])('is told of by sv2 %s, with what would help', async (role, flagsOf, flag) => {
    const port = await silentServer();
    const running = kept(startRole(role, '--listen', '127.0.0.1:0', ...flagsOf(port)));
    await running.printed(flag);
    expect(running.output.stderr).toContain(`127.0.0.1:${port}`);
    expect(await running.stop()).toBe(0);
  });
});
