import type { Command } from 'commander';
import { asyncScheduler, concat, filter, from, map, merge, Subject } from 'rxjs';
import { proxyFold } from '../observe/proxy-state.js';
import { paying } from '../roles/paying.js';
import type { ProxyOutcome, ProxyUpstream } from '../roles/proxy/proxy.js';
import type { Sv1MinerEvent } from '../roles/translator/sv1-miners.js';
import { translator } from '../roles/translator/translator.js';
import { defaultNonsenseLimits } from '../service/sessions/nonsense.js';
import { defaultListenerLimits } from '../transport/limits.js';
import { ConfigError, configOption, flagsOf, loadConfig } from './config.js';
import { environmentFlags } from './environment.js';
import { exposedFile } from './exposed-file.js';
import type { CommandContext } from './io.js';
import { demandOf } from './payout.js';
import { logHelp, logOptions } from './log-settings.js';
import { monitoringFlags, monitoringHelp, monitoringOptions, roleMonitoring } from './monitoring.js';
import { forwardedTotals, proxyLog } from './proxy-log.js';
import { about, trouble } from './log-line.js';
import { runRole, type Role } from './run-role.js';
import { sv1Port } from './sv1-listener.js';
import { sv1Line } from './sv1-log.js';
import {
  checkVersions,
  notHonoured,
  translatorSchema,
  type TranslatorSettings,
} from './translator-config.js';
import { openPools, upstreamDialler, type UpstreamDialler } from './upstream-pools.js';

/** Gives `sv2 translator` its options and what it does. */
export function registerTranslator(command: Command, context: CommandContext): void {
  command
    .argument('[URL...]', 'pools, the preferred one first: stratum2+tcp://USER@host:port/AUTHORITY_KEY')
    .option(...configOption);
  for (const [flags, description] of logOptions) command.option(flags, description);
  command
    .option('--listen <HOST:PORT>', 'where miners of Stratum V1 connect to (default: 127.0.0.1:34255)')
    .option('-u, --user-identity <NAME>', 'at pools whose URL or table names no user (default: rx-sv2)')
    .option('--no-upstream-encryption', 'for pools that have no keys')
    .option('--no-aggregate-channels', 'a channel of the pool for each miner, instead of one for all')
    .option(
      '--downstream-extranonce2-size <BYTES>',
      'that a miner rolls, if its kind needs no more (default: 4)',
    )
    .option('--verify-payout', 'leaves a pool whose jobs do not pay the address in the user identity')
    .option('--tls-certificate <FILE>', 'a certificate chain in PEM, for miners that connect inside TLS')
    .option('--tls-key <FILE>', 'its secret key')
    .option(...monitoringOptions[0])
    .option(
      '--max-connections <NUMBER>',
      `of miners at one time (default: ${defaultListenerLimits.maxConnections})`,
    )
    .option(
      '--max-connections-per-address <NUMBER>',
      `of all miners behind it (default: ${defaultListenerLimits.maxConnectionsPerAddress})`,
    )
    .option(
      '--nonsense-burst <NUMBER>',
      `refused requests at once that end a connection (default: ${defaultNonsenseLimits.nonsenseBurst})`,
    )
    .addHelpText(
      'after',
      `
The first pool that works is used; one that is preferred is gone back to when it has worked for a minute. Miners stay
connected meanwhile.

The keys of the TOML file, and the environment variables (TPROXY__DOWNSTREAM_PORT, TPROXY__UPSTREAM_A__ADDRESS …), are
those of the reference implementation's translator; those that have no effect here are told of by name:
  downstream_address = "0.0.0.0"
  downstream_port = 34255
  downstream_extranonce2_size = 4
  aggregate_channels = true
  verify_payout = false
  [downstream_difficulty_config]
  min_individual_miner_hashrate = 10_000_000_000_000.0
  shares_per_minute = 6.0
  job_keepalive_interval_secs = 60
  [[upstreams]]                                 # any number, the preferred one first
  address = "pool.example"
  port = 34254
  authority_pubkey = "…"
  user_identity = "farm"

and more of our own, above the tables:
  user_identity = "farm"
  upstream_encryption = true${logHelp}${monitoringHelp}
  tls_certificate = "cert.pem"
  tls_key = "key.pem"
  max_connections = 16384
  max_connections_per_address = 12288
  nonsense_burst = 1000

Example:
  $ sv2 translator stratum2+tcp://127.0.0.1:34254 --no-upstream-encryption --user-identity farm`,
    )
    .action((urls: readonly string[]) => runRole(context, () => translatorRole(command, urls, process.env)));
}

