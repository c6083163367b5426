/** `sv2 pool --processes`: a core and its fronts as the processes that they are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
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
import { connect, listen, type ListenAddress } from '../../src/node.js';
import { miner, simulatedSource, templateProvider } from '../../src/index.js';
import { virtualHasher } from '../roles/support.js';
import {
  keptUntilTheEnd,
  startProcess,
  startRole,
  temporaryFiles,
  type RunningRole,
} from './role-support.js';
import { frontSettings } from '../../src/cli/pool-processes.js';
import { poolSchema } from '../../src/cli/pool-settings.js';
import { sv2 } from './support.js';

const address = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
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

const portOf = async (pool: RunningRole): Promise<number> =>
  Number((await pool.printed(/pool listening on 127\.0\.0\.1:(\d+)/))[1]);

/** The process that has a place in the pool, the newest of them. */
const processAt = async (pool: RunningRole, place: 1 | 2, nth = 1): Promise<number> => {
  const started = new RegExp(`(?:front ${place} \\(process (\\d+), server id \\d+\\) started[^]*?){${nth}}`);
  return Number((await pool.printed(started))[1]);
};

interface MinerAt {
  readonly user: string;
  readonly outcome$: Observable<{ readonly type: string; readonly count?: number }>;
}

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

/** Shares that a miner has heard to be accepted, once they are so many or more. */
const accepted = ({ outcome$ }: MinerAt, least: number): Promise<number> =>
  firstValueFrom(
    outcome$.pipe(
      scan((sum, { type, count = 0 }) => (type === 'SharesAccepted' ? sum + count : sum), 0),
      filter((sum) => sum >= least),
    ),
  );

/**
 * Starts miners until each front has one, as the system hands connections to whichever front takes them: ids of clients tell
 * whose they are.
 */
const minersAtBoth = async (pool: RunningRole): Promise<readonly [one: MinerAt, two: MinerAt]> => {
  const port = await portOf(pool);
  const at = new Map<number, MinerAt>();
  for (let number = 1; at.size < 2; number++) {
    const user = `miner${number}`;
    const started = startMiner(port, user);
    const [, id] = await pool.printed(new RegExp(`client (\\d+)[^\\n]*: "?${user}"? opened it`));
    at.set((Number(id) - 1) % 2, started);
  }
  return [at.get(0) as MinerAt, at.get(1) as MinerAt];
};

/** Accepted shares by user, as the ledger has them. */
const credited = async (ledger: string): Promise<Readonly<Record<string, number>>> => {
  const { stdout } = await sv2(['ledger', 'accounts', '--ledger', ledger, '--format', 'json']);
  const accounts = JSON.parse(stdout) as { readonly user: string; readonly accepted: number }[];
  return Object.fromEntries(accounts.map(({ user, accepted: count }) => [user, count]));
};

/** Whether a process is there. */
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
};

describe('sv2 pool --processes', () => {
  it('mines blocks with miners of all fronts, and a front that is killed takes its own alone', async () => {
    const { pool, ledger } = await startPool();
    const [one, two] = await minersAtBoth(pool);
    const heard = await Promise.all([accepted(one, 5), accepted(two, 5)]);
    await pool.printed(/is on the chain/);

    process.kill(await processAt(pool, 1), 'SIGKILL');
    await pool.printed(/front 1 \(process \d+, server id 0\) ended: SIGKILL; its miners are disconnected/);
    await accepted(two, heard[1] + 10);
    await pool.printed(/front 1 \(process \d+, server id 2\) started/);
    await accepted(one, heard[0] + 10); // it has come back, to either
    const [ofOne, ofTwo] = await Promise.all([accepted(one, 0), accepted(two, 0)]);
    const kept = await credited(ledger);
    expect(kept[one.user]).toBeGreaterThanOrEqual(Math.max(ofOne, heard[0] + 10));
    expect(kept[two.user]).toBeGreaterThanOrEqual(Math.max(ofTwo, heard[1] + 10));
    expect(pool.output.stdout).not.toMatch(
      /client \d+ \([^)]*\) disconnected: (?!the process that served it has ended)/,
    );

    const fronts = [await processAt(pool, 1, 2), await processAt(pool, 2)];
    expect(await pool.stop('SIGTERM')).toBe(0);
    expect(fronts.map(isAlive)).toEqual([false, false]);
    expect(pool.output.stdout).toMatch(/pool ended after [^\n]*: \d+ shares accepted/);
  }, 120_000);

  it('is nothing without its core: when that is killed, its fronts end', async () => {
    const { pool, ledger } = await startPool();
    const [one] = await minersAtBoth(pool);
    const heard = await accepted(one, 3);
    const fronts = [await processAt(pool, 1), await processAt(pool, 2)];
    // they have its stdout: it is closed once all of them have ended
    expect(await pool.stop('SIGKILL')).toBe(-9);
    expect(fronts.map(isAlive)).toEqual([false, false]);
    expect((await credited(ledger))[one.user]).toBeGreaterThanOrEqual(heard);
  }, 120_000);

  it.each([
    [['--max-connections', '3'], 'max_connections: 3 for 4 processes; expected 1 for each of them at least'],
    [['--payout', 'pplns'], 'payout: pplns with processes = 1 only'],
    [['--server-id', '65533'], 'server_id: 65533 leaves no ids for 4 processes; each takes one, from it on'],
    [['--processes', '65'], '--processes: expected a whole number from 1 to 64'],
  ])('is refused with %j, in words', async (flags, problem) => {
    const pool = startRole(
      ...['pool', '--processes', '4', '--template-provider', '127.0.0.1:1'],
      ...['--coinbase-reward-script', address, ...flags],
    );
    expect(await pool.exitCode).toBe(2);
    expect(pool.output.stderr).toContain(problem);
  });

  it('shares out what is limited for all miners together, so that all fronts have no more', () => {
    const settings = poolSchema.parse({
      processes: 3,
      max_connections: 1_000,
      max_channels_per_connection: 500,
      coinbase_reward_script: address,
      template_provider_type: { Sv2Tp: { address: '127.0.0.1:1' } },
    });
    expect(frontSettings(settings)).toEqual({
      ...settings,
      max_connections: 333,
      max_connections_per_address: Math.floor(settings.max_connections_per_address / 3),
      max_channels: 33_333,
      max_channels_per_address: 3_333,
    });
  });
});
