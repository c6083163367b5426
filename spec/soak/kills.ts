/** Kills a pool at random moments under load, again and again, and looks whether its ledger has what was acknowledged. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import {
  concat,
  delay,
  filter,
  firstValueFrom,
  merge,
  NEVER,
  of,
  ReplaySubject,
  scan,
  takeUntil,
  tap,
  timer,
} from 'rxjs';
import { bytesToHex } from '../../src/codec/hex.js';
import { connect } from '../../src/node/connect.js';
import { openLedger } from '../../src/node/ledger/open-ledger.js';
import { listen, type ListenAddress } from '../../src/node/listen.js';
import { miner } from '../../src/roles/miner/miner.js';
import { simulatedSource } from '../../src/roles/template-provider/simulated-source.js';
import { templateProvider } from '../../src/roles/template-provider/template-provider.js';
import { virtualHasher } from '../roles/support.js';
import { randomOf } from '../simulation/random.js';

/** How a pool is killed. */
export interface KillOptions {
  readonly rounds: number;
  readonly seed: number;
  /** The pool's ledger: a file, or a URL. */
  readonly ledger: string;
  /** The command, as built. */
  readonly main: string;
  /** Told of each round. */
  readonly say?: (line: string) => void;
}

/** What came of it: of each user the shares that the pool acknowledged, and those in its ledger. */
export interface KillResult {
  readonly acknowledged: Readonly<Record<string, number>>;
  readonly credited: Readonly<Record<string, number>>;
  /** Shares that are in the ledger more than once. */
  readonly twice: number;
  /** Shares in the records, which accounts are made of. */
  readonly records: number;
  /** What was wrong, a line each. */
  readonly problems: readonly string[];
}

const users = ['alice', 'bob', 'carol'] as const;

/** Nothing that is hashed here is a block. */
const hardNbits = 0x1d00ffff;

/** Starts a pool, and waits until it listens. */
async function startPool(
  { main, ledger }: KillOptions,
  { port }: ListenAddress,
): Promise<{ readonly child: ChildProcess; readonly port: number; readonly said: readonly string[] }> {
  const child = spawn(
    process.execPath,
    [
      ...[main, 'pool', '--listen', '127.0.0.1:0', '--coinbase-reward-script', 'raw(51)', '--ledger', ledger],
      ...['--template-provider', `127.0.0.1:${port}`, '--no-template-provider-encryption'],
      ...['--shares-per-minute', '6000', '--share-batch-size', '3'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
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
  return { child, port: await listening, said };
}

/** Kills a pool so many times. */
export async function killPool(options: KillOptions): Promise<KillResult> {
  const random = randomOf(options.seed);
  const acknowledged: Record<string, number> = {};
  const problems: string[] = [];
  const address$ = new ReplaySubject<ListenAddress>(1);
  const provider = templateProvider({
    listen: listen({ port: 0, listeningObserver: address$ }),
    source: simulatedSource({ nbits: hardNbits, initialTransactions: 5 }),
  })
    .start()
    .subscribe();
  let credited: Record<string, number> = {};
  let [twice, records] = [0, 0];
  try {
    const address = await firstValueFrom(address$);
    for (let round = 1; round <= options.rounds; round++) {
      const pool = await startPool(options, address);
      const killed$ = new ReplaySubject<void>(1);
      const acknowledgement$ = merge(
        ...users.map((user) =>
          miner({
            connect: connect({ host: '127.0.0.1', port: pool.port, encrypted: false }),
            userIdentity: user,
            channels: { extended: 1 },
            nominalHashRate: 3_000,
            hasher$: concat(of(virtualHasher(3_000)), NEVER),
          })
            .start()
            .pipe(
              tap((outcome) => {
                if (outcome.type === 'SharesAccepted')
                  acknowledged[user] = (acknowledged[user] ?? 0) + outcome.count;
              }),
              filter(({ type }) => type === 'SharesAccepted'),
            ),
        ),
      );
      // after some acknowledgements, and at any moment between two
      const wanted = 1 + Math.floor(random() * 12);
      const moment = Math.floor(random() * 120);
      const enough$ = new ReplaySubject<void>(1);
      const running = acknowledgement$
        .pipe(
          scan((count) => count + 1, 0),
          tap((count) => {
            if (count === wanted) enough$.next();
          }),
          takeUntil(killed$),
        )
        .subscribe();
      await firstValueFrom(enough$.pipe(delay(moment)));
      const exited = once(pool.child, 'exit');
      pool.child.kill('SIGKILL');
      await exited;
      // what was on its way when it was killed may still come
      await firstValueFrom(timer(20));
      killed$.next();
      running.unsubscribe();

      ({ credited, twice, records } = await look(options.ledger));
      for (const user of users) {
        const [told, kept] = [acknowledged[user] ?? 0, credited[user] ?? 0];
        if (kept < told)
          problems.push(`round ${round}: ${user} was told of ${told} shares, ${kept} are credited`);
      }
      if (twice > 0) problems.push(`round ${round}: ${twice} shares are credited twice`);
      const total = Object.values(credited).reduce((sum, count) => sum + count, 0);
      if (total !== records)
        problems.push(`round ${round}: accounts have ${total} shares, records ${records}`);
      options.say?.(`round ${round}: ${JSON.stringify({ acknowledged, credited })}`);
    }
  } finally {
    provider.unsubscribe();
  }
  return { acknowledged, credited, twice, records, problems };
}

/** What a ledger has. */
async function look(
  ledger: string,
): Promise<{ readonly credited: Record<string, number>; readonly twice: number; readonly records: number }> {
  const { store } = await openLedger(ledger, { create: false });
  try {
    const credited = Object.fromEntries(
      (await store.accounts()).map(({ user, accepted }) => [user, accepted]),
    );
    const seen = new Set<string>();
    let records = 0;
    for await (const { record } of store.records()) {
      if (record.type !== 'share') continue;
      records += 1;
      seen.add(bytesToHex(record.hash));
    }
    return { credited, twice: records - seen.size, records };
  } finally {
    await store.close();
  }
}
