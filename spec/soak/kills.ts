/** Kills a pool, its database, or both at random moments under load, and looks what the ledger has each time. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  filter,
  firstValueFrom,
  ReplaySubject,
  Subject,
  take,
  tap,
  timeout,
  timer,
  type NextObserver,
  Subscription,
} from 'rxjs';
import { listen, type ListenAddress } from '../../src/node/listen.js';
import type { BlockSource } from '../../src/roles/template-provider/block-source.js';
import { simulatedSource } from '../../src/roles/template-provider/simulated-source.js';
import { templateProvider } from '../../src/roles/template-provider/template-provider.js';
import { addressOf } from '../ledger/support.js';
import type { PostgresServer } from '../node/ledger/postgres-server.js';
import { playMiner } from '../roles/played-miner.js';
import { diceOf } from '../simulation/random.js';
import { hashOf, killChecks, type Counts } from './kill-checks.js';

/** What can be killed. */
export type Victim = 'pool' | 'store' | 'both';

/** How a pool is killed. */
export interface KillOptions {
  readonly rounds: number;
  readonly seed: number;
  /** An empty one, for what the pool keeps. */
  readonly folder: string;
  /** The database that is killed, too; without, the ledger is a file. */
  readonly store?: Pick<PostgresServer, 'url' | 'kill' | 'start'>;
  /** The command, as built. */
  readonly main: string;
  /** Told of each round. */
  readonly say?: (line: string) => void;
}

/** What came of it: of each user the shares that the pool acknowledged, and those in its ledger. */
export interface KillResult {
  readonly acknowledged: Counts;
  readonly credited: Counts;
  /** How often each was killed. */
  readonly killed: Readonly<Record<Victim, number>>;
  /** Blocks that the chain has, all found here. */
  readonly blocks: number;
  /** What was wrong, a line each. */
  readonly problems: readonly string[];
}

const users = [1, 2, 3].map(addressOf);

/** One hash in 2^12 is a block: one in half a second. */
const easyNbits = 0x1f0fffff;

/** Milliseconds within which a pool acknowledges again, whatever was killed. */
const patience = 60_000;

interface RunningPool {
  readonly child: ChildProcess;
  readonly port: number;
}

/** Starts a pool, and waits until it listens. */
async function startPool(
  { main, folder, store }: KillOptions,
  { port }: ListenAddress,
): Promise<RunningPool> {
  const child = spawn(
    process.execPath,
    [
      ...[main, 'pool', '--listen', '127.0.0.1:0', '--coinbase-reward-script', 'raw(51)'],
      ...['--network', 'regtest'],
      ...(store === undefined ? [] : ['--ledger', store.url]),
      ...['--template-provider', `127.0.0.1:${port}`, '--no-template-provider-encryption'],
      ...['--shares-per-minute', '6000', '--share-batch-size', '3'],
      // half a block: users wait for several, and are owed meanwhile
      ...[
        '--payout',
        'pplns',
        '--payout-minimum',
        '150000000',
        '--payout-confirmations',
        '3',
        '--fee',
        '100',
      ],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, XDG_DATA_HOME: folder } },
  );
  const said: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => said.push(line));
  const listening = new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, found] = /pool listening on 127\.0\.0\.1:(\d+)/.exec(line) ?? [];
      if (found !== undefined) resolve(Number(found));
    });
    child.once('exit', (code) => reject(new Error(`the pool ended with ${code}: ${said.join('; ')}`)));
  });
  return { child, port: await listening };
}

const killProcess = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
};

/** A source that remembers the blocks that its chain has taken. */
const remembering = (
  source: BlockSource,
  chain: Map<string, Uint8Array>,
  taken$: NextObserver<void>,
): BlockSource => ({
  ...source,
  submit: (block) =>
    source.submit(block).pipe(
      tap(({ accepted }) => {
        if (!accepted) return;
        chain.set(hashOf(block.bytes), block.bytes);
        taken$.next();
      }),
    ),
});

