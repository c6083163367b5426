/** The pools of a miner, in the order in which they are preferred. */
import type { StratumUrl } from '../noise/url.js';
import type { Sv1Url } from '../sv1/url.js';
import { ConfigError } from './config.js';

/** All of one protocol, one at least. */
export type MinerPools =
  | { readonly protocol: 'sv1'; readonly pools: readonly [Sv1Url, ...Sv1Url[]] }
  | { readonly protocol: 'sv2'; readonly pools: readonly [StratumUrl, ...StratumUrl[]] };

const isSv1 = (pool: StratumUrl | Sv1Url): pool is Sv1Url => 'tls' in pool;
const isSv2 = (pool: StratumUrl | Sv1Url): pool is StratumUrl => !isSv1(pool);

/**
 * The pools of the settings.
 * @throws ConfigError for none, and for some of each protocol: a miner has one way to work
 */
export function minerPools(
  first: StratumUrl | Sv1Url | undefined,
  others: readonly (StratumUrl | Sv1Url)[],
): MinerPools {
  const all = first === undefined ? others : [first, ...others];
  const [sv1, ...moreSv1] = all.filter(isSv1);
  const [sv2, ...moreSv2] = all.filter(isSv2);
  if (sv1 !== undefined && sv2 !== undefined)
    throw new ConfigError(['urls: expected pools of one protocol, got some of Stratum V1 and some of V2']);
  if (sv1 !== undefined) return { protocol: 'sv1', pools: [sv1, ...moreSv1] };
  if (sv2 !== undefined) return { protocol: 'sv2', pools: [sv2, ...moreSv2] };
  throw new ConfigError([
    'url is missing: expected a URL stratum2+tcp://host:port/AUTHORITY_KEY, or stratum+tcp://host:port for Stratum V1',
  ]);
}

/**
 * Who works at all of them, as their URLs say; `rx-sv2` if none does.
 * @throws ConfigError for more than one
 */
export function userOfAll(pools: readonly { readonly user?: string | undefined }[]): string {
  const users = [...new Set(pools.flatMap(({ user }) => (user === undefined ? [] : [user])))];
  if (users.length > 1)
    throw new ConfigError([
      `urls: they name ${users.length} users; expected one, or --user, who works at all of the pools`,
    ]);
  return users[0] ?? 'rx-sv2';
}
