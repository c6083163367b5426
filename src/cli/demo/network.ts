import { defer, map, merge, ReplaySubject, switchMap, take, type Observable } from 'rxjs';
import { scriptFromAddress } from '../../bitcoin/payout-script.js';
import { defaultCrypto } from '../../crypto/noble.js';
import { connect } from '../../node/connect.js';
import { hashWorkers } from '../../node/hash-workers.js';
import { listen, type ListenAddress } from '../../node/listen.js';
import { generateAuthorityKeyPair, type AuthorityKeyPair } from '../../noise/authority-key.js';
import { miner } from '../../roles/miner/miner.js';
import { pool } from '../../roles/pool/pool.js';
import { simulatedSource } from '../../roles/template-provider/simulated-source.js';
import { templateProvider } from '../../roles/template-provider/template-provider.js';
import type { Connection, Connector } from '../../transport/connection.js';
import type { DemoOutcome, MinerState } from './state.js';

/** What the network of the demo is like. */
export interface NetworkOptions {
  /** Difficulty of the simulated chain, in compact form. */
  readonly nbits: number;
  /** Hashes per second that each miner tells the pool. */
  readonly hashRate: number;
  readonly miners: readonly Pick<MinerState, 'name' | 'channel'>[];
}

const sharesPerMinute = 30;

/** Where blocks of the simulated chain are paid to; an example address of BIP 173. */
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
 * loopback interface, each miner hashing in a thread of its own. Runs while subscribed.
 */
export function demoNetwork({ nbits, hashRate, miners }: NetworkOptions): Observable<DemoOutcome> {
  return defer(() => {
    const atProvider = place();
    const atPool = place();
    const provider$ = templateProvider({ listen: atProvider.listen, source: simulatedSource({ nbits }) })
      .start()
      .pipe(map((outcome): DemoOutcome => ({ from: 'templateProvider', outcome })));

    const pool$ = atProvider.address$.pipe(
      switchMap((address) =>
        pool({
          listen: atPool.listen,
          templateProvider: dial(address, atProvider.authority),
          payoutScript: scriptFromAddress(payoutAddress).scriptPubKey,
          poolSignature: 'rx-sv2 demo',
          sharesPerMinute,
          shareBatchSize: 1,
        }).start(),
      ),
      map((outcome): DemoOutcome => ({ from: 'pool', outcome })),
    );

    const miner$ = atPool.address$.pipe(
      switchMap((address) =>
        merge(
          ...miners.map(({ name, channel }) =>
            miner({
              connect: dial(address, atPool.authority),
              userIdentity: name,
              channels: { [channel]: 1 },
              nominalHashRate: hashRate,
              hasher$: hashWorkers(1),
            })
              .start()
              .pipe(map((outcome): DemoOutcome => ({ from: 'miner', name, outcome }))),
          ),
        ),
      ),
    );
    return merge(provider$, pool$, miner$);
  });
}
