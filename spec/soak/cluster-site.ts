/** What a soak of a cluster runs beside its miners: the processes of core and fronts, templates, and what they say. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';
import { firstValueFrom, ReplaySubject } from 'rxjs';
import { simulatedSource, templateProvider } from '../../src/index.js';
import { listen, type ListenAddress } from '../../src/node.js';

/** One hash in 2^20 is a block. */
const nbits = 0x1e0fffff;

/** A part of the cluster. */
export interface Part {
  readonly child: ChildProcess;
  /** Where it listens; 0 for the core. */
  readonly port: number;
  /** Ends it, and waits until it is gone. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Starts templates of a simulated chain. @returns where they are, and how they end */
export async function templates(): Promise<{ readonly port: number; readonly end: () => void }> {
  const address$ = new ReplaySubject<ListenAddress>(1);
  const running = templateProvider({
    listen: listen({ port: 0, listeningObserver: address$ }),
    source: simulatedSource({ nbits, initialTransactions: 20 }),
  })
    .start()
    .subscribe();
  return { port: (await firstValueFrom(address$)).port, end: () => running.unsubscribe() };
}

/** Parts of a cluster, each a process of the built `sv2`. @param troubleObserver is told of each line on their stderr */
export function clusterParts(
  { ledger, provider }: { readonly ledger: string; readonly provider: number },
  troubleObserver: { next(line: string): void },
) {
  const all = new Set<ChildProcess>();
  const start = async (
    nats: number,
    role: string,
    printed: RegExp,
    more: readonly string[],
  ): Promise<Part> => {
    const child = spawn(
      process.execPath,
      [
        ...[
          resolve('dist/cli/main.js'),
          'pool',
          '--cluster',
          `nats://127.0.0.1:${nats}`,
          '--cluster-role',
          role,
        ],
        ...['--coinbase-reward-script', 'raw(51)', '--network', 'regtest', ...more],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    all.add(child);
    child.once('exit', () => all.delete(child));
    const said: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (said.length < 100) said.push(line);
      troubleObserver.next(`${role}: ${line}`);
    });
    const port = await new Promise<number>((resolved, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const found = printed.exec(line);
        if (found !== null) resolved(Number(found[1] ?? 0));
      });
      child.once('exit', (code) => reject(new Error(`${role} ended with ${code}: ${said.join('; ')}`)));
    });
    return {
      child,
      port,
      async end(signal) {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exited = once(child, 'exit');
        child.kill(signal);
        await exited;
      },
    };
  };
  return {
    core: (nats: number): Promise<Part> =>
      start(nats, 'core', /at NATS/, [
        ...['--ledger', ledger, '--template-provider', `127.0.0.1:${provider}`],
        '--no-template-provider-encryption',
      ]),
    /** @param port where miners reach it; any that is free for 0 */
    front: (nats: number, port: number): Promise<Part> =>
      start(nats, 'front', /pool listening on 127\.0\.0\.1:(\d+)/, [
        ...['--listen', `127.0.0.1:${port}`, '--shares-per-minute', '60', '--share-batch-size', '1'],
        ...['--max-connections', '5000', '--max-connections-per-address', '5000'],
        ...['--max-channels', '5000', '--max-channels-per-address', '5000'],
        ...(port === 0 ? [] : ['--advertise-address', `127.0.0.1:${port}`]),
      ]),
    /** Kills what is left. */
    end: () => {
      for (const child of all) child.kill('SIGKILL');
    },
  };
}
