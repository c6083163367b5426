import {
  combineLatest,
  defer,
  filter,
  identity,
  map,
  merge,
  ReplaySubject,
  switchMap,
  take,
  type Observable,
} from 'rxjs';
import { scriptFromAddress } from '../../bitcoin/payout-script.js';
import { defaultCrypto } from '../../crypto/noble.js';
import { connect } from '../../node/connect.js';
import { hashWorkers } from '../../node/hash-workers.js';
import { listen, type ListenAddress } from '../../node/listen.js';
import { monitored } from '../../node/monitoring/monitored.js';
import { memoryStore } from '../../ledger/memory-store.js';
import { generateAuthorityKeyPair, type AuthorityKeyPair } from '../../noise/authority-key.js';
import { jdClient } from '../../roles/jd-client/jd-client.js';
import { jdServer } from '../../roles/jd-server/jd-server.js';
import { miner } from '../../roles/miner/miner.js';
import { declaredPayouts } from '../../roles/pool/declared-payouts.js';
import { pool, type PoolOutcome } from '../../roles/pool/pool.js';
import type { BlockSource } from '../../roles/template-provider/block-source.js';
import { simulatedSource } from '../../roles/template-provider/simulated-source.js';
import { templateProvider } from '../../roles/template-provider/template-provider.js';
import type { Connection, Connector } from '../../transport/connection.js';
import { payoutPlan } from '../payout-plan-settings.js';
import { version } from '../version.js';
import type { DemoOutcome, MinerState } from './state.js';
import { identityOf } from './users.js';

/** What the network of the demo is like. */
export interface NetworkOptions {
  /** Difficulty of the simulated chain, in compact form. */
  readonly nbits: number;
  /** Hashes per second that each miner tells the pool. */
  readonly hashRate: number;
  readonly miners: readonly DemoMiner[];
  /** Where the pool is to be seen in a browser; another port will do. Nowhere unless given. */
  readonly monitoring?: ListenAddress | undefined;
}

/** A miner of the demo. */
export interface DemoMiner extends Pick<MinerState, 'name' | 'channel'> {
  /** Whether it chooses its transactions: it is behind a declaration client with a template provider of its own. */
  readonly chooses?: boolean;
}

/** Transactions that only the template provider of the one who chooses has: those that came last. */
const secret = 5;

/** A chain as a node sees it that has not heard of the last transactions yet. */
function lateNode(source: BlockSource): BlockSource {
  return {
    update$: source.update$.pipe(
      map((update) => {
        if (update.type !== 'BlockTemplate') return update;
        const hidden = update.transactions.slice(-secret);
        return {
          ...update,
          transactions: update.transactions.slice(0, -secret),
          coinbaseValue: hidden.reduce((value, { fee }) => value - fee, update.coinbaseValue),
        };
      }),
    ),
    submit: (block) => source.submit(block),
  } satisfies BlockSource;
}

const sharesPerMinute = 30;

/** Blocks with which the ledger books a block: few, so that somebody who looks on for a minute sees it. */
const confirmations = 6;

/** Where the pool has what is nobody's; an example address of BIP 173. */
const payoutAddress = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

/** A listener on a port of its own choosing, and how to reach it once it listens. */
interface Place {
  readonly authority: AuthorityKeyPair;
  readonly listen: Observable<Connection>;
  readonly address$: Observable<ListenAddress>;
}

function place(): Place {
  const authority = generateAuthorityKeyPair(defaultCrypto);
  const address$ = new ReplaySubject<ListenAddress>(1);
  return {
    authority,
    listen: listen({ port: 0, authority, listeningObserver: address$ }),
    address$: address$.pipe(take(1)),
  };
}

function dial({ host, port }: ListenAddress, { publicKey }: AuthorityKeyPair): Connector {
  return connect({ host, port, authorityPublicKey: publicKey });
}

/**
 * A mining network: template provider, pool and miners as separate services that talk over TCP and Noise on the
 * loopback interface, each miner hashing in a thread of its own. If one of them chooses its transactions, a declaration server
 * beside the pool, and a declaration client with a template provider of its own. Runs while subscribed.
 */
