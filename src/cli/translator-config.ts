/** The settings of a translator, with the keys of the reference implementation's. */
import { z } from 'zod';
import { defaultNonsenseLimits } from '../service/sessions/nonsense.js';
import { defaultListenerLimits } from '../transport/limits.js';
import { monitoringSettings } from './monitoring.js';
import { authorityPublicKey, ConfigError, hostPort, number, text } from './config.js';
import { logSettings } from './log-settings.js';
import { limit } from './role-server.js';
import { stratumUrl } from './stratum-url.js';

const tables = 'expected tables [[upstreams]] with address, port, authority_pubkey and user_identity';

/** A table of a pool. */
const upstream = z.strictObject(
  {
    address: text(),
    port: number({ min: 1, max: 65_535, integer: true }),
    authority_pubkey: authorityPublicKey().optional(),
    user_identity: text().optional(),
  },
  { error: tables },
);

const port = () => number({ min: 0, max: 65_535, integer: true });
const version = () => number({ min: 0, max: 0xffff, integer: true }).default(2);
const extensions = () => z.array(number({ min: 0, max: 0xffff, integer: true })).default([]);

/** On the command line and in environment variables as a word. */
const yesOrNo = () =>
  z.preprocess(
    (value) => (value === 'true' ? true : value === 'false' ? false : value),
    z.boolean({ error: 'expected true or false' }),
  );

/** What the TOML file may say. */
export const translatorSchema = z.strictObject({
  urls: z.array(stratumUrl()).default([]),
  upstreams: z.array(upstream, { error: tables }).default([]),
  user_identity: text().optional(),
  upstream_encryption: yesOrNo().default(true),
  listen_address: hostPort(0).optional(),
  downstream_address: text().default('127.0.0.1'),
  downstream_port: port().default(34_255),
  tls_certificate: text(1, 4_096).optional(),
  tls_key: text(1, 4_096).optional(),
  max_connections: limit().default(defaultListenerLimits.maxConnections),
  max_connections_per_address: limit().default(defaultListenerLimits.maxConnectionsPerAddress),
  nonsense_burst: limit().default(defaultNonsenseLimits.nonsenseBurst),
  max_supported_version: version(),
  min_supported_version: version(),
  downstream_extranonce2_size: number({ min: 2, max: 16, integer: true, unit: 'bytes' }).default(4),
  verify_payout: yesOrNo().default(false),
  aggregate_channels: yesOrNo().default(true),
  supported_extensions: extensions(),
  required_extensions: extensions(),
  ...logSettings(),
  ...monitoringSettings,
  miner_telemetry: z.strictObject({ cidrs: z.array(text()).default([]) }).optional(),
  downstream_difficulty_config: z
    .strictObject({
      min_individual_miner_hashrate: number({ min: 1, unit: 'hashes per second' }).default(1e12),
      shares_per_minute: number({ min: 0.001, max: 6_000 }).default(6),
      enable_vardiff: yesOrNo().default(true),
      job_keepalive_interval_secs: number({ min: 0, max: 0xffff, unit: 'seconds' }).default(60),
    })
    .prefault({}),
});

/** What {@link translatorSchema} comes out as. */
export type TranslatorSettings = z.output<typeof translatorSchema>;

/** What of the settings has no effect here, or another one than in the reference implementation, by name. */
export function notHonoured(settings: TranslatorSettings): readonly string[] {
  const { enable_vardiff: vardiff } = settings.downstream_difficulty_config;
  const { aggregate_channels: isAggregate, required_extensions: required } = settings;
  const cases: readonly (readonly [boolean, string])[] = [
    [settings.miner_telemetry !== undefined, 'miner_telemetry: miners are not looked for here'],
    [
      isAggregate && !vardiff,
      'downstream_difficulty_config.enable_vardiff: aggregated miners have a difficulty of their own each, always',
    ],
    [
      !isAggregate && vardiff,
      "downstream_difficulty_config.enable_vardiff: without aggregate_channels, the pool's vardiff decides",
    ],
    [
      settings.supported_extensions.some((extension) => extension !== 2),
      "supported_extensions: workers' names (2) are asked for always, others never",
    ],
    [required.length > 0, 'required_extensions: a pool that does not have them is used all the same'],
  ];
  return cases.filter(([applies]) => applies).map(([, text]) => text);
}

/** @throws ConfigError if version 2, the only one that is spoken here, is not among those allowed */
export function checkVersions({
  min_supported_version: min,
  max_supported_version: max,
}: TranslatorSettings): void {
  if (min <= 2 && max >= 2) return;
  throw new ConfigError([`min_supported_version, max_supported_version: expected 2 to be among them`]);
}
