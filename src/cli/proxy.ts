import type { Command } from 'commander';
import { asyncScheduler, concat, EMPTY, from, merge } from 'rxjs';
import { z } from 'zod';
import { proxyFold } from '../observe/proxy-state.js';
import { proxy, type ProxyOutcome, type ProxyPin, type ProxyUpstream } from '../roles/proxy/proxy.js';
import {
  authorityPublicKey,
  ConfigError,
  configOption,
  flagsOf,
  loadConfig,
  number,
  text,
} from './config.js';
import { environmentFlags } from './environment.js';
import type { CommandContext } from './io.js';
import { logHelp, logOptions, logSettings } from './log-settings.js';
import {
  monitoringFlags,
  monitoringHelp,
  monitoringOptions,
  monitoringSettings,
  roleMonitoring,
} from './monitoring.js';
import { forwardedTotals, proxyLog } from './proxy-log.js';
import { listenOptions, listenSettings, roleListener } from './role-server.js';
import { runRole, type Role } from './run-role.js';
import { sv1Clients } from './sv1-listener.js';
import { stratumUrl } from './stratum-url.js';
import { openPools, upstreamDialler, type UpstreamDialler } from './upstream-pools.js';

const tables = 'expected tables [[upstreams]] with address, port and user_identity';

const pinTables = 'expected tables [[pins]] with user_identity and upstream';

const schema = z.strictObject({
  ...listenSettings('127.0.0.1:34255'),
  ...monitoringSettings,
  ...logSettings(),
  urls: z.array(stratumUrl()).default([]),
  upstreams: z
    .array(
      z.strictObject(
        {
          address: text(),
          port: number({ min: 1, max: 65_535, integer: true }),
          authority_pubkey: authorityPublicKey().optional(),
          user_identity: text().optional(),
          name: text().optional(),
          weight: number({ min: 0, max: 1e9 }).optional(),
        },
        { error: tables },
      ),
      { error: tables },
    )
    .default([]),
  pins: z
    .array(z.strictObject({ user_identity: text(), upstream: text() }, { error: pinTables }), {
      error: pinTables,
    })
    .default([]),
  user_identity: text().optional(),
  upstream_encryption: z.boolean({ error: 'expected true or false' }).default(true),
  aggregate_channels: z.boolean({ error: 'expected true or false' }).default(true),
  channels_per_upstream_channel: number({ min: 1, max: 0xffff_ffff, integer: true }).optional(),
  extranonce_size: number({ min: 2, max: 16, integer: true, unit: 'bytes' }).default(12),
  sv1: z.boolean({ error: 'expected true or false' }).default(true),
  shares_per_minute: number({ min: 0.001, max: 6000 }).default(6),
  share_batch_size: number({ min: 1, max: 0xffff_ffff, integer: true }).default(10),
  silence_limit: number({ min: 10, max: 2_000_000, unit: 'seconds' }).default(600),
  max_rejected_in_a_row: number({ min: 1, max: 0xffff_ffff, integer: true }).default(20),
});

type Settings = z.output<typeof schema>;

/** Gives `sv2 proxy` its options and what it does. */
export function registerProxy(command: Command, context: CommandContext): void {
  command
    .argument('[URL...]', 'pools, the preferred one first: stratum2+tcp://USER@host:port/AUTHORITY_KEY')
    .option(...configOption);
  for (const [flags, description] of [...listenOptions, ...logOptions, ...monitoringOptions])
    command.option(flags, description);
  command
    .option('-u, --user-identity <NAME>', 'at pools whose URL or table names no user (default: rx-sv2)')
    .option('--no-upstream-encryption', 'for pools that have no keys')
    .option('--no-aggregate-channels', 'a channel of the pool for each channel here, for its own user')
    .option('--channels-per-upstream-channel <NUMBER>', 'how many share one, at most (default: all)')
    .option('--extranonce-size <BYTES>', 'that extended channels may roll (default: 12)')
    .option('--no-sv1', 'no miners of Stratum V1: without it they can connect to the same port')
    .option('--shares-per-minute <NUMBER>', 'that vardiff aims at, for each channel (default: 6)')
    .option('--share-batch-size <NUMBER>', 'accepted shares per acknowledgement (default: 10)')
    .option('--silence-limit <SECONDS>', 'without a job, before a pool is left (default: 600)')
    .option('--max-rejected-in-a-row <NUMBER>', 'shares, before a pool is left (default: 20)')
    .addHelpText(
      'after',
      `
The first pool that works is used; one that is preferred is gone back to when it has worked for a minute. Miners stay
connected meanwhile.

The keys of the TOML file, those of the reference implementation where it has them:
  listen_address = "0.0.0.0:34255"
  authority_public_key = "…"                    # both as sv2 keygen prints them
  authority_secret_key = "…"
  cert_validity_sec = 3600
  aggregate_channels = true
  channels_per_upstream_channel = 1000
  extranonce_size = 12                          # miners of Stratum V1 take 4 of it, and 8 if they are rented
  sv1 = true                                    # they can connect to the same port
  shares_per_minute = 6
  share_batch_size = 10
  silence_limit = 600
  max_rejected_in_a_row = 20
  user_identity = "farm"
  upstream_encryption = true${logHelp}${monitoringHelp}
  [[upstreams]]                                 # any number, the preferred one first
  address = "pool.example"
  port = 34254
  authority_pubkey = "…"
  user_identity = "farm.proxy"
  weight = 70                                   # splits the work, in proportion to the other weights
  name = "ours"                                 # for pins; host:port unless given
  [[pins]]                                      # users whose work is for one pool; the first that fits counts
  user_identity = "alice.*"                     # * stands for any characters
  upstream = "ours"

Pools that have a weight are connected to at once, and share the work that miners prove; the others stand in while none of
them works. What one that is away was to have goes to the others, until it has been back for a minute.

Example:
  $ sv2 proxy stratum2+tcp://127.0.0.1:34254 --no-upstream-encryption --user-identity farm`,
    )
    .action((urls: readonly string[]) => runRole(context, () => proxyRole(command, urls)));
}

