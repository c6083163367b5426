/** Translators and miners of Stratum V1 in a memory network. */
import { concat, map, NEVER, of, Subject, type Observable } from 'rxjs';
import { mineSv1, type Sv1MiningOptions } from '../../../src/roles/miner/sv1-miner.js';
import type { Sv1MinerEvent } from '../../../src/roles/translator/sv1-miners.js';
import { translator, type TranslatorOptions } from '../../../src/roles/translator/translator.js';
import type { MemoryNetwork } from '../../../src/testing/memory.js';
import { seeded, virtualHasher } from '../support.js';

/** Where miners of Stratum V1 are listened for. */
const sv1Address = 'sv1';

/** A miner of Stratum V1 of so many hashes a second. */
export const memorySv1Miner = (
  network: MemoryNetwork,
  user: string,
  hashRate: number,
  options: Partial<Sv1MiningOptions> = {},
): Observable<{ readonly type: string }> =>
  mineSv1({
    connect: network.connectSv1({ address: sv1Address }),
    user,
    hasher$: concat(of(virtualHasher(hashRate)), NEVER),
    ...options,
  });

/** The pool at an address, for who mines there as `farm`. */
export const upstreamAt = (network: MemoryNetwork, address: string) => ({
  connect: network.connect({ address, encrypted: false }),
  userIdentity: 'farm',
});

/** A translator of the pools at these addresses, and what happens between it and its miners. */
export const memoryTranslator = (
  network: MemoryNetwork,
  [first, ...others]: readonly [string, ...string[]],
  options: Partial<TranslatorOptions> = {},
) => {
  const event$ = new Subject<Sv1MinerEvent>();
  const service = translator({
    listen: network.listenSv1({ address: sv1Address }),
    upstreams: [upstreamAt(network, first), ...others.map((address) => upstreamAt(network, address))],
    nominalHashRate: 1_000,
    sharesPerMinute: 20,
    randomBytes: seeded(5),
    observer: event$,
    ...options,
  });
  const sv1$ = event$.pipe(map(({ outcome }): { readonly type: string } => outcome));
  return { service, sv1$ };
};
