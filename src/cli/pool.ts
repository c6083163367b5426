import type { Command } from 'commander';
import { defer, filter, interval, map, merge, mergeMap, pairwise, startWith, type Observable } from 'rxjs';
import { z } from 'zod';
import { parsePayoutScript } from '../bitcoin/payout-script.js';
import { Sv2Error } from '../codec/errors.js';
import { connect } from '../node/connect.js';
import { pool } from '../roles/pool/pool.js';
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
import type { CommandContext } from './io.js';
import { poolLine, reportLines } from './pool-log.js';
import { listenOptions, listenSettings, roleListener } from './role-server.js';
import { runRole, type LogLine } from './run-role.js';

/** Seconds between two reports of what the users delivered. */
const reportInterval = 60;

/** Longest text that leaves the coinbase room for the height, the extranonce and its frame. */
const maxSignature = 64;

const schema = z.strictObject({
  ...listenSettings('127.0.0.1:34254'),
  coinbase_reward_script: payoutScript(),
  pool_signature: text(0, maxSignature).default('rx-sv2'),
  server_id: number({ min: 0, max: 0xffff, integer: true }).default(0),
  shares_per_minute: number({ min: 0.001, max: 6000 }).default(6),
  share_batch_size: number({ min: 1, max: 0xffff_ffff, integer: true }).default(10),
  template_provider_type: table({
    Sv2Tp: table({
      address: hostPort(),
      public_key: authorityPublicKey().optional(),
      encryption: z.boolean({ error: 'expected true or false' }).default(true),
    }),
  }),
});

/** Adds `sv2 pool`. */
export function registerPool(program: Command, context: CommandContext): void {
  const command = program
    .command('pool')
    .description('run a pool: serve miners with work from a template provider')
    .option(...configOption);
  for (const [flags, description] of listenOptions) command.option(flags, description);
  command
    .option('--coinbase-reward-script <SCRIPT>', 'who is paid: an address, or a descriptor such as wpkh(KEY)')
    .option('--pool-signature <TEXT>', 'in the coinbase of every block (default: rx-sv2)')
    .option('--server-id <NUMBER>', 'from 0 to 65535, another for each server of one pool (default: 0)')
    .option('--shares-per-minute <NUMBER>', 'that vardiff aims at, for each channel (default: 6)')
    .option('--share-batch-size <NUMBER>', 'accepted shares per acknowledgement (default: 10)')
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

Example:
  $ sv2 pool --config pool.toml`,
    )
    .action(() => runRole(context, () => poolLog(command)));
}

const flagKeys = {
  config: null,
  listen: 'listen_address',
  templateProvider: 'template_provider_type.Sv2Tp.address',
  templateProviderKey: 'template_provider_type.Sv2Tp.public_key',
  templateProviderEncryption: 'template_provider_type.Sv2Tp.encryption',
};

/** The log of the pool that a command line asks for; subscribing runs it. @throws ConfigError */
function poolLog(command: Command): Observable<LogLine> {
  const { config: file } = command.opts<{ config?: string }>();
  const settings = loadConfig(schema, flagsOf(command, flagKeys), file);
  const { address, public_key: key, encryption } = settings.template_provider_type.Sv2Tp;
  if (!encryption && key !== undefined) {
    throw new ConfigError([
      'template_provider_type.Sv2Tp.public_key: of no use without encryption, which is switched off',
    ]);
  }
  const listener = roleListener(settings, 'pool', file);
  const service = pool({
    listen: listener.listen,
    templateProvider: connect({
      ...address,
      encrypted: encryption,
      ...(key === undefined ? {} : { authorityPublicKey: key }),
    }),
    payoutScript: settings.coinbase_reward_script,
    poolSignature: settings.pool_signature,
    serverId: settings.server_id,
    sharesPerMinute: settings.shares_per_minute,
    shareBatchSize: settings.share_batch_size,
  });
  const report$ = defer(() =>
    interval(1000 * reportInterval).pipe(
      startWith(0),
      map(() => service.accounts()),
      pairwise(),
      mergeMap(([before, after]) => reportLines(before, after, reportInterval)),
    ),
  );
  const event$ = service.start().pipe(
    map(poolLine),
    filter((line) => line !== undefined),
  );
  return merge(listener.line$, event$, report$);
}

/** What says where the template provider is. */
function table<S extends z.core.$ZodLooseShape>(shape: S) {
  const error = 'expected a table [template_provider_type.Sv2Tp] with an address, or --template-provider';
  return z.strictObject(shape, { error });
}

/** An address or a descriptor; comes out as the output script. */
function payoutScript() {
  const expected = 'expected an address, or a descriptor such as addr(ADDRESS) or wpkh(PUBLIC KEY IN HEX)';
  return z.string({ error: expected }).transform((value, context) => {
    try {
      return parsePayoutScript(value).scriptPubKey;
    } catch (error) {
      if (!(error instanceof Sv2Error)) throw error;
      context.issues.push({ code: 'custom', message: `${expected}: ${error.message}`, input: undefined });
      return z.NEVER;
    }
  });
}
