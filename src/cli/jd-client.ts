import type { Command } from 'commander';
import { asyncScheduler, concat, EMPTY, filter, from, map, merge, tap } from 'rxjs';
import { Sv2Error } from '../codec/errors.js';
import { connect } from '../node/connect.js';
import { proxyFold } from '../observe/proxy-state.js';
import {
  jdClient,
  type DeclarationPair,
  type JobDeclarationClientOutcome,
} from '../roles/jd-client/jd-client.js';
import type { Connector } from '../transport/connection.js';
import { ConfigError, configOption, flagsOf, loadConfig } from './config.js';
import { distributionKey } from './distribution-settings.js';
import { extraNodes, extraNodesHelp } from './extra-nodes.js';
import { environmentFlags } from './environment.js';
import type { CommandContext } from './io.js';
import { jdClientSchema, notHonoured, problemsOf, type JdClientSettings } from './jd-client-config.js';
import { jdClientLine, ownWorkTotals } from './jd-client-log.js';
import { logHelp, logOptions } from './log-settings.js';
import { countsByType } from './counts-by-type.js';
import { monitoringFlags, monitoringHelp, monitoringOptions, roleMonitoring } from './monitoring.js';
import { isWorthALine, refusedChain } from './pool-log.js';
import { forwardedTotals } from './proxy-log.js';
import { reports } from './report.js';
import { payoutWarnings } from './payout-setting.js';
import { silenceLog, type SilenceLog } from './role-client.js';
import { listenOptions, roleListener } from './role-server.js';
import { about, trouble } from './log-line.js';
import { runRole, type Role } from './run-role.js';
import { sv1Listener } from './sv1-listener.js';
import { openPools, upstreamDialler, type UpstreamDialler, type UpstreamPool } from './upstream-pools.js';

/** Gives `sv2 jd-client` its options and what it does. */
export function registerJdClient(command: Command, context: CommandContext): void {
  command.option(...configOption);
  for (const [flags, description] of [...listenOptions, ...monitoringOptions, ...logOptions])
    command.option(flags, description);
  command
    .option('--listen-sv1 <HOST:PORT>', 'where to listen for miners of Stratum V1, in plain text, too')
    .option('--template-provider <HOST:PORT>', 'where templates come from')
    .option(
      '--template-provider-key <KEY>',
      "the template provider's authority key; without, any is accepted",
    )
    .option('--no-template-provider-encryption', 'for a template provider that has no keys')
    .option('--no-upstream-encryption', 'for pools and declarators that have no keys')
    .option('-u, --user-identity <NAME>', 'at pools whose table names no user (default: rx-sv2)')
    .option('--mode <MODE>', 'FULLTEMPLATE, COINBASEONLY or SOLOMINING (default: FULLTEMPLATE)')
    .option('--coinbase-reward-script <SCRIPT>', 'who is paid while no pool works, and by SOLOMINING')
    .option('--jdc-signature <TEXT>', 'in the coinbase of every block (default: rx-sv2)')
    .option('--shares-per-minute <NUMBER>', 'that vardiff aims at, for each miner (default: 6)')
    .option('--share-batch-size <NUMBER>', 'accepted shares per acknowledgement (default: 10)')
    .option('--request-timeout <SECONDS>', 'without an answer, before a pool is left (default: 20)')
    .option('--max-rejected-in-a-row <NUMBER>', 'shares, before a pool is left (default: 20)')
    .option('--experimental-payout-distribution', 'let pools say whom blocks pay (draft extension 0x0003)')
    .addHelpText(
      'after',
      `
Miners here work on blocks of your own template provider, and are paid by a pool. Its declarator sees the transactions
(FULLTEMPLATE), or nobody does (COINBASEONLY). The first pair of pool and declarator that works is used; while none does,
miners go on for yourself (coinbase_reward_script). What is preferred is gone back to when it has worked for a minute.
Miners stay connected meanwhile, and what they find before the pool has accepted a job is sent after it.

The keys of the TOML file are those of the reference implementation:
  listening_address = "0.0.0.0:34265"
  authority_public_key = "…"                    # both as sv2 keygen prints them
  authority_secret_key = "…"
  cert_validity_sec = 3600
  mode = "FULLTEMPLATE"                         # or COINBASEONLY, SOLOMINING
  coinbase_reward_script = "addr(bc1…)"
  jdc_signature = "rx-sv2"
  shares_per_minute = 6
  share_batch_size = 10
  reserved_downstream_rollable_extranonce_size = 8
  [template_provider_type.Sv2Tp]
  address = "127.0.0.1:8442"
  public_key = "…"
  [[upstreams]]                                 # any number, the preferred one first
  authority_pubkey = "…"
  pool_address = "pool.example"
  pool_port = 34254
  jds_address = "pool.example"
  jds_port = 34264
  user_identity = "farm"

and more of our own:
  listen_sv1_address = "0.0.0.0:3333"           # miners of Stratum V1, in plain text
  upstream_encryption = true
  request_timeout = 20                          # seconds
  max_rejected_in_a_row = 20
  experimental_payout_distribution = true       # pools may say whom blocks pay: draft extension 0x0003${extraNodesHelp}${logHelp}${monitoringHelp}
  [[template_providers]]                        # for while the one above does not work; any number, in this order
  address = "127.0.0.1:8443"

Example:
  $ sv2 jd-client --config jd-client.toml`,
    )
    .action(() => runRole(context, () => roleOf(command)));
}

const flagKeys = {
  ...monitoringFlags,
  config: null,
  listen: 'listening_address',
  listenSv1: 'listen_sv1_address',
  templateProvider: 'template_provider_type.Sv2Tp.address',
  templateProviderKey: 'template_provider_type.Sv2Tp.public_key',
  templateProviderEncryption: 'template_provider_type.Sv2Tp.encryption',
};

