/** The settings of a pool, with the keys of the reference implementation's where it has them. */
import * as z from 'zod';
import type { AddressNetwork } from '../bitcoin/payout-script.js';
import { workerHashrateTracking } from '../messages/user-identity.js';
import { defaultChannelLimits } from '../mining/channels/channel-limits.js';
import { defaultNonsenseLimits } from '../service/sessions/nonsense.js';
import { clusterSettings } from './cluster-settings.js';
import { authorityPublicKey, ConfigError, hostPort, number, text } from './config.js';
import { distributionKey, ledgerOrDistributionSetting } from './distribution-settings.js';
import { extraNodesSetting } from './extra-nodes.js';
import { declarationSettings, tokenKey } from './jds.js';
import { ledgerSetting } from './ledger-place.js';
import { logSettings } from './log-settings.js';
import { monitoringSettings } from './monitoring.js';
import { payoutSettings } from './payout-plan-settings.js';
import { payoutScript } from './payout-setting.js';
import { limit, listenSettings } from './role-server.js';

/** Longest text that leaves the coinbase room for the height, the extranonce and its frame. */
const maxSignature = 64;

const expectedProvider =
  'expected a table [template_provider_type.Sv2Tp] with an address, or --template-provider';

/** Numbers of extensions. */
const extensions = () => z.array(number({ min: 0, max: 0xffff, integer: true })).default([]);

/** What the TOML file may say. */
export const poolSchema = z.strictObject({
  ...listenSettings('127.0.0.1:34254'),
  listen_sv1_address: hostPort(0).optional(),
  ...monitoringSettings,
  coinbase_reward_script: payoutScript(),
  pool_signature: text(0, maxSignature).default('rx-sv2'),
  server_id: number({ min: 0, max: 0xffff, integer: true }).default(0),
  processes: number({ min: 1, max: 64, integer: true }).default(1),
  shares_per_minute: number({ min: 0.001, max: 6000 }).default(6),
  share_batch_size: number({ min: 1, max: 0xffff_ffff, integer: true }).default(10),
  extranonce_size: number({ min: 1, max: 26, integer: true, unit: 'bytes' }).optional(),
  max_channels: limit().default(defaultChannelLimits.maxChannels),
  max_channels_per_address: limit().default(defaultChannelLimits.maxChannelsPerAddress),
  max_channels_per_connection: limit().default(defaultChannelLimits.maxChannelsPerClient),
  nonsense_burst: limit().default(defaultNonsenseLimits.nonsenseBurst),
  network: z
    .enum(['mainnet', 'testnet', 'signet', 'regtest'], {
      error: 'expected mainnet, testnet, signet or regtest',
    })
    .optional(),
  ledger: ledgerSetting().optional(),
  durability: z
    .enum(['acknowledged', 'relaxed'], { error: 'expected acknowledged or relaxed' })
    .default('acknowledged'),
  ...payoutSettings(),
  ...clusterSettings(),
  template_max_age: number({ min: 1, max: 2_000_000, unit: 'seconds' }).default(600),
  when_template_old: z
    .enum(['mine', 'refuse-shares', 'let-go'], { error: 'expected mine, refuse-shares or let-go' })
    .default('mine'),
  ...logSettings(),
  template_provider_type: table({
    Sv2Tp: table(providerSettings()).optional(),
    BitcoinCoreIpc: table({
      network: text().optional(),
      data_dir: text(0, 4_096).optional(),
      fee_threshold: number({ min: 0 }).optional(),
      min_interval: number({ min: 0 }).optional(),
    }).optional(),
  }),
  supported_extensions: extensions(),
  required_extensions: extensions(),
  extra_block_submissions: extraNodesSetting(),
  jds: z
    .strictObject(
      {
        listen_address: hostPort(0),
        ...declarationSettings(),
        [distributionKey]: ledgerOrDistributionSetting(),
      },
      { error: 'expected a table [jds] with listen_address and bitcoin_rpc' },
    )
    .optional(),
  declarator: z
    .strictObject(
      { token_key: tokenKey(), previous_token_key: tokenKey().optional() },
      { error: 'expected a table [declarator] with token_key' },
    )
    .optional(),
  template_providers: z
    .array(
      z.strictObject(providerSettings(), { error: 'expected tables [[template_providers]] with an address' }),
      {
        error: 'expected tables [[template_providers]] with an address',
      },
    )
    .max(16, { error: 'expected 16 at most' })
    .default([]),
});

