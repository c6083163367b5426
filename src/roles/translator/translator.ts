/** A translator: miners of Stratum V1 at pools of Stratum V2. */
import { asyncScheduler, type Observable } from 'rxjs';
import type { Sv1Connection } from '../../sv1/connection.js';
import { proxy, type Proxy, type ProxyOptions, type ProxyUpstream } from '../proxy/proxy.js';
import { extranonce1Size } from './sv1-extranonces.js';
import { translatorHardware } from './sv1-setup.js';
import { sv1Miners, type Sv1MinersOptions } from './sv1-miners.js';

/** What a translator is told. */
export interface TranslatorOptions
  extends
    Omit<ProxyOptions, 'listen' | 'mode' | 'extranonceSize' | 'isKnownUser'>,
    Pick<
      Sv1MinersOptions,
      'extranonce2Size' | 'nominalHashRate' | 'keepAliveInterval' | 'observer' | 'isKnownUser'
    > {
  /** Where miners come from. */
  readonly listen: Observable<Sv1Connection>;
  /**
   * Whether all miners share one channel of the pool, unless given, or each has one for itself. An upstream's user identity
   * gets a word behind a dot: `translator-proxy`, or `miner1`, `miner2` ….
   */
  readonly aggregate?: boolean;
}

/** Bytes of extranonce2 that any miner is given, at most: what rental services and proxies need. */
const mostExtranonce2 = 8;

/**
 * A translator: a `proxy` whose clients are `sv1Miners`. Miners stay connected when a pool is left for another, and need
 * understand no more than `mining.notify` for it.
 * @throws as `proxy`
 */
export function translator(options: TranslatorOptions): Proxy {
  const { listen, aggregate = true, scheduler = asyncScheduler, upstreams, ...rest } = options;
  const { extranonce2Size = 4, sharesPerMinute = 6 } = options;
  const [first, ...others] = upstreams;
  const own = ownIdentity(upstreams);
  const nameIn = (upstream: ProxyUpstream): ProxyUpstream => {
    const { userIdentity, ...rest } = upstream;
    if (userIdentity === undefined || (!aggregate && own === undefined)) return upstream;
    return aggregate
      ? { ...rest, userIdentity: suffixed(accountOf(userIdentity), 'translator-proxy') }
      : rest;
  };
  return proxy({
    device: { hardwareVersion: translatorHardware },
    ...rest,
    scheduler,
    mode: aggregate ? 'aggregate' : 'pass-through',
    extranonceSize: extranonce1Size + Math.max(extranonce2Size, mostExtranonce2),
    upstreams: [nameIn(first), ...others.map(nameIn)],
    listen: listen.pipe(
      sv1Miners({
        ...rest,
        extranonce2Size,
        sharesPerMinute,
        scheduler,
        mixesAccounts: true,
        ...(aggregate || own === undefined
          ? {}
          : { userIdentity: (miner: number) => suffixed(own, `miner${miner}`) }),
      }),
    ),
  });
}

/** The identity that is the same at all upstreams; undefined if there is none. */
function ownIdentity(upstreams: readonly ProxyUpstream[]): string | undefined {
  const [first, ...others] = upstreams.map(({ userIdentity }) => userIdentity);
  return others.every((identity) => identity === first) ? first : undefined;
}

/** Identities of the reference implementation's forms of payout are left as they are. */
const suffixed = (identity: string, word: string): string =>
  identity.startsWith('sri/') ? identity : `${identity}.${word}`;

const accountOf = (identity: string): string =>
  identity.startsWith('sri/') ? identity : (identity.split('.', 1)[0] ?? identity);