/** The translator that a command line asks for. @throws ConfigError */
function translatorRole(
  command: Command,
  urls: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Role {
  const { config: file } = command.opts<{ config?: string }>();
  const flags = [
    ...environmentFlags(translatorSchema, 'TPROXY', environment),
    ...flagsOf(command, { ...monitoringFlags, config: null, listen: 'listen_address' }),
  ];
  if (urls.length > 0) flags.push({ key: 'urls', name: 'URL', value: urls });
  const settings = loadConfig(translatorSchema, flags, file);
  checkVersions(settings);
  const dialler = upstreamDialler(settings.upstream_encryption);
  const [first, ...others] = upstreamsOf(settings, dialler);
  if (first === undefined)
    throw new ConfigError([
      'upstreams: expected tables [[upstreams]] with address, port, authority_pubkey and user_identity, or a URL',
    ]);
  const { min_individual_miner_hashrate: nominalHashRate, shares_per_minute: sharesPerMinute } =
    settings.downstream_difficulty_config;
  const port = sv1Port(addressOf(settings), 'translator');
  const event$ = new Subject<Sv1MinerEvent>();
  const monitoring = roleMonitoring<ProxyOutcome>(settings, {
    ...{ role: 'translator', sharesPerMinute },
    sv1Event$: event$,
  });
  const outcome$ = translator({
    listen: port.listen,
    upstreams: [first, ...others],
    aggregate: settings.aggregate_channels,
    extranonce2Size: settings.downstream_extranonce2_size,
    nominalHashRate,
    sharesPerMinute,
    nonsenseBurst: settings.nonsense_burst,
    // miners are connections here, each with a channel
    maxChannels: settings.max_connections,
    maxChannelsPerAddress: settings.max_connections_per_address,
    keepAliveInterval: 1_000 * settings.downstream_difficulty_config.job_keepalive_interval_secs,
    observer: event$,
  })
    .start()
    .pipe(monitoring.operator);
  const fold = proxyFold(asyncScheduler.now(), {}, 'translator');
  const line$ = concat(
    from([
      ...exposedFile(file),
      ...notHonoured(settings).map((text) => trouble(text)),
      ...openPools(poolsOf(settings), settings.upstream_encryption),
    ]),
    merge(
      dialler.line$,
      port.line$,
      monitoring.line$,
      event$.pipe(
        map((event) => about(event.outcome, sv1Line(event))),
        filter((line) => line !== undefined),
      ),
      outcome$.pipe(proxyLog(fold, settings.log_level)),
    ),
  );
  return {
    ...{ name: 'translator', settings, line$ },
    totals: () => forwardedTotals(fold.state(asyncScheduler.now())),
  };
}

/** Where miners connect to, and with what. @throws ConfigError for one file of TLS without the other */
function addressOf({
  listen_address: given,
  downstream_address: host,
  downstream_port: port,
  tls_certificate: certificate,
  tls_key: key,
  max_connections: maxConnections,
  max_connections_per_address: maxConnectionsPerAddress,
}: TranslatorSettings) {
  if ((certificate === undefined) !== (key === undefined))
    throw new ConfigError(['tls_certificate, tls_key: one needs the other']);
  return {
    ...(given ?? { host, port }),
    maxConnections,
    maxConnectionsPerAddress,
    ...(certificate === undefined || key === undefined ? {} : { tls: { certificate, key } }),
  };
}

const poolsOf = ({ urls, upstreams }: TranslatorSettings) => [
  ...urls.map(({ host, port, user, authorityPublicKey: key }) => ({ host, port, user, key })),
  ...upstreams.map(({ address: host, port, user_identity: user, authority_pubkey: key }) => ({
    ...{ host, port, user, key },
  })),
];

/** The pools, in the order of preference. @throws ConfigError for a key that would not be used */
function upstreamsOf(settings: TranslatorSettings, dialler: UpstreamDialler): ProxyUpstream[] {
  const { user_identity: otherwise = 'rx-sv2', verify_payout: verifiesPayout } = settings;
  return poolsOf(settings).map(({ user = otherwise, ...pool }, index) => {
    const where = `upstreams.${index}`;
    const connector$ = dialler.dial(pool, where);
    return {
      connect: verifiesPayout ? paying(connector$, demandOf(user, `${where}.user_identity`)) : connector$,
      userIdentity: user,
    };
  });
}
