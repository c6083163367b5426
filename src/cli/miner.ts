import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import {
  NEVER,
  asyncScheduler,
  bufferCount,
  concat,
  filter,
  map,
  merge,
  of,
  share,
  switchMap,
  tap,
  type Observable,
} from 'rxjs';
import * as z from 'zod';
import { connect } from '../node/connect.js';
import { hashWorkers } from '../node/hash-workers.js';
import type { StratumUrl } from '../noise/url.js';
import { paying } from '../roles/paying.js';
import { measureHashRate, type Hasher } from '../roles/miner/hasher.js';
import { maxChannels, miner, type MinerOutcome, type MiningChannelOptions } from '../roles/miner/miner.js';
import { ConfigError, configOption, flagsOf, loadConfig, number, text } from './config.js';
import { formatHashRate } from './format.js';
import { environmentFlags } from './environment.js';
import type { CommandContext } from './io.js';
import {
  monitoringFlags,
  monitoringHelp,
  monitoringOptions,
  monitoringSettings,
  roleMonitoring,
} from './monitoring.js';
import type { ClientOutcome } from '../service/outcomes.js';
import type { Fold } from '../observe/fold.js';
import { minerFold, type MinerState } from '../observe/miner-state.js';
import { logOptions, logSettings } from './log-settings.js';
import { minerLine, minerTotals } from './miner-log.js';
import { countsByType } from './counts-by-type.js';
import { demandOf } from './payout.js';
import { clientLine, silenceLog } from './role-client.js';
import { about, info, trouble, type LogLine } from './log-line.js';
import { runRole, type Role } from './run-role.js';
import { anyStratumUrl } from './stratum-url.js';
import { minerPools, userOfAll } from './miner-pools.js';
import { sv1MinerLog, sv1Totals } from './miner-sv1.js';
import type { Connector } from '../transport/connection.js';

/** Seconds over which the hash rate that is shown is averaged. */
const hashRateSeconds = 10;

const schema = z.strictObject({
  ...monitoringSettings,
  url: anyStratumUrl().optional(),
  urls: z
    .array(anyStratumUrl(), { error: 'expected a list of URLs' })
    .max(16, { error: 'expected 16 at most' })
    .default([]),
  user: text().optional(),
  password: text(0).optional(),
  standard_channels: channelCount().optional(),
  extended_channels: channelCount().optional(),
  threads: number({ min: 1, max: 1024, integer: true }).default(availableParallelism()),
  hash_rate: number({ min: 0, unit: 'hashes per second' }).optional(),
  encryption: z.boolean({ error: 'expected true or false' }).default(true),
  verify_payout: z.boolean({ error: 'expected true or false' }).default(false),
  ...logSettings(),
});

type Settings = z.output<typeof schema>;
type Channels = MiningChannelOptions['channels'];

/** Gives `sv2 miner` its options and what it does. */
export function registerMiner(command: Command, context: CommandContext): void {
  command
    .argument(
      '[URL...]',
      'pools, the preferred one first: stratum2+tcp://host:port/AUTHORITY_KEY, without a key any server is accepted; stratum+tcp://host:port for Stratum V1',
    )
    .option(...configOption);
  for (const [flags, description] of logOptions) command.option(flags, description);
  command
    .option(
      '-u, --user <NAME>',
      "user identity, such as alice or alice.rig1 (default: the URL's, as in USER@host, or rx-sv2)",
    )
    .option('-p, --password <TEXT>', 'for a pool of Stratum V1 (default: x)')
    .option('--standard-channels <NUMBER>', 'how many standard channels to open (default: 0)')
    .option(
      '--extended-channels <NUMBER>',
      'how many extended channels to open (default: 1, or 0 beside others)',
    )
    .option('-t, --threads <NUMBER>', 'worker threads (default: one for each processor)')
    .option('--hash-rate <NUMBER>', 'hashes per second, as told to the pool (default: measured)')
    .option('--verify-payout', 'leaves a pool whose jobs do not pay the address in the user identity')
    .option('--no-encryption', 'for a pool that has no keys')
    .option(...monitoringOptions[0])
    .addHelpText(
      'after',
      `
All channels share the hash rate. Of several pools the first that works is used; one that is preferred is gone back to when it
has worked for a minute. The keys of the TOML file are url, urls (a list), user, password, standard_channels, extended_channels,
threads, hash_rate, verify_payout, encryption, log_format, log_level, log_file, and${monitoringHelp}

Example:
  $ sv2 miner stratum2+tcp://127.0.0.1:34254 --no-encryption --user alice`,
    )
    .action((urls: readonly string[]) => runRole(context, () => minerRole(command, urls)));
}

