/** A pool on several machines, all of which are this one: its core and its fronts are processes, miners and templates are here. */
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { firstValueFrom, ReplaySubject, Subject, Subscription, type Observable } from 'rxjs';
import { listen, type ListenAddress } from '../../src/node.js';
import { simulatedSource, templateProvider } from '../../src/index.js';
import { keptUntilTheEnd, startProcess, type RunningRole } from '../cli/role-support.js';
import { toDisplayHex } from '../../src/bitcoin/hash.js';
import { freePort } from '../interop/support/node.js';
import { playMiner, type PlayedMiner } from '../roles/played-miner.js';

const payout = ['--coinbase-reward-script', 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'];

/** A front, and where miners reach it. */
export interface FrontProcess {
  readonly role: RunningRole;
  readonly port: number;
}

type Nats = number | string | undefined;

/** See {@link poolSite}. */
export interface PoolSite {
  /** Starts a core. @param nats where NATS is: a port of this machine, or a URL; undefined where a file among the rest says so */
  core(nats: Nats, ledger: string, ...more: readonly string[]): RunningRole;
  /** Starts a front, and waits until it listens. @param port where; any that is free unless given */
  front(nats: Nats, port?: number, ...more: readonly string[]): Promise<FrontProcess>;
  /** The same, which says where miners reach it. */
  advertised(nats: number, port?: number): Promise<FrontProcess>;
  /** Starts a miner. @param port of a front */
  mine(port: number, user: string, hashRate?: number): PlayedMiner;
  /** The hash of the next block that the chain takes, as explorers show it: in the turn in which it does. */
  readonly block$: Observable<string>;
  /** How many blocks the chain has taken. */
  blocks(): number;
}

/** For a spec file: templates of a chain where one hash in 2^12 is a block. Processes and miners end after each spec. */
export function poolSite(): PoolSite {
  const kept = keptUntilTheEnd();
  let provider = new Subscription();
  let miners = new Subscription();
  let address = '';
  let taken = 0;
  const block$ = new Subject<string>();

  beforeAll(async () => {
    const address$ = new ReplaySubject<ListenAddress>(1);
    const source = simulatedSource({ nbits: 0x1f0fffff, initialTransactions: 20 });
    provider = templateProvider({ listen: listen({ port: 0, listeningObserver: address$ }), source })
      .start()
      .subscribe((outcome) => {
        if (outcome.type !== 'BlockAccepted') return;
        taken += 1;
        block$.next(toDisplayHex(outcome.hash));
      });
    address = `127.0.0.1:${(await firstValueFrom(address$)).port}`;
  });
  afterEach(() => {
    miners.unsubscribe();
    miners = new Subscription();
  });
  afterAll(() => provider.unsubscribe());

  const clusterAt = (nats: Nats, role: string): readonly string[] => [
    'pool',
    ...(nats === undefined
      ? []
      : ['--cluster', typeof nats === 'number' ? `nats://127.0.0.1:${nats}` : nats]),
    ...['--cluster-role', role, ...payout],
  ];

  const front: PoolSite['front'] = async (nats, port = 0, ...more) => {
    const role = kept(
      startProcess(
        ...[...clusterAt(nats, 'front'), '--listen', `127.0.0.1:${port}`, ...more],
        ...['--share-batch-size', '1', '--shares-per-minute', '600'],
      ),
    );
    const [, listening] = await role.printed(/pool listening on 127\.0\.0\.1:(\d+)/);
    return { role, port: Number(listening) };
  };

  return {
    core: (nats, ledger, ...more) =>
      kept(
        startProcess(
          ...[...clusterAt(nats, 'core'), '--ledger', ledger, ...more],
          ...['--template-provider', address, '--no-template-provider-encryption'],
        ),
      ),
    front,
    async advertised(nats, port) {
      const own = port ?? (await freePort());
      return front(nats, own, '--advertise-address', `127.0.0.1:${own}`);
    },
    mine: (port, user, hashRate) => playMiner(miners, port, user, hashRate),
    block$,
    blocks: () => taken,
  };
}
