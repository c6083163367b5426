import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { firstValueFrom, retry } from 'rxjs';
import { bitcoinRpc } from '../../../src/node/bitcoin-rpc.js';
import { patience } from './inbox.js';
import { btcd } from './paths.js';
import { startProgram, type Program } from './process.js';

/** A port of loopback that was free just now. */
export const freePort = async (): Promise<number> => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
};

/** A directory for one spec, removed by `remove`. */
export const temporaryDirectory = (): { readonly path: string; remove(): void } => {
  const path = mkdtempSync(`${tmpdir()}/sv2-interop-`);
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
};

/** btcd on a chain of its own, to be killed and started again. */
export interface Node {
  readonly url: string;
  /** Calls a method of its JSON-RPC interface. */
  call<T>(method: string, ...params: readonly unknown[]): Promise<T>;
  /** Starts it on the chain it has, and waits until it answers. */
  start(): Promise<void>;
  /** By SIGTERM: at SIGKILL btcd loses the blocks of the last five minutes by itself. */
  kill(): Promise<void>;
}

/**
 * btcd on simnet (on regtest it begins a new chain at each start), with its files below a directory.
 * @param miningAddress who is paid for the blocks of its `generate`
 */
export const bitcoinNode = async (directory: string, miningAddress: string): Promise<Node> => {
  const port = await freePort();
  const url = `http://interop:secret@127.0.0.1:${port}`;
  const rpc = bitcoinRpc({ url });
  const configuration = `${directory}/btcd.conf`;
  writeFileSync(configuration, '');
  let program: Program | undefined;

  const call = <T>(method: string, ...params: readonly unknown[]): Promise<T> =>
    firstValueFrom(rpc.call(method, params)) as Promise<T>;

  return {
    url,
    call,
    async start() {
      program = startProgram(btcd, [
        `--configfile=${configuration}`,
        `--datadir=${directory}/data`,
        `--logdir=${directory}/logs`,
        '--simnet',
        '--notls',
        '--nolisten',
        `--rpclisten=127.0.0.1:${port}`,
        '--rpcuser=interop',
        '--rpcpass=secret',
        '--rpcmaxclients=100',
        '--txindex',
        `--miningaddr=${miningAddress}`,
      ]);
      program.lines.push = () => undefined;
      const ended = program.ended.then((status): never => {
        throw new Error(`btcd has ended with ${status}`);
      });
      const answers = firstValueFrom(
        rpc.call('getblockcount', []).pipe(retry({ count: patience / 100, delay: 100 })),
      );
      await Promise.race([ended, answers]);
      ended.catch(() => undefined);
    },
    async kill() {
      await program?.stop();
    },
  };
};
