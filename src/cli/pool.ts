import type { Command } from 'commander';
import {
  EMPTY,
  filter,
  from,
  interval,
  map,
  merge,
  mergeMap,
  pairwise,
  startWith,
  tap,
  type Observable,
} from 'rxjs';
import * as z from 'zod';
import type { AddressNetwork } from '../bitcoin/payout-script.js';
import { Sv2Error } from '../codec/errors.js';
import { connect } from '../node/connect.js';
import { defaultChannelLimits } from '../mining/channels/channel-limits.js';
import type { LedgerStore } from '../ledger/store.js';
import { pool, type Pool, type PoolOptions, type PoolOutcome } from '../roles/pool/pool.js';
import { defaultNonsenseLimits } from '../service/sessions/nonsense.js';
import type { Connector } from '../transport/connection.js';
import {
  authorityPublicKey,
  ConfigError,
  configOption,
  flagsOf,
  hostPort,
  loadConfig,
  number,
  text,
} from './config.js';
import { extraNodes, extraNodesHelp, extraNodesSetting } from './extra-nodes.js';
import type { CommandContext } from './io.js';
import { customJobsOf, declarationServer, declarationSettings } from './jds.js';
import {
  monitoringFlags,
  monitoringHelp,
  monitoringOptions,
  monitoringSettings,
  roleMonitoring,
} from './monitoring.js';
import { chainsOf, payoutScript, payoutWarnings } from './payout-setting.js';
import { payoutHelp, payoutOptions, payoutPlan, payoutSettings } from './payout-plan-settings.js';
import { isMessage, isRoutine, plaintextFlag, poolLine, reportLines } from './pool-log.js';
import { silenceLog, type SilenceLog } from './role-client.js';
import { ledgerPlace, ledgerSetting } from './ledger-place.js';
import { poolLedger } from './pool-ledger.js';
import { limit, listenOptions, listenSettings, roleListener } from './role-server.js';
import { runRole, type LogLine } from './run-role.js';
import { sv1Listener } from './sv1-listener.js';

/** Seconds between two reports of what the users delivered. */
const reportInterval = 60;

/** Longest text that leaves the coinbase room for the height, the extranonce and its frame. */
const maxSignature = 64;

