/** What a measurement needs around it: a template provider, a pool of either kind, miners. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeAuthorityPublicKey, encodeAuthoritySecretKey, generateAuthorityKeyPair } from 'rx-sv2';
import { nodeCrypto } from 'rx-sv2/node';
import { answerLength, requestLength } from '../fleets.js';
import { startServer } from '../processes.js';
import type { Tools } from './tools.js';

/** Ours and the reference's. */
export const pools = ['ours', 'reference'] as const;
export type PoolName = (typeof pools)[number];

/** What the load generator says about a run: numbers by name; see `sv2load/src/main.rs`. */
export type Run = Readonly<Record<string, number | null>>;

/** A pool that runs. */
export interface RunningPool {
  readonly pid: number;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Where pools are measured. */
export interface Site {
  /**
   * Starts a pool, and waits until it has a template.
   * @param settle milliseconds until it has: the reference's pool looks once a second, then lets anyone in
   * @param flags of `sv2 pool`, besides its configuration
   */
  startPool(name: PoolName, settle?: number, flags?: readonly string[]): Promise<RunningPool>;
  /**
   * Puts a pool under load.
   * @param options of the load generator
   * @param onReady called when all have opened, if it is told to wait for a restart
   */
  load(pool: RunningPool, options: Readonly<Record<string, number>>, onReady?: () => void): Promise<Run>;
  close(): Promise<void>;
}

/** Flags of a template provider whose templates and tips do not change. */
export const still = ['--nbits', '1b00ffff', '--transactions-per-second', '0', '--min-interval', '3600'];

/** Flags of one that has a new tip every so many seconds. */
export const restless = (blockInterval: number): string[] => [
  ...['--nbits', '1b00ffff', '--transactions-per-second', '3', '--min-interval', '3600'],
  ...['--block-interval', String(blockInterval)],
];

/**
 * @param firstPort two ports of this machine from this one on have to be free
 * @param templateFlags of `sv2 template-provider`
 */
export async function openSite(
  tools: Tools,
  firstPort: number,
  templateFlags: readonly string[],
): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'sv2-peer-'));
  const [providerPort, poolPort] = [firstPort, firstPort + 1];
  const [provider, pool] = [keys(), keys()];
  const children = new Set<ChildProcess>();

  const start = (command: string, args: readonly string[], log: string): ChildProcess => {
    const stderr = openSync(join(folder, log), 'w');
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', stderr] });
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  };
  const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    if ((await Promise.race([exited, sleep(4_000)])) === undefined) child.kill('SIGKILL');
    await exited;
  };
  const listens = async (child: ChildProcess, port: number, log: string): Promise<void> => {
    for (let attempt = 0; attempt < 400 && child.exitCode === null; attempt += 1) {
      if (await accepts(port)) return;
      await sleep(25);
    }
    throw new Error(`nobody listens on ${port}: ${readFileSync(join(folder, log), 'utf8').slice(-500)}`);
  };
  const file = (name: string, lines: readonly string[]): string => {
    const path = join(folder, name);
    writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 });
    return path;
  };

  const providerConfig = file('provider.toml', [
    ...provider.lines,
    `listen_address = "127.0.0.1:${providerPort}"`,
  ]);
  const poolConfig = file('pool.toml', [
    ...pool.lines,
    'cert_validity_sec = 3600',
    `listen_address = "127.0.0.1:${poolPort}"`,
    'coinbase_reward_script = "addr(bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080)"',
    'server_id = 1',
    'pool_signature = "bench"',
    'shares_per_minute = 6000.0',
    'share_batch_size = 1',
    '[template_provider_type.Sv2Tp]',
    `address = "127.0.0.1:${providerPort}"`,
    `public_key = "${provider.publicKey}"`,
  ]);

  const templates = start(
    process.execPath,
    [tools.sv2, 'template-provider', '--config', providerConfig, ...templateFlags],
    'provider.log',
  );
  await listens(templates, providerPort, 'provider.log');

  return {
    async startPool(name, settle = 1_500, flags = []) {
      const child =
        name === 'ours'
          ? start(
              process.execPath,
              [tools.sv2, 'pool', '--config', poolConfig, '--ledger', 'none', ...flags],
              'ours.log',
            )
          : start(tools.referencePool, ['-c', poolConfig], 'reference.log');
      await listens(child, poolPort, `${name}.log`);
      await sleep(settle);
      return { pid: child.pid as number, stop: (signal = 'SIGINT') => end(child, signal) };
    },
    load: (target, options, onReady) =>
      generateLoad(
        tools.load,
        {
          pool: `127.0.0.1:${poolPort}`,
          key: pool.publicKey,
          tp: `127.0.0.1:${providerPort}`,
          'tp-key': provider.publicKey,
          pid: target.pid,
          ...options,
        },
        onReady,
        children,
      ),
    async close() {
      await Promise.all([...children].map((child) => end(child, 'SIGINT')));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Puts a server of raw sockets in Node.js under load, one that answers as many bytes as a share has with as many as its answer has:
 * what reading and writing alone takes.
 * @param options of the load generator
 */
export async function floorOf(tools: Tools, options: Readonly<Record<string, number>>): Promise<Run> {
  const server = await startServer('servers/raw.ts', String(requestLength), String(answerLength));
  const sizes = { request: requestLength, answer: answerLength };
  const address = { pool: `127.0.0.1:${server.port}`, pid: server.pid };
  try {
    return await generateLoad(tools.load, { ...address, ...sizes, ...options });
  } finally {
    await server.stop();
  }
}

/** Runs the load generator. @param children it is one of them while it runs */
async function generateLoad(
  command: string,
  options: Readonly<Record<string, string | number>>,
  onReady?: () => void,
  children?: Set<ChildProcess>,
): Promise<Run> {
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children?.add(child);
  let output = '';
  child.stdout.on('data', (text: Buffer) => {
    output += text.toString();
    if (output.startsWith('ready\n')) {
      output = output.slice('ready\n'.length);
      onReady?.();
    }
  });
  await once(child, 'close');
  children?.delete(child);
  return JSON.parse(output) as Run;
}

/** An authority's keys, and how a configuration file has them. */
function keys(): { readonly publicKey: string; readonly lines: readonly string[] } {
  const pair = generateAuthorityKeyPair(nodeCrypto);
  const publicKey = encodeAuthorityPublicKey(pair.publicKey);
  return {
    publicKey,
    lines: [
      `authority_public_key = "${publicKey}"`,
      `authority_secret_key = "${encodeAuthoritySecretKey(pair.secretKey)}"`,
    ],
  };
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    const settle = (accepted: boolean) => () => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', settle(true)).once('error', settle(false));
  });
