/** The command line of `sv2 pool`, and its help. */
import type { Command } from 'commander';
import { defaultChannelLimits } from '../mining/channels/channel-limits.js';
import { defaultNonsenseLimits } from '../service/sessions/nonsense.js';
import { clusterHelp, clusterOptions, clusterText } from './cluster-settings.js';
import { configOption, flagsOf, type Flag } from './config.js';
import { distributionHelp } from './distribution-settings.js';
import { extraNodesHelp } from './extra-nodes.js';
import { logHelp, logOptions } from './log-settings.js';
import { monitoringFlags, monitoringHelp, monitoringOptions } from './monitoring.js';
import { payoutHelp, payoutOptions } from './payout-plan-settings.js';
import { listenOptions } from './role-server.js';

/** Gives `sv2 pool` its options and its help. */
export function poolOptions(command: Command): void {
  command.option(...configOption);
  for (const [flags, description] of [...listenOptions, ...logOptions, ...monitoringOptions])
    command.option(flags, description);
  command
    .option('--listen-sv1 <HOST:PORT>', 'where to listen for miners of Stratum V1, in plain text, too')
    .option('--coinbase-reward-script <SCRIPT>', 'who is paid: an address, or a descriptor such as wpkh(KEY)')
    .option('--pool-signature <TEXT>', 'in the coinbase of every block (default: rx-sv2)')
    .option('--server-id <NUMBER>', 'from 0 to 65535, another for each server of one pool (default: 0)')
    .option(
      '--processes <NUMBER>',
      'that miners are shared out among, one for each core, 1 to 64 (default: 1)',
    )
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
  for (const [flags, description] of [...payoutOptions, ...clusterOptions])
    command.option(flags, description);
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
  network = "mainnet"                           # the payout's, unless coinbase_reward_script is an address; other chains are refused
  ledger = "pool.ledger.sqlite"                 # or "postgres://USER:PASSWORD@HOST/DATABASE", or "none"
  durability = "acknowledged"                   # or "relaxed"
  processes = 4                                 # that miners are shared out among; see below
${payoutHelp}${clusterHelp}
  template_max_age = 600                        # seconds
  when_template_old = "mine"                    # or "refuse-shares", "let-go"
  extranonce_size = 8                           # some devices can do with no more${extraNodesHelp}${logHelp}${monitoringHelp}
  [[template_providers]]                        # for while the one above does not work; any number, in this order
  address = "127.0.0.1:8443"
  public_key = "…"
  [jds]                                         # miners may choose their transactions: sv2 jd-client
  listen_address = "0.0.0.0:34264"
  bitcoin_rpc = "http://user:password@127.0.0.1:8332"    # or with bitcoin_cookie; see sv2 jd-server --help
  token_lifetime = 3600                         # seconds
  min_pool_share = 1                            # of a block that coinbase_reward_script must get
  coinbase_only = true                          # whether transactions may be kept secret
  experimental_payout_distribution = true       # draft extension 0x0003: clients that have it pay users, with payout = "pplns" or "proportional"
or, without payout, a table:${distributionHelp('jds.')}
  [declarator]                                  # instead of [jds]: sv2 jd-server is another process, or elsewhere
  token_key = "…"                               # secret, the same as there: openssl rand -hex 32
  previous_token_key = "…"                      # while it is being changed: here first, then there, then without this

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

For more miners than one core serves, processes = N has N processes serve them at the same port, beside this one, which has
templates, ledger and monitoring. One that fails takes its own connections with it and is started again. Each takes a server
id, from server_id on. max_connections, max_connections_per_address, max_channels and max_channels_per_address are shared out
equally: of 4 processes each allows a quarter. [jds] is served by this process, which seals what was declared into tokens for
the others.

${clusterText}

Example:
  $ sv2 pool --config pool.toml`,
    );
}

/** Keys of flags that are called otherwise. */
const flagKeys = {
  ...monitoringFlags,
  config: null,
  listen: 'listen_address',
  listenSv1: 'listen_sv1_address',
  templateProvider: 'template_provider_type.Sv2Tp.address',
  templateProviderKey: 'template_provider_type.Sv2Tp.public_key',
  templateProviderEncryption: 'template_provider_type.Sv2Tp.encryption',
};

/** What was given on the command line, and the configuration file. */
export const poolFlags = (command: Command): { readonly flags: readonly Flag[]; readonly file?: string } => {
  const { config: file } = command.opts<{ config?: string }>();
  return { flags: flagsOf(command, flagKeys), ...(file === undefined ? {} : { file }) };
};
