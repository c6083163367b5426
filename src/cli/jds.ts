/** The settings of a declaration server, alone or of a pool, and what it does. */
import {
  EMPTY,
  identity,
  merge,
  NEVER,
  of,
  startWith,
  type MonoTypeOperatorFunction,
  type Observable,
} from 'rxjs';
import * as z from 'zod';
import type { AddressNetwork } from '../bitcoin/payout-script.js';
import { bitcoinNode } from '../node/bitcoin-node.js';
import { BitcoinRpcError } from '../node/bitcoin-rpc-errors.js';
import { workerHashrateTracking } from '../messages/user-identity.js';
import { hexToBytes } from '../codec/hex.js';
import type { TokenSeal } from '../declaration/token-seal.js';
import { defaultTokenLimits } from '../declaration/tokens.js';
import type { DeclaredPayouts } from '../roles/pool/declared-payouts.js';
import type { DeclarationNode } from '../roles/jd-server/declaration-node.js';
import {
  jdServer,
  type JobDeclarationServer,
  type JobDeclarationServerOutcome,
} from '../roles/jd-server/jd-server.js';
import type { ServerOutcome } from '../service/outcomes.js';
import type { Connection } from '../transport/connection.js';
import { ConfigError, number, text } from './config.js';
import {
  distributionKey,
  distributionOf,
  distributionSetting,
  type DistributionSetting,
} from './distribution-settings.js';
import { extraNodes, extraNodesSetting } from './extra-nodes.js';
import { declarationTotals, jdServerLog } from './jd-server-log.js';
import { trouble, type LogLine } from './log-line.js';
import { countsByType } from './counts-by-type.js';

const extension = () => number({ min: 0, max: 0xffff, integer: true });

/** Extensions that a declaration server can grant: the names of workers, which nothing here carries. */
const grantable: readonly number[] = [workerHashrateTracking];

/** Keys that a declaration server has beside where it listens: the reference's first, then our own. */
export const declarationSettings = () => ({
  supported_extensions: z.array(extension()).default([]),
  required_extensions: z.array(extension()).default([]),
  bitcoin_rpc: text(1, 2_000),
  bitcoin_cookie: text(1, 4_096).optional(),
  extra_block_submissions: extraNodesSetting(),
  token_lifetime: number({ min: 60, max: 2_000_000, unit: 'seconds' }).default(
    defaultTokenLimits.tokenLifetime / 1_000,
  ),
  coinbase_only: z.boolean({ error: 'expected true or false' }).default(true),
  min_pool_share: number({ min: 0, max: 1 }).default(1),
  [distributionKey]: distributionSetting(),
});

/** A key that declaration server and pool share. Comes out as its bytes. */
export function tokenKey() {
  const error =
    'expected 64 hexadecimal digits, the same for pool and declaration server: openssl rand -hex 32';
  return z
    .string({ error })
    .regex(/^[0-9a-f]{64}$/i, { error })
    .transform((digits) => hexToBytes(digits.toLowerCase()));
}

/** What {@link declarationSettings} come out as. */
export interface DeclarationSettings {
  readonly supported_extensions: readonly number[];
  readonly required_extensions: readonly number[];
  readonly bitcoin_rpc: string;
  readonly bitcoin_cookie?: string | undefined;
  readonly extra_block_submissions: readonly string[];
  readonly token_lifetime: number;
  readonly coinbase_only: boolean;
  readonly min_pool_share: number;
  readonly [distributionKey]?: true | DistributionSetting;
}

/** A declaration server, its log, and what it has done so far. */
export interface Declaration {
  readonly service: JobDeclarationServer;
  readonly line$: Observable<LogLine>;
  readonly totals: () => string;
}

/** Whom declared blocks pay. */
export interface DeclaredPayout {
  readonly script: Uint8Array;
  /** What the chain may be; any unless given. */
  readonly networks?: readonly AddressNetwork[];
  /** How the pool pays by its ledger, if it does. */
  readonly payouts?: DeclaredPayouts | undefined;
}

/**
 * A declaration server and its log.
 * @param payout what coinbases have to pay, and what the node's chain may be on which they do
 * @param where the settings' place in the file, with a dot: `jds.`; at its top unless given
 * @param seal for a pool in another process
 * @param operator what outcomes pass: monitoring
 * @throws ConfigError for a node that cannot be, or extensions that are required and not known
 */
export function declarationServer(
  settings: DeclarationSettings,
  listen: Observable<Connection>,
  { script, networks, payouts }: DeclaredPayout,
  {
    where = '',
    seal,
    operator = identity,
  }: {
    readonly where?: string;
    readonly seal?: TokenSeal;
    readonly operator?: MonoTypeOperatorFunction<ServerOutcome<JobDeclarationServerOutcome>>;
  } = {},
): Declaration {
  const { supported_extensions: supported, required_extensions: required } = settings;
  const unknown = required.filter((extension) => !grantable.includes(extension));
  if (unknown.length > 0) {
    const known = `expected none but ${grantable.join(', ')}, which are known to a declaration server here`;
    throw new ConfigError([`${where}required_extensions: ${known}; got ${unknown.join(', ')}`]);
  }
  const setting = settings[distributionKey];
  const payoutDistribution$ =
    setting === undefined
      ? undefined
      : setting === true
        ? payouts?.payoutDistribution$
        : NEVER.pipe(
            startWith({
              distribution: distributionOf(setting, script, networks, `${where}${distributionKey}`),
              isAfterBlock: false,
            }),
          );
  const service = jdServer({
    listen,
    node: nodeOf(settings, where),
    ...(payouts?.declarator ?? { outputs: [{ value: 0n, scriptPubKey: script }] }),
    ...(networks === undefined ? {} : { networks }),
    ...(seal === undefined ? {} : { seal }),
    ...(payoutDistribution$ === undefined ? {} : { payoutDistribution$ }),
    tokenLifetime: 1_000 * settings.token_lifetime,
    coinbaseOnly: settings.coinbase_only,
    minPoolShare: settings.min_pool_share,
    extraNodes: extraNodes(settings.extra_block_submissions, where),
    extensions: {
      supported: grantable.filter((extension) => [...supported, ...required].includes(extension)),
      required,
    },
  });
  const ignored = supported.filter((extension) => !grantable.includes(extension));
  const warning$ =
    ignored.length === 0
      ? EMPTY
      : of(
          trouble(
            `${where}supported_extensions: ${ignored.join(', ')}: not known here, and granted to nobody`,
          ),
        );
  const counts = countsByType();
  return {
    service,
    line$: merge(warning$, jdServerLog(service.start().pipe(operator), counts)),
    totals: () => declarationTotals(counts),
  };
}

function nodeOf(
  { bitcoin_rpc: url, bitcoin_cookie: cookieFile }: DeclarationSettings,
  where: string,
): DeclarationNode {
  try {
    return bitcoinNode({ url, ...(cookieFile === undefined ? {} : { cookieFile }) });
  } catch (error) {
    if (!(error instanceof BitcoinRpcError)) throw error;
    throw new ConfigError([`${where}bitcoin_rpc: ${error.message}`]);
  }
}

/** What a pool is told of the declaration server beside it. */
export const customJobsOf = ({ acceptCustomJob, customBlockObserver }: JobDeclarationServer) => ({
  acceptCustomJob,
  customBlockObserver,
});