/** The miner that a command line asks for. @throws ConfigError */
function minerRole(command: Command, [url, ...others]: readonly string[]): Role {
  const flags = flagsOf(command, { ...monitoringFlags, config: null });
  // those of the file are replaced, and not added to
  if (url !== undefined)
    flags.push({ key: 'url', name: 'URL', value: url }, { key: 'urls', name: 'URL', value: others });
  const settings = loadConfig(
    schema,
    [...environmentFlags(schema, 'MINER'), ...flags],
    command.opts<{ config?: string }>().config,
  );
  const chosen = minerPools(settings.url, settings.urls);
  if (chosen.protocol === 'sv1') {
    const counts = countsByType();
    const line$ = sv1MinerLog({ ...settings, pools: chosen.pools }, counts);
    return { name: 'miner', settings, line$, totals: () => sv1Totals(counts) };
  }
  const fold = minerFold(asyncScheduler.now());
  const line$ = minerLog({ ...settings, pools: chosen.pools }, fold);
  return { name: 'miner', settings, line$, totals: () => minerTotals(fold.state(asyncScheduler.now())) };
}

type PoolSettings = Settings & { readonly pools: readonly [StratumUrl, ...StratumUrl[]] };

/** The log of a miner at a pool of Stratum V2; subscribing runs it. @throws ConfigError */
function minerLog(settings: PoolSettings, fold: Fold<MinerState>): Observable<LogLine> {
  const { threads, hash_rate: given, pools } = settings;
  const isKeyed = pools.map(({ authorityPublicKey }) => authorityPublicKey !== undefined);
  if (isKeyed.includes(true) && !settings.encryption)
    throw new ConfigError(['url: its authority key is of no use without encryption, which is switched off']);
  const channels = channelsOf(settings);
  const userIdentity = settings.user ?? userOfAll(pools);
  if (settings.verify_payout && (channels.standard ?? 0) > 0)
    throw new ConfigError(['verify_payout: jobs of standard channels show no payout, see extended_channels']);

  const start$ = hashWorkers(threads).pipe(
    switchMap((hasher) =>
      (given === undefined ? measureHashRate(hasher) : of(given)).pipe(
        switchMap((hashRate) => {
          const how = given === undefined ? 'measured' : 'as configured';
          const begin = info(
            `${threads} ${threads === 1 ? 'thread' : 'threads'}, ${formatHashRate(hashRate)} ${how}`,
          );
          return concat(of(begin), mining(settings, userIdentity, fold, channels, hasher, hashRate));
        }),
      ),
    ),
  );
  const anybody = trouble(
    settings.encryption
      ? 'no authority key in the URL: any server is accepted'
      : 'the connection is not encrypted',
  );
  return !isKeyed.includes(false) ? start$ : concat(of(anybody), start$);
}

/** How many channels are opened: one extended channel unless something else is asked for. @throws ConfigError */
function channelsOf({ standard_channels: standard = 0, extended_channels: given }: Settings): Channels {
  const extended = given ?? (standard === 0 ? 1 : 0);
  if (standard + extended >= 1 && standard + extended <= maxChannels) return { standard, extended };
  throw new ConfigError([
    `standard_channels, extended_channels: expected 1 to ${maxChannels} in all, got ${standard + extended}`,
  ]);
}

function mining(
  settings: PoolSettings,
  userIdentity: string,
  fold: Fold<MinerState>,
  channels: Channels,
  hasher: Hasher,
  nominalHashRate: number,
): Observable<LogLine> {
  const { pools, encryption: encrypted } = settings;
  const silence = silenceLog('--no-encryption');
  const [first$, ...others] = pools.map(({ host, port, authorityPublicKey }): Connector => {
    const connector = connect({
      ...{ host, port, encrypted, silenceObserver: silence.silenceObserver },
      ...(authorityPublicKey === undefined ? {} : { authorityPublicKey }),
    });
    return settings.verify_payout ? paying(connector, demandOf(userIdentity, 'user')) : connector;
  });
  const monitoring = roleMonitoring<ClientOutcome<MinerOutcome>>(settings, { role: 'miner' });
  const outcome$ = miner({
    connect: [first$ as Connector, ...others],
    userIdentity,
    channels,
    nominalHashRate,
    hasher$: concat(of(hasher), NEVER),
  })
    .start()
    .pipe(
      monitoring.operator,
      tap((outcome) => fold.note(outcome, asyncScheduler.now())),
      share(),
    );
  const rate$ = outcome$.pipe(
    filter((outcome) => outcome.type === 'HashRate'),
    bufferCount(hashRateSeconds),
    map((rates) => rates.reduce((sum, { hashesPerSecond }) => sum + hashesPerSecond, 0) / rates.length),
    map((hashesPerSecond) => {
      const totals = minerTotals(fold.state(asyncScheduler.now()));
      return info(`hash rate ${formatHashRate(hashesPerSecond)}; ${totals}`);
    }),
  );
  return merge(
    rate$,
    silence.line$,
    monitoring.line$,
    outcome$.pipe(
      map((outcome) => about(outcome, clientLine(outcome, 'pool', '--no-encryption') ?? minerLine(outcome))),
      filter((line) => line !== undefined),
    ),
  );
}

function channelCount() {
  return number({ min: 0, max: maxChannels, integer: true });
}
