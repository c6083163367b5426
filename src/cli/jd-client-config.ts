/** The settings of a job declaration client, with the keys of the reference implementation's. */
import { z } from 'zod';
import { authorityPublicKey, hostPort, number, text } from './config.js';
import { distributionKey } from './distribution-settings.js';
import { extraNodesSetting } from './extra-nodes.js';
import { logSettings } from './log-settings.js';
import { monitoringSettings } from './monitoring.js';
import { payoutScript } from './payout-setting.js';
import { listenSettings } from './role-server.js';

const tables =
  'expected tables [[upstreams]] with authority_pubkey, pool_address, pool_port, jds_address, jds_port and user_identity';

const port = () => number({ min: 1, max: 65_535, integer: true });
const version = () => number({ min: 0, max: 0xffff, integer: true }).default(2);
const extensions = () => z.array(number({ min: 0, max: 0xffff, integer: true })).default([]);
const yesOrNo = () => z.boolean({ error: 'expected true or false' });

/** A table of a pool and its declarator. */
const upstream = z.strictObject(
  {
    authority_pubkey: authorityPublicKey().optional(),
    pool_address: text(),
    pool_port: port(),
    jds_address: text(),
    jds_port: port(),
    user_identity: text().optional(),
  },
  { error: tables },
);

const provider = () =>
  z.strictObject({
    address: hostPort(),
    public_key: authorityPublicKey().optional(),
    encryption: yesOrNo().default(true),
  });

const { listen_address: listenAddress, ...listenOthers } = listenSettings('127.0.0.1:34265');

/** What the TOML file may say. */
export const jdClientSchema = z.strictObject({
  ...listenOthers,
  listening_address: listenAddress,
  listen_sv1_address: hostPort(0).optional(),
  max_supported_version: version(),
  min_supported_version: version(),
  template_provider_type: z.strictObject(
    {
      Sv2Tp: provider().optional(),
      BitcoinCoreIpc: z.looseObject({}).optional(),
    },
    { error: 'expected a table [template_provider_type.Sv2Tp] with an address, or --template-provider' },
  ),
  template_providers: z.array(provider()).max(16, { error: 'expected 16 at most' }).default([]),
  extra_block_submissions: extraNodesSetting(),
  upstreams: z.array(upstream, { error: tables }).max(16, { error: 'expected 16 at most' }).default([]),
  upstream_encryption: yesOrNo().default(true),
  user_identity: text().default('rx-sv2'),
  coinbase_reward_script: payoutScript().optional(),
  jdc_signature: text(0, 60).default('rx-sv2'),
  shares_per_minute: number({ min: 0.001, max: 6_000 }).default(6),
  share_batch_size: number({ min: 1, max: 0xffff_ffff, integer: true }).default(10),
  mode: z
    .string({ error: 'expected FULLTEMPLATE, COINBASEONLY or SOLOMINING' })
    .transform((value) => value.toUpperCase())
    .pipe(
      z.enum(['FULLTEMPLATE', 'COINBASEONLY', 'SOLOMINING'], {
        error: 'expected FULLTEMPLATE, COINBASEONLY or SOLOMINING',
      }),
    )
    .default('FULLTEMPLATE'),
  supported_extensions: extensions(),
  required_extensions: extensions(),
  [distributionKey]: yesOrNo().default(false),
  reserved_downstream_rollable_extranonce_size: number({
    min: 2,
    max: 16,
    integer: true,
    unit: 'bytes',
  }).default(8),
  request_timeout: number({ min: 1, max: 3_600, unit: 'seconds' }).default(20),
  max_rejected_in_a_row: number({ min: 1, max: 0xffff_ffff, integer: true }).default(20),
  ...logSettings(),
  ...monitoringSettings,
  miner_telemetry: z.strictObject({ cidrs: z.array(text()).default([]) }).optional(),
});

/** What {@link jdClientSchema} comes out as. */
export type JdClientSettings = z.output<typeof jdClientSchema>;

/** What cannot be used, by name. */
export function problemsOf(settings: JdClientSettings): readonly string[] {
  const {
    template_provider_type: providers,
    min_supported_version: min,
    max_supported_version: max,
  } = settings;
  const { mode, upstreams, coinbase_reward_script: script } = settings;
  const cases: readonly (readonly [boolean, string])[] = [
    [
      providers.BitcoinCoreIpc !== undefined,
      'template_provider_type.BitcoinCoreIpc: not spoken here; sv2 template-provider --bitcoin-rpc serves templates of a Bitcoin node to [template_provider_type.Sv2Tp]',
    ],
    [
      providers.Sv2Tp === undefined && providers.BitcoinCoreIpc === undefined,
      'template_provider_type.Sv2Tp is missing: expected a table with an address, or --template-provider',
    ],
    [min > 2 || max < 2, 'min_supported_version, max_supported_version: expected 2 to be among them'],
    [mode !== 'SOLOMINING' && upstreams.length === 0, `upstreams: ${tables}, or mode = "SOLOMINING"`],
    [
      mode === 'SOLOMINING' && script === undefined,
      'coinbase_reward_script is missing: who is paid when mining alone',
    ],
    [
      settings.required_extensions.some((extension) => extension !== 2),
      'required_extensions: none but 2 is known here',
    ],
    ...upstreams.map(
      ({ authority_pubkey: key }, index) =>
        [
          key !== undefined && !settings.upstream_encryption,
          `upstreams.${index}.authority_pubkey: of no use without encryption, which is switched off`,
        ] as const,
    ),
  ];
  return cases.filter(([applies]) => applies).map(([, problem]) => problem);
}

/** What of the settings has no effect here, or another one than in the reference implementation, by name. */
export function notHonoured(settings: JdClientSettings): readonly string[] {
  const { mode, upstreams, required_extensions: required } = settings;
  const cases: readonly (readonly [boolean, string])[] = [
    [settings.miner_telemetry !== undefined, 'miner_telemetry: miners are not looked for here'],
    [
      settings.supported_extensions.some((extension) => extension !== 2),
      `supported_extensions: workers' names (2) are asked for always, payout distributions (3) by ${distributionKey} = true, others never`,
    ],
    [required.length > 0, 'required_extensions: a pool that does not have them is used all the same'],
    [mode === 'SOLOMINING' && upstreams.length > 0, 'upstreams: not used, for mode is SOLOMINING'],
    [
      mode !== 'SOLOMINING' && settings.coinbase_reward_script === undefined,
      'coinbase_reward_script: without it miners wait while no pool works, instead of mining alone',
    ],
  ];
  return cases.filter(([applies]) => applies).map(([, text]) => text);
}