/** The same for a front of a cluster, whose templates come from the core. */
export const frontSchema = poolSchema.extend({
  template_provider_type: poolSchema.shape.template_provider_type.optional(),
});

/** What {@link frontSchema} comes out as. */
export type FrontSettings = z.output<typeof frontSchema>;

/** What {@link poolSchema} comes out as. */
export type PoolSettings = z.output<typeof poolSchema>;

/** Whom a pool's blocks pay, and on what. */
export interface ConfiguredPayout {
  readonly script: Uint8Array;
  /** What the chain may be, and whose addresses are paid: the configured network's, or those of the pool's own address; any if absent. */
  readonly networks?: readonly AddressNetwork[];
}

/**
 * The payout's script and its networks.
 * @throws ConfigError for an address of another network than the configured one
 */
export function payoutOf({ network, coinbase_reward_script: payout }: FrontSettings): ConfiguredPayout {
  const { scriptPubKey: script, networks } = payout;
  if (network === undefined) return { script, ...(networks === null ? {} : { networks }) };
  const wanted = network === 'signet' ? 'testnet' : network; // their addresses look the same
  if (networks !== null && !networks.includes(wanted)) {
    const problem = `an address of ${networks.join(' or ')}; expected one of ${network}, as network says`;
    throw new ConfigError([`coinbase_reward_script: ${problem}`]);
  }
  return { script, networks: [wanted] };
}

/** Where `sv2 template-provider` listens unless told otherwise. */
const usualProvider = { address: { host: '127.0.0.1', port: 8442 }, encryption: false } as const;

/**
 * The template provider that is preferred. For a file of the reference implementation's that names Bitcoin Core's own
 * socket it is the one that `sv2 template-provider` is unless told otherwise.
 * @throws ConfigError if there is none
 */
export function preferredProvider({
  template_provider_type: { Sv2Tp, BitcoinCoreIpc },
}: PoolSettings): PoolSettings['template_providers'][number] {
  if (Sv2Tp !== undefined) return Sv2Tp;
  if (BitcoinCoreIpc !== undefined) return usualProvider;
  throw new ConfigError([`template_provider_type: ${expectedProvider}`]);
}

/** What of the settings has no effect here, by name. */
export function notHonoured(settings: PoolSettings): readonly string[] {
  const { supported_extensions: supported, required_extensions: required } = settings;
  const { Sv2Tp, BitcoinCoreIpc } = settings.template_provider_type;
  const others = supported.filter((extension) => extension !== workerHashrateTracking);
  const keys = Object.keys(BitcoinCoreIpc ?? {}).join(', ');
  const instead =
    Sv2Tp === undefined
      ? '; templates are asked for at 127.0.0.1:8442, where sv2 template-provider --bitcoin-rpc serves those of a Bitcoin node'
      : '';
  return [
    ...(BitcoinCoreIpc === undefined
      ? []
      : [
          `template_provider_type.BitcoinCoreIpc${keys === '' ? '' : ` (${keys})`}: not spoken here${instead}`,
        ]),
    ...(others.length === 0
      ? []
      : [`supported_extensions: ${others.join(', ')}: not known here, and granted to nobody`]),
    ...(required.length === 0
      ? []
      : [`required_extensions: ${required.join(', ')}: miners without them are served all the same`]),
  ];
}

/** A template provider's settings. */
function providerSettings() {
  return {
    address: hostPort(),
    public_key: authorityPublicKey().optional(),
    encryption: z.boolean({ error: 'expected true or false' }).default(true),
  };
}

/** What says where the template provider is. */
function table<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.strictObject(shape, { error: expectedProvider });
}
