import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { firstValueFrom, retry } from 'rxjs';
import { bitcoinRpc } from '../../../src/node/bitcoin-rpc.js';
import { patience } from './inbox.js';
import { bitcoind, bitcoinIpc, btcd } from './paths.js';
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

/** A Bitcoin node on a chain of its own, to be killed and started again. */
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
 * A node that is a program.
 * @param url of its RPC, for us
 * @param controlUrl of its RPC, for the spec, if that may do more
 */
const nodeOf = (command: string, args: readonly string[], url: string, controlUrl = url): Node => {
  const rpc = bitcoinRpc({ url: controlUrl });
  let program: Program | undefined;
  return {
    url,
    call: <T>(method: string, ...params: readonly unknown[]) =>
      firstValueFrom(rpc.call(method, params)) as Promise<T>,
    async start() {
      program = startProgram(command, args);
      program.lines.push = () => undefined;
      const ended = program.ended.then((status): never => {
        throw new Error(`${command} has ended with ${status}`);
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

/**
 * btcd on simnet (on regtest it begins a new chain at each start), with its files below a directory.
 * @param miningAddress who is paid for the blocks of its `generate`
 * @param options such as who its peers are; without any it has none
 */
export const btcdNode = async (
  directory: string,
  miningAddress: string,
  ...options: readonly string[]
): Promise<Node> => {
  const port = await freePort();
  const configuration = `${directory}/btcd.conf`;
  writeFileSync(configuration, '');
  const args = [
    `--configfile=${configuration}`,
    `--datadir=${directory}/data`,
    `--logdir=${directory}/logs`,
    '--simnet',
    '--notls',
    ...(options.length === 0 ? ['--nolisten'] : options),
    `--rpclisten=127.0.0.1:${port}`,
    '--rpcuser=interop',
    '--rpcpass=secret',
    '--rpcmaxclients=100',
    '--txindex',
    `--miningaddr=${miningAddress}`,
  ];
  return nodeOf(btcd, args, `http://interop:secret@127.0.0.1:${port}`);
};

/** A line of Bitcoin Core's configuration for a user, as its share/rpcauth makes them. */
const rpcAuth = (user: string, password: string): string => {
  const salt = '00112233445566778899aabbccddeeff';
  return `-rpcauth=${user}:${salt}$${createHmac('sha256', salt).update(password).digest('hex')}`;
};

/**
 * Bitcoin Core without peers, with its files below a directory. `interop` is the user for us, whom options can forbid
 * things; the spec is another.
 */
export const bitcoinCoreNode = (
  directory: string,
  chain: 'regtest' | 'signet' | 'testnet4',
  ...options: readonly string[]
): Promise<Node> => coreNode(bitcoind, directory, chain, options);

/** Bitcoin Core on regtest, that listens at a Unix socket below its directory, too, and takes transactions that are not standard. */
export const bitcoinIpcNode = (directory: string): Promise<Node> =>
  coreNode(bitcoinIpc ?? 'bitcoin-node', directory, 'regtest', ['-ipcbind=unix', '-acceptnonstdtxn=1']);

const coreNode = async (
  command: string,
  directory: string,
  chain: string,
  options: readonly string[],
): Promise<Node> => {
  const port = await freePort();
  const args = [
    `-datadir=${directory}`,
    `-chain=${chain}`,
    '-server',
    '-listen=0',
    '-connect=0',
    '-printtoconsole=0',
    '-dbcache=16',
    `-rpcport=${port}`,
    rpcAuth('interop', 'secret'),
    rpcAuth('spec', 'secret'),
    ...options,
  ];
  const url = (user: string) => `http://${user}:secret@127.0.0.1:${port}`;
  return nodeOf(command, args, url('interop'), url('spec'));
};