/** The client that a command line asks for. @throws ConfigError */
function roleOf(command: Command): Role {
  const { config: file } = command.opts<{ config?: string }>();
  const settings = loadConfig(
    jdClientSchema,
    [...environmentFlags(jdClientSchema, 'JDC'), ...flagsOf(command, flagKeys)],
    file,
  );
  const problems = problemsOf(settings);
  if (problems.length > 0) throw new ConfigError(problems);
  const { listening_address: listenAddress, shares_per_minute: sharesPerMinute } = settings;
  const listener = roleListener({ ...settings, listen_address: listenAddress }, 'declaration client', {
    file,
  });
  const { listen_sv1_address: sv1Address, coinbase_reward_script: script } = settings;
  const sv1 =
    sv1Address === undefined
      ? undefined
      : sv1Listener(
          {
            ...sv1Address,
            maxConnections: settings.max_connections,
            maxConnectionsPerAddress: settings.max_connections_per_address,
          },
          'declaration client',
          { sharesPerMinute },
        );
  const dialler = upstreamDialler(settings.upstream_encryption);
  const silence = silenceLog('--no-template-provider-encryption');
  const client = jdClient({
    listen: sv1 === undefined ? listener.listen : merge(listener.listen, sv1.listen),
    pairs: settings.mode === 'SOLOMINING' ? [] : pairsOf(settings, dialler),
    templateProvider: providersOf(settings, silence),
    mode: settings.mode === 'COINBASEONLY' ? 'coinbase-only' : 'full-template',
    ...(script === undefined ? {} : { soloScript: script.scriptPubKey }),
    ...(script?.networks == null ? {} : { networks: script.networks }),
    signature: settings.jdc_signature,
    extraNodes: extraNodes(settings.extra_block_submissions),
    payoutDistributions: settings[distributionKey],
    requestTimeout: 1_000 * settings.request_timeout,
    sharesPerMinute,
    shareBatchSize: settings.share_batch_size,
    extranonceSize: settings.reserved_downstream_rollable_extranonce_size,
    maxRejectedInARow: settings.max_rejected_in_a_row,
  });
  const monitoring = roleMonitoring<JobDeclarationClientOutcome>(settings, {
    role: 'jd-client',
    sharesPerMinute,
    shareBatchSize: settings.share_batch_size,
  });
  const fold = proxyFold(asyncScheduler.now());
  const counts = countsByType();
  const event$ = client.start().pipe(
    monitoring.operator,
    tap((outcome) => {
      fold.note(outcome, asyncScheduler.now());
      if (outcome.type !== 'OwnWork') return;
      counts.note(outcome.outcome);
      if (outcome.outcome.type === 'ChainRefused' && settings.mode === 'SOLOMINING')
        throw new Sv2Error('wrong-network', refusedChain(outcome.outcome));
    }),
    filter(isWorthALine(settings.log_level)),
    map((outcome) => about(outcome, jdClientLine(outcome, asyncScheduler.now()))),
    filter((line) => line !== undefined),
  );
  const line$ = concat(
    from([
      ...notHonoured(settings).map((text) => trouble(text)),
      ...openPools(poolsOf(settings), settings.upstream_encryption),
      ...(script === undefined ? [] : payoutWarnings(script.scriptPubKey)),
    ]),
    merge(
      dialler.line$,
      silence.line$,
      listener.line$,
      monitoring.line$,
      sv1?.line$ ?? EMPTY,
      event$,
      reports(fold),
    ),
  );
  const totals = () => `${forwardedTotals(fold.state(asyncScheduler.now()))}; ${ownWorkTotals(counts)}`;
  return { name: 'jd-client', settings, line$, totals };
}

const pairsOf = ({ upstreams, user_identity: user }: JdClientSettings, dialler: UpstreamDialler) =>
  upstreams.map((pair, index): DeclarationPair => {
    const where = `upstreams.${index}`;
    const key = pair.authority_pubkey;
    return {
      pool: dialler.dial({ host: pair.pool_address, port: pair.pool_port, key }, where),
      declarator: dialler.dial({ host: pair.jds_address, port: pair.jds_port, key }, where),
      userIdentity: pair.user_identity ?? user,
    };
  });

/** The pools of the pairs that are used. */
const poolsOf = ({ mode, upstreams }: JdClientSettings): readonly UpstreamPool[] =>
  mode === 'SOLOMINING'
    ? []
    : upstreams.map(({ pool_address: host, pool_port: port, authority_pubkey: key }) => ({
        host,
        port,
        key,
      }));

/** The template providers, the preferred one first. @throws ConfigError for a key that would not be used */
function providersOf(
  settings: JdClientSettings,
  { silenceObserver }: SilenceLog,
): readonly [Connector, ...Connector[]] {
  const { Sv2Tp } = settings.template_provider_type;
  const [first$, ...others] = [...(Sv2Tp === undefined ? [] : [Sv2Tp]), ...settings.template_providers].map(
    ({ address, public_key: key, encryption: encrypted }): Connector => {
      if (!encrypted && key !== undefined) {
        throw new ConfigError([
          'template_provider_type.Sv2Tp.public_key: of no use without encryption, which is switched off',
        ]);
      }
      const security = key === undefined ? {} : { authorityPublicKey: key };
      return connect({ ...address, encrypted, silenceObserver, ...security });
    },
  );
  if (first$ === undefined) throw new ConfigError(['template_provider_type.Sv2Tp is missing']);
  return [first$, ...others];
}