export function demoNetwork({
  nbits,
  hashRate,
  miners,
  monitoring,
}: NetworkOptions): Observable<DemoOutcome> {
  return defer(() => {
    const atProvider = place();
    const atPool = place();
    const dashboard$ = new ReplaySubject<ListenAddress>(1);
    const atDeclarator = place();
    const atOwnProvider = place();
    const atClient = place();
    const payoutScript = scriptFromAddress(payoutAddress).scriptPubKey;
    const chooser = miners.find(({ chooses }) => chooses === true);
    const chain = simulatedSource({ nbits });
    const source = chooser === undefined ? chain : lateNode(chain);
    const provider$ = templateProvider({ listen: atProvider.listen, source })
      .start()
      .pipe(map((outcome): DemoOutcome => ({ from: 'templateProvider', outcome })));

    const networks = ['regtest'] as const;
    const plan = payoutPlan(
      { payout: 'pplns', payout_confirmations: confirmations },
      { reserve: payoutScript, networks, hasLedger: true },
    );
    const payouts = plan.payout === undefined ? undefined : declaredPayouts(plan.payout);
    const declarator = jdServer({
      listen: atDeclarator.listen,
      node: source,
      ...(payouts?.declarator ?? { outputs: [{ value: 0n, scriptPubKey: payoutScript }] }),
      ...(payouts === undefined ? {} : { payoutDistribution$: payouts.payoutDistribution$ }),
    });
    const store = memoryStore();

    const pool$ = atProvider.address$.pipe(
      switchMap((address) =>
        pool({
          listen: atPool.listen,
          templateProvider: dial(address, atProvider.authority),
          payoutScript,
          poolSignature: 'rx-sv2 demo',
          sharesPerMinute,
          shareBatchSize: 1,
          acceptCustomJob: declarator.acceptCustomJob,
          customBlockObserver: declarator.customBlockObserver,
          ledger: { store, ...plan, ...(payouts === undefined ? {} : { declaredPayouts: payouts }) },
        }).start(),
      ),
      monitoring === undefined
        ? identity
        : monitored<PoolOutcome>({
            ...{ role: 'pool', ...monitoring, orAnyPort: true, version: version() },
            ...{ sharesPerMinute, shareBatchSize: 1, listeningObserver: dashboard$ },
            ledger: { store, networks },
          }),
      map((outcome): DemoOutcome => ({ from: 'pool', outcome })),
    );

    function mine(address: ListenAddress, { authority }: Place, { name, channel }: DemoMiner) {
      return miner({
        connect: dial(address, authority),
        userIdentity: identityOf(name),
        channels: { [channel]: 1 },
        nominalHashRate: hashRate,
        hasher$: hashWorkers(1),
      })
        .start()
        .pipe(map((outcome): DemoOutcome => ({ from: 'miner', name, outcome })));
    }

    const miner$ = merge(
      ...miners.map((one) => {
        const at = one === chooser ? atClient : atPool;
        return at.address$.pipe(switchMap((address) => mine(address, at, one)));
      }),
    );
    const told$ = dashboard$.pipe(
      map(({ host, port }): DemoOutcome => {
        const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;
        return { from: 'monitoring', outcome: { type: 'Listening', url } };
      }),
    );
    if (chooser === undefined) return merge(provider$, pool$, miner$, told$);

    const { name } = chooser;
    const ownProvider$ = templateProvider({ listen: atOwnProvider.listen, source: chain })
      .start()
      .pipe(
        map((outcome): DemoOutcome => ({ from: 'templateProvider', outcome })),
        // the declaration server may have been faster
        filter(({ outcome }) => outcome.type !== 'BlockRejected' || outcome.reason !== 'duplicate'),
      );
    const client$ = combineLatest([atPool.address$, atDeclarator.address$, atOwnProvider.address$]).pipe(
      switchMap(([poolAddress, declaratorAddress, providerAddress]) =>
        jdClient({
          listen: atClient.listen,
          pairs: [
            {
              pool: dial(poolAddress, atPool.authority),
              declarator: dial(declaratorAddress, atDeclarator.authority),
              userIdentity: identityOf(name),
            },
          ],
          templateProvider: dial(providerAddress, atOwnProvider.authority),
          // its blocks pay users by the pool's ledger, as all do
          payoutDistributions: true,
          signature: 'rx-sv2 demo',
          sharesPerMinute,
          shareBatchSize: 1,
        }).start(),
      ),
      map((outcome): DemoOutcome => ({ from: 'declarationClient', name, outcome })),
    );
    const declarator$ = declarator
      .start()
      .pipe(map((outcome): DemoOutcome => ({ from: 'declarationServer', outcome })));
    return merge(provider$, pool$, declarator$, ownProvider$, client$, miner$, told$);
  });
}