const schema = z.strictObject({
  ...listenSettings('127.0.0.1:34254'),
  listen_sv1_address: hostPort(0).optional(),
  ...monitoringSettings,
  coinbase_reward_script: payoutScript(),
  pool_signature: text(0, maxSignature).default('rx-sv2'),
  server_id: number({ min: 0, max: 0xffff, integer: true }).default(0),
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
  template_max_age: number({ min: 1, max: 2_000_000, unit: 'seconds' }).default(600),
  when_template_old: z
    .enum(['mine', 'refuse-shares', 'let-go'], { error: 'expected mine, refuse-shares or let-go' })
    .default('mine'),
  log_level: z.enum(['info', 'debug'], { error: 'expected info or debug' }).default('info'),
  template_provider_type: table({ Sv2Tp: table(providerSettings()) }),
  extra_block_submissions: extraNodesSetting(),
  jds: z
    .strictObject(
      { listen_address: hostPort(0), ...declarationSettings() },
      { error: 'expected a table [jds] with listen_address and bitcoin_rpc' },
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

type Settings = z.output<typeof schema>;

/** Gives `sv2 pool` its options and what it does. */
export function registerPool(command: Command, context: CommandContext): void {
  command.option(...configOption);
  for (const [flags, description] of [...listenOptions, ...monitoringOptions])
    command.option(flags, description);
  command
    .option('--listen-sv1 <HOST:PORT>', 'where to listen for miners of Stratum V1, in plain text, too')
    .option('--coinbase-reward-script <SCRIPT>', 'who is paid: an address, or a descriptor such as wpkh(KEY)')
    .option('--pool-signature <TEXT>', 'in the coinbase of every block (default: rx-sv2)')
    .option('--server-id <NUMBER>', 'from 0 to 65535, another for each server of one pool (default: 0)')
    .option('--shares-per-minute <NUMBER>', 'that vardiff aims at, for each channel (default: 6)')
    .option('--share-batch-size <NUMBER>', 'accepted shares per acknowledgement (default: 10)')
    .option('--extranonce-size <BYTES>', 'that extended channels may roll, 1 to 26 (default: 14)')
    .option(
      '--max-channels <NUMBER>',
      `open in all, 9 KB of memory each (default: ${defaultChannelLimits.maxChannels})`,
    )
    .option(
      '--max-channels-per-address <NUMBER>',
      `of all connections from it (default: ${defaultChannelLimits.maxChannelsPerAddress})`,
    )
    .option(
      '--max-channels-per-connection <NUMBER>',
      `of a proxy, say (default: ${defaultChannelLimits.maxChannelsPerClient})`,
    )
    .option(
      '--nonsense-burst <NUMBER>',
      `refused messages at once that end a connection (default: ${defaultNonsenseLimits.nonsenseBurst})`,
    )
    .option('--network <NAME>', 'mainnet, testnet, signet or regtest: of the payout, and of the chain');
  for (const [flags, description] of payoutOptions) command.option(flags, description);
  command
    .option('--ledger <WHERE>', 'where shares are kept: a file, postgres://…, or none (default: see below)')
    .option(
      '--durability <PROMISE>',
      'acknowledged: shares are kept before they are acknowledged; relaxed: soon after (default: acknowledged)',
    )
    .option('--template-max-age <SECONDS>', 'without a new template, before that is told (default: 600)')
    .option(
      '--when-template-old <WHAT>',
      'mine goes on, refuse-shares rejects them, let-go sends miners away (default: mine)',
    )
    .option('--log-level <LEVEL>', 'debug tells of accepted shares, too, some of each miner (default: info)')
    .option('--template-provider <HOST:PORT>', 'where templates come from')
    .option(
      '--template-provider-key <KEY>',
      "the template provider's authority key; without, any is accepted",
    )
    .option('--no-template-provider-encryption', 'for a template provider that has no keys')
    .addHelpText(
      'after',
      `
The keys of the TOML file are those of the reference implementation's pool:
  listen_address = "0.0.0.0:34254"
  authority_public_key = "…"                    # both as sv2 keygen prints them
  authority_secret_key = "…"
  cert_validity_sec = 3600
  coinbase_reward_script = "addr(bc1…)"
  pool_signature = "rx-sv2"
  server_id = 0
  shares_per_minute = 6
  share_batch_size = 10
  [template_provider_type.Sv2Tp]
  address = "127.0.0.1:8442"
  public_key = "…"
  encryption = true                             # this one is our own

and more of our own:
  listen_sv1_address = "0.0.0.0:3333"           # miners of Stratum V1, in plain text
  network = "mainnet"                           # the payout's; templates of a chain that cannot be it are refused
  ledger = "pool.ledger.sqlite"                 # or "postgres://USER:PASSWORD@HOST/DATABASE", or "none"
  durability = "acknowledged"                   # or "relaxed"
${payoutHelp}
  template_max_age = 600                        # seconds
  when_template_old = "mine"                    # or "refuse-shares", "let-go"
  log_level = "info"                            # or "debug", for accepted shares as they come${extraNodesHelp}
  extranonce_size = 8                           # some devices can do with no more${monitoringHelp}
  [[template_providers]]                        # for while the one above does not work; any number, in this order
  address = "127.0.0.1:8443"
  public_key = "…"
  [jds]                                         # miners may choose their transactions: sv2 jd-client
  listen_address = "0.0.0.0:34264"
  bitcoin_rpc = "http://user:password@127.0.0.1:8332"    # or with bitcoin_cookie; see sv2 jd-server --help
  token_lifetime = 3600                         # seconds
  min_pool_share = 1                            # of a block that coinbase_reward_script must get
  coinbase_only = true                          # whether transactions may be kept secret

Shares are kept in a ledger, which sv2 ledger shows: without a setting in a file beside the configuration (pool.toml has
pool.ledger.sqlite), without that in $XDG_DATA_HOME/rx-sv2 or ~/.local/share/rx-sv2.

For 10,000 miners behind one address (twice as many, as lines that broke are taken for open for a while):
  max_connections = 30000                       # with a higher ulimit -n
  max_connections_per_address = 20000
  max_channels_per_address = 20000
and if they are behind one proxy, whose connection has all their channels:
  max_channels_per_connection = 10000
  max_channels_per_address = 20000
  nonsense_burst = 10000                        # a new tip makes stale what all of them have under way

Example:
  $ sv2 pool --config pool.toml`,
    )
    .action(() => runRole(context, () => poolLog(command)));
}

const flagKeys = {
  ...monitoringFlags,
  config: null,
  listen: 'listen_address',
  listenSv1: 'listen_sv1_address',
  templateProvider: 'template_provider_type.Sv2Tp.address',
  templateProviderKey: 'template_provider_type.Sv2Tp.public_key',
  templateProviderEncryption: 'template_provider_type.Sv2Tp.encryption',
};

/** The log of the pool that a command line asks for; subscribing runs it. @throws ConfigError */
function poolLog(command: Command): Observable<LogLine> {
  const { config: file } = command.opts<{ config?: string }>();
  const settings = loadConfig(schema, flagsOf(command, flagKeys), file);
  const { script, networks } = payoutOf(settings);
  const { Sv2Tp } = settings.template_provider_type;
  const silence = silenceLog(plaintextFlag);
  const first$ = dial(Sv2Tp, 'template_provider_type.Sv2Tp', silence);
  const others = settings.template_providers.map((provider, index) =>
    dial(provider, `template_providers.${index}`, silence),
  );
  const listener = roleListener(settings, 'pool', file);
  const { listen_sv1_address: sv1Address, shares_per_minute: sharesPerMinute } = settings;
  const nonsenseBurst = settings.nonsense_burst;
  const sv1 =
    sv1Address === undefined
      ? undefined
      : sv1Listener(
          {
            ...sv1Address,
            maxConnections: settings.max_connections,
            maxConnectionsPerAddress: settings.max_connections_per_address,
          },
          'pool',
          { sharesPerMinute, nonsenseBurst },
        );
  const { jds } = settings;
  const jdsListener =
    jds === undefined
      ? undefined
      : roleListener({ ...settings, listen_address: jds.listen_address }, 'declaration server', file);
  const declaration =
    jds === undefined || jdsListener === undefined
      ? undefined
      : declarationServer(jds, jdsListener.listen, script, 'jds.');
  const options: PoolOptions = {
    ...(declaration === undefined ? {} : customJobsOf(declaration.service)),
    listen: sv1 === undefined ? listener.listen : merge(listener.listen, sv1.listen),
    templateProvider: [first$, ...others],
    extraNodes: extraNodes(settings.extra_block_submissions),
    maxTemplateAge: 1000 * settings.template_max_age,
    whenTemplateOld: settings.when_template_old,
    payoutScript: script,
    ...(networks === undefined ? {} : { networks }),
    poolSignature: settings.pool_signature,
    serverId: settings.server_id,
    sharesPerMinute,
    shareBatchSize: settings.share_batch_size,
    ...(settings.extranonce_size === undefined ? {} : { extranonceSize: settings.extranonce_size }),
    maxChannels: settings.max_channels,
    maxChannelsPerAddress: settings.max_channels_per_address,
    maxChannelsPerClient: settings.max_channels_per_connection,
    nonsenseBurst,
  };
  const place = ledgerPlace(settings.ledger, file);
  const plan = payoutPlan(settings, {
    reserve: script,
    networks,
    hasLedger: place !== undefined,
    hasDeclaration: settings.jds !== undefined,
  });
  poolOf(options); // complains now, not when the ledger is open
  const report$ = (service: Pool) =>
    interval(1000 * reportInterval).pipe(
      startWith(0),
      map(() => service.accounts()),
      pairwise(),
      mergeMap(([before, after]) => reportLines(before, after, reportInterval)),
    );
  const isUntold = settings.log_level === 'debug' ? isMessage : isRoutine;
  const monitoring = roleMonitoring<PoolOutcome>(settings, {
    role: 'pool',
    sharesPerMinute,
    shareBatchSize: settings.share_batch_size,
    alerts: { templateAge: 1000 * settings.template_max_age },
  });
  const event$ = (service: Pool, store: LedgerStore | undefined) =>
    service.start().pipe(
      monitoring.withLedger(store && { store, ...(networks === undefined ? {} : { networks }) }),
      tap((outcome) => {
        if (outcome.type === 'LedgerConflict') throw new Sv2Error('ledger-conflict', outcome.message);
      }),
      filter((outcome) => !isUntold(outcome)),
      map(poolLine),
      filter((line) => line !== undefined),
    );
  const { durability } = settings;
  const run$ = poolLedger(place, (store) => {
    const ledger = store === undefined ? {} : { ledger: { store, durability, ...plan } };
    const service = poolOf({ ...options, ...ledger });
    return { line$: merge(event$(service, store), report$(service)), written: service.written };
  });
  return merge(
    from(payoutWarnings(script)),
    listener.line$,
    jdsListener?.line$ ?? EMPTY,
    silence.line$,
    sv1?.line$ ?? EMPTY,
    declaration?.line$ ?? EMPTY,
    monitoring.line$,
    run$,
  );
}

/** A pool. @throws ConfigError for an extranonce that leaves the coinbase no room for the signature */
function poolOf(options: PoolOptions): Pool {
  try {
    return pool(options);
  } catch (error) {
    if (!(error instanceof Sv2Error) || error.detail['option'] !== 'extranonceSize') throw error;
    throw new ConfigError([
      error.message.replace('extranonceSize', 'extranonce_size').replace('poolSignature', 'pool_signature'),
    ]);
  }
}

/** A template provider's settings. */
function providerSettings() {
  return {
    address: hostPort(),
    public_key: authorityPublicKey().optional(),
    encryption: z.boolean({ error: 'expected true or false' }).default(true),
  };
}

/** Dials a template provider. @throws ConfigError for a key that would not be used */
function dial(
  { address, public_key: key, encryption }: Settings['template_providers'][number],
  where: string,
  { silenceObserver }: SilenceLog,
): Connector {
  if (!encryption && key !== undefined)
    throw new ConfigError([`${where}.public_key: of no use without encryption, which is switched off`]);
  return connect({
    ...address,
    encrypted: encryption,
    silenceObserver,
    ...(key === undefined ? {} : { authorityPublicKey: key }),
  });
}

/**
 * The payout's script and what the chain may be: the configured network, or those of an address that is not of mainnet.
 * A mainnet address is let be on the chains that are made up for trying things out.
 * @throws ConfigError for an address of another network than the configured one
 */
function payoutOf({ network, coinbase_reward_script: payout }: Settings): {
  readonly script: Uint8Array;
  readonly networks?: readonly AddressNetwork[];
} {
  const { scriptPubKey: script, networks } = payout;
  if (network === undefined) return { script, ...chainsOf(networks) };
  const wanted = network === 'signet' ? 'testnet' : network; // their addresses look the same
  if (networks !== null && !networks.includes(wanted)) {
    const problem = `an address of ${networks.join(' or ')}; expected one of ${network}, as network says`;
    throw new ConfigError([`coinbase_reward_script: ${problem}`]);
  }
  return { script, networks: [wanted] };
}

/** What says where the template provider is. */
function table<S extends z.core.$ZodLooseShape>(shape: S) {
  const error = 'expected a table [template_provider_type.Sv2Tp] with an address, or --template-provider';
  return z.strictObject(shape, { error });
}
