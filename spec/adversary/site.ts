/** A pool and its template provider, each the `sv2` command in a process of its own. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeAuthorityPublicKey, encodeAuthoritySecretKey } from 'rx-sv2';
import { authority } from '../bench/keys.js';
import { until } from './until.js';

const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const probe = fileURLToPath(new URL('probe.js', import.meta.url));

export interface Site {
  /** Where the pool listens on 127.0.0.1. */
  readonly port: number;
  /** Whether the pool runs. */
  readonly alive: boolean;
  /** Bytes of objects and buffers of the pool, after garbage collection. */
  memory(): Promise<number>;
  /** Bytes that the system gave the pool. */
  resident(): number;
  /** Bytes that the pool wrote to its log. */
  logged(): number;
  stop(): Promise<void>;
}

/** Starts both, and waits until the pool has work. */
export async function startSite(): Promise<Site> {
  const directory = mkdtempSync(join(tmpdir(), 'rx-sv2-adversary-'));
  const children: ChildProcess[] = [];
  const start = (name: string, args: readonly string[], execArgv: readonly string[] = []) => {
    const log = join(directory, name);
    const descriptor = openSync(log, 'w');
    const child = fork(command, [...args], {
      execArgv: [...execArgv],
      stdio: ['ignore', descriptor, descriptor, 'ipc'],
    });
    closeSync(descriptor);
    children.push(child);
    const printed = async (pattern: RegExp): Promise<string> => {
      await until(`${name} prints ${String(pattern)}`, 20_000, () => pattern.test(readFileSync(log, 'utf8')));
      return pattern.exec(readFileSync(log, 'utf8'))?.[1] ?? '';
    };
    return { child, log, printed };
  };
  const listening = /listening on 127\.0\.0\.1:(\d+)/;

  const provider = start('provider', [
    'template-provider',
    ...['--listen', '127.0.0.1:0', '--block-interval', '30', '--nbits', '1d00ffff'],
  ]);
  const providerPort = await provider.printed(listening);
  const pool = start(
    'pool',
    [
      'pool',
      ...['--listen', '127.0.0.1:0', '--ledger', 'none'],
      ...['--authority-public-key', encodeAuthorityPublicKey(authority.publicKey)],
      ...['--authority-secret-key', encodeAuthoritySecretKey(authority.secretKey)],
      ...['--coinbase-reward-script', `raw(51)`],
      ...['--template-provider', `127.0.0.1:${providerPort}`, '--no-template-provider-encryption'],
      ...['--shares-per-minute', '6000', '--share-batch-size', '1'],
    ],
    ['--expose-gc', '--import', probe],
  );
  const port = Number(await pool.printed(listening));
  const { child } = pool;
  return {
    port,
    get alive() {
      return child.exitCode === null && child.signalCode === null;
    },
    async memory() {
      child.send('memory');
      const [bytes] = (await once(child, 'message')) as [number];
      return bytes;
    },
    resident: () =>
      1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]),
    logged: () => statSync(pool.log).size,
    async stop() {
      for (const one of children) {
        if (one.exitCode !== null || one.signalCode !== null) continue;
        one.kill('SIGTERM');
        const forced = setTimeout(() => one.kill('SIGKILL'), 5_000);
        await once(one, 'exit');
        clearTimeout(forced);
      }
      rmSync(directory, { recursive: true });
    },
  };
}
