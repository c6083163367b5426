/** A pool of a core and two fronts as the processes that they are, and miners at it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import {
  concat,
  filter,
  firstValueFrom,
  NEVER,
  of,
  ReplaySubject,
  scan,
  Subscription,
  type Observable,
} from 'rxjs';
import { miner, simulatedSource, templateProvider } from '../../src/index.js';
import { connect, listen, type ListenAddress } from '../../src/node.js';
import { virtualHasher } from '../roles/support.js';
import { keptUntilTheEnd, startProcess, temporaryFiles, type RunningRole } from './role-support.js';
import { sv2 } from './support.js';

/** Whom the pool pays unless told otherwise. */
export const address = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

/** A miner, and what happens at it. */
export interface MinerAt {
  readonly user: string;
  readonly outcome$: Observable<{ readonly type: string; readonly count?: number }>;
}

/** Where a pool's miners connect. */
const portOf = async (pool: RunningRole): Promise<number> =>
  Number((await pool.printed(/pool listening on 127\.0\.0\.1:(\d+)/))[1]);

/** The process that has a place in the pool, the newest of them. */
export const processAt = async (pool: RunningRole, place: 1 | 2, nth = 1): Promise<number> => {
  const started = new RegExp(`(?:front ${place} \\(process (\\d+), server id \\d+\\) started[^]*?){${nth}}`);
  return Number((await pool.printed(started))[1]);
};

/** Shares that a miner has heard to be accepted, once they are so many or more. */
export const accepted = ({ outcome$ }: MinerAt, least: number): Promise<number> =>
  firstValueFrom(
    outcome$.pipe(
      scan((sum, { type, count = 0 }) => (type === 'SharesAccepted' ? sum + count : sum), 0),
      filter((sum) => sum >= least),
    ),
  );

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

  const startMiner = (port: number, user: string): MinerAt => {
    const outcome$ = new ReplaySubject<{ readonly type: string }>(100_000);
    running.add(
      miner({
        connect: connect({ host: '127.0.0.1', port, encrypted: false }),
        userIdentity: user,
        channels: { extended: 1 },
        nominalHashRate: 2_000,
        hasher$: concat(of(virtualHasher(2_000)), NEVER),
      })
        .start()
        .subscribe(outcome$),
    );
    return { user, outcome$: outcome$.asObservable() };
  };

  /**
   * Starts miners until each front has one, as the system hands connections to whichever front takes them: ids of clients tell
   * whose they are.
   * @param userOf a user by its number
   */
  const minersAtBoth = async (
    pool: RunningRole,
    userOf = (number: number): string => `miner${number}`,
  ): Promise<readonly [one: MinerAt, two: MinerAt]> => {
    const port = await portOf(pool);
    const at = new Map<number, MinerAt>();
    for (let number = 1; at.size < 2; number++) {
      const user = userOf(number);
      const started = startMiner(port, user);
      const [, id] = await pool.printed(new RegExp(`client (\\d+)[^\\n]*: "?${user}"? opened it`));
      at.set((Number(id) - 1) % 2, started);
    }
    return [at.get(0) as MinerAt, at.get(1) as MinerAt];
  };

  return { directory, startPool, minersAtBoth };
};
