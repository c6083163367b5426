/** A pool on several machines, all of which are this one: its core and its fronts are processes, miners and templates are here. */
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import {
  concat,
  filter,
  firstValueFrom,
  map,
  NEVER,
  of,
  ReplaySubject,
  scan,
  Subscription,
  timeout,
  type Observable,
} from 'rxjs';
import { toDisplayHex } from '../../src/bitcoin/hash.js';
import { connect, listen, type ListenAddress } from '../../src/node.js';
import { miner, simulatedSource, templateProvider } from '../../src/index.js';
import { keptUntilTheEnd, startProcess, type RunningRole } from '../cli/role-support.js';
import { sv2 } from '../cli/support.js';
import { virtualHasher } from '../roles/support.js';

/** Milliseconds that anything of this may take. */
const patience = 30_000;

const payout = ['--coinbase-reward-script', 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'];

/** A front, and where miners reach it. */
export interface FrontProcess {
  readonly role: RunningRole;
  readonly port: number;
}

/** A miner, and what it was acknowledged. */
export interface PlayedMiner {
  readonly user: string;
  readonly outcome$: Observable<{ readonly type: string }>;
  /** Shares that it was told are accepted, once they are so many or more. */
  acknowledged(least: number): Promise<number>;
}

/** See {@link poolSite}. */
export interface PoolSite {
  /** Starts a core. @param nats where NATS is */
  core(nats: number, ledger: string, ...more: readonly string[]): RunningRole;
  /** Starts a front, and waits until it listens. @param port where; any that is free unless given */
  front(nats: number, port?: number, ...more: readonly string[]): Promise<FrontProcess>;
  /** Starts a miner. @param port of a front */
  mine(port: number, user: string, hashRate?: number): PlayedMiner;
  /** The hashes of blocks on the chain of the template provider, so far and from now on. */
  readonly block$: Observable<string>;
}

/** For a spec file: templates of a chain where one hash in 2^12 is a block. Processes and miners end after each spec. */
export function poolSite(): PoolSite {
  const kept = keptUntilTheEnd();
  const block$ = new ReplaySubject<string>(1_000);
  let provider = new Subscription();
  let miners = new Subscription();
  let address = '';

  beforeAll(async () => {
    const address$ = new ReplaySubject<ListenAddress>(1);
    const source = simulatedSource({ nbits: 0x1f0fffff, initialTransactions: 20 });
    provider = templateProvider({ listen: listen({ port: 0, listeningObserver: address$ }), source })
      .start()
      .subscribe((outcome) => {
        if (outcome.type === 'BlockAccepted') block$.next(toDisplayHex(outcome.hash));
      });
    address = `127.0.0.1:${(await firstValueFrom(address$)).port}`;
  });
  afterEach(() => {
    miners.unsubscribe();
    miners = new Subscription();
  });
  afterAll(() => provider.unsubscribe());

  const clusterAt = (nats: number, role: string): readonly string[] => [
    ...['pool', '--cluster', `nats://127.0.0.1:${nats}`, '--cluster-role', role, ...payout],
  ];

  return {
    core: (nats, ledger, ...more) =>
      kept(
        startProcess(
          ...[...clusterAt(nats, 'core'), '--ledger', ledger, ...more],
          ...['--template-provider', address, '--no-template-provider-encryption'],
        ),
      ),
    async front(nats, port = 0, ...more) {
      const role = kept(
        startProcess(
          ...[...clusterAt(nats, 'front'), '--listen', `127.0.0.1:${port}`, ...more],
          ...['--share-batch-size', '1', '--shares-per-minute', '600'],
        ),
      );
      const [, listening] = await role.printed(/pool listening on 127\.0\.0\.1:(\d+)/);
      return { role, port: Number(listening) };
    },
    mine(port, user, hashRate = 2_000) {
      const outcome$ = new ReplaySubject<{ readonly type: string; readonly count?: number }>(100_000);
      miners.add(
        miner({
          connect: connect({ host: '127.0.0.1', port, encrypted: false }),
          userIdentity: user,
          channels: { extended: 1 },
          nominalHashRate: hashRate,
          hasher$: concat(of(virtualHasher(hashRate)), NEVER),
          reconnect: { initialDelay: 100, maxDelay: 500 },
        })
          .start()
          .subscribe(outcome$),
      );
      return {
        user,
        outcome$,
        acknowledged: (least) =>
          firstValueFrom(
            outcome$.pipe(
              map(({ type, count = 0 }) => (type === 'SharesAccepted' ? count : 0)),
              scan((sum, count) => sum + count, 0),
              filter((sum) => sum >= least),
              timeout(patience),
            ),
          ),
      };
    },
    block$: block$.asObservable(),
  };
}

/** Accepted shares by user, as a ledger has them. */
export const credited = async (ledger: string): Promise<Readonly<Record<string, number>>> => {
  const { stdout } = await sv2(['ledger', 'accounts', '--ledger', ledger, '--format', 'json']);
  const accounts = JSON.parse(stdout) as { readonly user: string; readonly accepted: number }[];
  return Object.fromEntries(accounts.map(({ user, accepted: count }) => [user, count]));
};