/** The proxy that a command line asks for. @throws ConfigError */
function proxyRole(command: Command, urls: readonly string[]): Role {
  const { config: file } = command.opts<{ config?: string }>();
  const flags = flagsOf(command, { ...monitoringFlags, config: null, listen: 'listen_address' });
  if (urls.length > 0) flags.push({ key: 'urls', name: 'URL', value: urls });
  const settings = loadConfig(schema, [...environmentFlags(schema, 'PROXY'), ...flags], file);
  const dialler = upstreamDialler(settings.upstream_encryption);
  const [first, ...others] = upstreamsOf(settings, dialler);
  if (first === undefined) throw new ConfigError([`upstreams: ${tables}, or a URL`]);
  const sv1 = settings.sv1
    ? sv1Clients({
        sharesPerMinute: settings.shares_per_minute,
        mixesAccounts: settings.aggregate_channels,
      })
    : undefined;
  const listener = roleListener(settings, 'proxy', { file, sv1Operator: sv1?.sv1Operator });
  const { aggregate_channels: isAggregate, channels_per_upstream_channel: perUpstreamChannel } = settings;
  const monitoring = roleMonitoring<ProxyOutcome>(settings, {
    role: 'proxy',
    sharesPerMinute: settings.shares_per_minute,
    shareBatchSize: settings.share_batch_size,
  });
  const fold = proxyFold(asyncScheduler.now());
  const event$ = proxy({
    listen: listener.listen,
    upstreams: [first, ...others],
    pins: pinsOf(settings),
    mode: isAggregate ? 'aggregate' : 'pass-through',
    ...(perUpstreamChannel === undefined ? {} : { channelsPerUpstreamChannel: perUpstreamChannel }),
    extranonceSize: settings.extranonce_size,
    sharesPerMinute: settings.shares_per_minute,
    shareBatchSize: settings.share_batch_size,
    silenceLimit: 1_000 * settings.silence_limit,
    maxRejectedInARow: settings.max_rejected_in_a_row,
  })
    .start()
    .pipe(monitoring.operator, proxyLog(fold, settings.log_level));
  const line$ = concat(
    from(openPools(poolsOf(settings), settings.upstream_encryption)),
    merge(dialler.line$, listener.line$, sv1?.line$ ?? EMPTY, monitoring.line$, event$),
  );
  return { name: 'proxy', settings, line$, totals: () => forwardedTotals(fold.state(asyncScheduler.now())) };
}

interface Pool {
  readonly host: string;
  readonly port: number;
  readonly key?: string | Uint8Array | undefined;
  readonly user?: string | undefined;
  readonly name?: string | undefined;
  readonly weight?: number | undefined;
}

const poolsOf = ({ urls, upstreams }: Settings): readonly Pool[] => [
  ...urls.map(({ host, port, user, authorityPublicKey: key }) => ({ host, port, user, key })),
  ...upstreams.map(({ address: host, user_identity: user, authority_pubkey: key, ...rest }) => ({
    ...{ host, user, key },
    ...rest,
  })),
];

/** Who is pinned where. @throws ConfigError for an upstream that there is not, or two of a name */
function pinsOf(settings: Settings): ProxyPin[] {
  const names = poolsOf(settings).map(({ host, port, name = `${host}:${port}` }) => name);
  return settings.pins.map(({ user_identity: userIdentity, upstream: name }, index) => {
    const upstream = names.indexOf(name);
    if (upstream < 0 || names.lastIndexOf(name) !== upstream)
      throw new ConfigError([
        `pins.${index}.upstream: ${upstream < 0 ? 'no upstream is' : 'more than one upstream is'} called ` +
          `${JSON.stringify(name)}; there ${names.length === 1 ? 'is' : 'are'} ${names.map((known) => JSON.stringify(known)).join(', ')}`,
      ]);
    return { userIdentity, upstream };
  });
}

/** The pools, in the order of preference. @throws ConfigError for a key that would not be used */
function upstreamsOf(settings: Settings, dialler: UpstreamDialler): ProxyUpstream[] {
  return poolsOf(settings).map(({ weight, user = settings.user_identity, ...pool }, index) => {
    const userIdentity = user ?? (settings.aggregate_channels ? 'rx-sv2' : undefined);
    return {
      connect: dialler.dial(pool, `upstreams.${index}`),
      ...(userIdentity === undefined ? {} : { userIdentity }),
      ...(weight === undefined ? {} : { weight }),
    };
  });
}
