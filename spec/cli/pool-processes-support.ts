/** A pool of a core and two fronts as the processes that they are, and miners at it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import { firstValueFrom, ReplaySubject, Subscription } from 'rxjs';
import { simulatedSource, templateProvider } from '../../src/index.js';
import { listen, type ListenAddress } from '../../src/node.js';
import { playMiner, type PlayedMiner } from '../roles/played-miner.js';
import { keptUntilTheEnd, startProcess, temporaryFiles, type RunningRole } from './role-support.js';
import { sv2 } from './support.js';

/** Whom the pool pays unless told otherwise. */
export const address = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

/** Where a pool's miners connect. */
const portOf = async (pool: RunningRole): Promise<number> =>
  Number((await pool.printed(/pool listening on 127\.0\.0\.1:(\d+)/))[1]);

/** The process that has a place in the pool, the newest of them. */
export const processAt = async (pool: RunningRole, place: 1 | 2, nth = 1): Promise<number> => {
  const started = new RegExp(`(?:front ${place} \\(process (\\d+), server id \\d+\\) started[^]*?){${nth}}`);
  return Number((await pool.printed(started))[1]);
};

/** Accepted shares by user, as the ledger has them. */
export const credited = async (ledger: string): Promise<Readonly<Record<string, number>>> => {
  const { stdout } = await sv2(['ledger', 'accounts', '--ledger', ledger, '--format', 'json']);
  const accounts = JSON.parse(stdout) as { readonly user: string; readonly accepted: number }[];
  return Object.fromEntries(accounts.map(({ user, accepted: count }) => [user, count]));
};

/** Whether a process is there. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
};

/** For a spec file: starts pools and miners, which are ended after each spec. */
export const poolOfProcesses = () => {
  const { directory } = temporaryFiles();
  const kept = keptUntilTheEnd();
  let running = new Subscription();
  afterEach(() => {
    running.unsubscribe();
    running = new Subscription();
  });

  /** A template provider of a simulated chain: one hash in 2^12 is a block. Returns where it listens. */
  const provideTemplates = async (): Promise<string> => {
    const address$ = new ReplaySubject<ListenAddress>(1);
    const source = simulatedSource({ nbits: 0x1f0fffff, initialTransactions: 20 });
    running.add(
      templateProvider({ listen: listen({ port: 0, listeningObserver: address$ }), source })
        .start()
        .subscribe(),
    );
    return `127.0.0.1:${(await firstValueFrom(address$)).port}`;
  };

  let pools = 0;

  /** A pool of two processes beside its core, and its ledger. */
  const startPool = async (
    ...more: readonly string[]
  ): Promise<{ readonly pool: RunningRole; readonly ledger: string }> => {
    const ledger = join(directory, `${++pools}.sqlite`);
    const pool = kept(
      startProcess(
        ...['pool', '--processes', '2', '--listen', '127.0.0.1:0', '--ledger', ledger, ...more],
        ...['--template-provider', await provideTemplates(), '--no-template-provider-encryption'],
        ...['--coinbase-reward-script', address, '--share-batch-size', '1', '--shares-per-minute', '600'],
      ),
    );
    return { pool, ledger };
  };

  const startMiner = (port: number, user: string): PlayedMiner => playMiner(running, port, user);

  /**
   * Starts miners until each front has one, as the system hands connections to whichever front takes them: ids of clients tell
   * whose they are.
   * @param userOf a user by its number
   */
  const minersAtBoth = async (
    pool: RunningRole,
    userOf = (number: number): string => `miner${number}`,
  ): Promise<readonly [one: PlayedMiner, two: PlayedMiner]> => {
    const port = await portOf(pool);
    const at = new Map<number, PlayedMiner>();
    for (let number = 1; at.size < 2; number++) {
      const user = userOf(number);
      const started = startMiner(port, user);
      const [, id] = await pool.printed(new RegExp(`client (\\d+)[^\\n]*: "?${user}"? opened it`));
      at.set((Number(id) - 1) % 2, started);
    }
    return [at.get(0) as PlayedMiner, at.get(1) as PlayedMiner];
  };

  return { directory, startPool, minersAtBoth };
};