/** Kills so many times. */
export async function killPool(options: KillOptions): Promise<KillResult> {
  const { rounds, seed, folder, store, say } = options;
  const dice = diceOf(seed);
  const acknowledged: Record<string, number> = {};
  const acknowledgement$ = new Subject<void>();
  const killed: Record<Victim, number> = { pool: 0, store: 0, both: 0 };
  const problems: string[] = [];
  const chain = new Map<string, Uint8Array>();
  const taken$ = new Subject<void>();
  const checks = killChecks(store?.url ?? join(folder, 'rx-sv2', 'pool.ledger.sqlite'), 0);
  const address$ = new ReplaySubject<ListenAddress>(1);
  const provider = templateProvider({
    listen: listen({ port: 0, listeningObserver: address$ }),
    source: remembering(simulatedSource({ nbits: easyNbits, initialTransactions: 5 }), chain, taken$),
  })
    .start()
    .subscribe();
  const minersOf = ({ port }: RunningPool): Subscription => {
    const running = new Subscription();
    for (const user of users) {
      const { outcome$ } = playMiner(running, port, user, 3_000);
      running.add(
        outcome$.subscribe((outcome) => {
          if (outcome.type !== 'SharesAccepted') return;
          acknowledged[user] = (acknowledged[user] ?? 0) + outcome.count;
          acknowledgement$.next();
        }),
      );
    }
    return running;
  };
  const acknowledgements = (count: number) =>
    firstValueFrom(
      acknowledgement$.pipe(
        take(count),
        filter((_, index) => index + 1 === count),
        timeout(patience),
      ),
    );
  let pool: RunningPool | undefined;
  let miners: Subscription | undefined;
  try {
    const address = await firstValueFrom(address$);
    const run = async (): Promise<RunningPool> => {
      pool = await startPool(options, address);
      miners = minersOf(pool);
      return pool;
    };
    let running = await run();
    for (let round = 1; round <= rounds; round++) {
      const onChain = [...chain.keys()];
      // after some acknowledgements, and at any moment between two
      await acknowledgements(1 + dice.below(12));
      await firstValueFrom(timer(dice.below(120)));
      const victim: Victim = store === undefined ? 'pool' : (dice.pick(['pool', 'store', 'both']) ?? 'both');
      killed[victim] += 1;
      await Promise.all([
        victim === 'store' ? undefined : killProcess(running.child, 'SIGKILL'),
        victim === 'pool' ? undefined : store?.kill(),
      ]);
      if (victim !== 'store') {
        await firstValueFrom(timer(20)); // what was on its way may still come
        miners?.unsubscribe();
      }
      if (victim !== 'pool') await store?.start();
      const told = { ...acknowledged };
      const { kept, problems: found } = await checks.look(told, onChain, victim === 'store');
      for (const problem of found) {
        problems.push(`round ${round}, ${victim}: ${problem}`);
        say?.(`round ${round}, ${victim}, wrong: ${problem}`); // a run that is ended early has told, too
      }
      say?.(
        `round ${round}, ${victim}: ${JSON.stringify({ acknowledged: told, credited: kept.credited, blocks: chain.size })}`,
      );
      if (victim !== 'store') running = await run();
    }
    await acknowledgements(3);
    if (chain.size === 0) await firstValueFrom(taken$.pipe(timeout(patience)));
    await acknowledgements(3);
    miners?.unsubscribe();
    await killProcess(running.child, 'SIGTERM');
    const { kept, problems: found } = await checks.look(acknowledged, chain.keys(), false);
    problems.push(...found, ...checks.settled(kept, chain));
    return { acknowledged, credited: kept.credited, killed, blocks: chain.size, problems };
  } finally {
    miners?.unsubscribe();
    provider.unsubscribe();
    pool?.child.kill('SIGKILL');
  }
}
