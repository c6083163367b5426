import type { Command } from 'commander';
import { asyncScheduler, merge, tap } from 'rxjs';
import * as z from 'zod';
import { counted } from '../codec/counted.js';
import { targetFromNbits } from '../bitcoin/target.js';
import { Sv2Error } from '../codec/errors.js';
import { bitcoinNode } from '../node/bitcoin-node.js';
import { BitcoinRpcError } from '../node/bitcoin-rpc-errors.js';
import type { BlockSource } from '../roles/template-provider/block-source.js';
import { simulatedSource } from '../roles/template-provider/simulated-source.js';
import {
  templateProvider,
  type TemplateProviderOutcome,
} from '../roles/template-provider/template-provider.js';
import type { ServerOutcome } from '../service/outcomes.js';
import { ConfigError, configOption, flagsOf, loadConfig, number, text } from './config.js';
import { environmentFlags } from './environment.js';
import type { CommandContext } from './io.js';
import { extraNodes, extraNodesHelp, extraNodesSetting } from './extra-nodes.js';
import {
  monitoringFlags,
  monitoringHelp,
  monitoringOptions,
  monitoringSettings,
  roleMonitoring,
} from './monitoring.js';
import { templateProviderFold } from '../observe/template-provider-state.js';
import { logHelp, logOptions, logSettings } from './log-settings.js';
import { listenOptions, listenSettings, roleListener } from './role-server.js';
import { runRole, type Role } from './run-role.js';
import { templateProviderLog } from './template-provider-log.js';

const maxSeconds = 86_400;

const schema = z.strictObject({
  ...listenSettings('127.0.0.1:8442'),
  ...monitoringSettings,
  ...logSettings(),
  fee_threshold: number({ min: 0, max: 21e14, integer: true, unit: 'satoshis' }).default(100),
  min_interval: number({ min: 0.001, max: maxSeconds, unit: 'seconds' }).default(5),
  bitcoin_rpc: text(1, 2_000).optional(),
  bitcoin_cookie: text(1, 4_096).optional(),
  extra_block_submissions: extraNodesSetting(),
  nbits: nbits().optional(),
  height: number({ min: 1, max: 0x7fff_ffff, integer: true }).optional(),
  block_interval: number({ min: 0.001, max: maxSeconds, unit: 'seconds' }).optional(),
  transactions_per_second: number({ min: 0, max: 1_000 }).optional(),
  seed: number({ min: 0, max: 0xffff_ffff, integer: true }).optional(),
});

type Settings = z.output<typeof schema>;

/** The settings that a Bitcoin node has no use for. */
const simulationKeys = ['nbits', 'height', 'block_interval', 'transactions_per_second', 'seed'] as const;

/** Gives `sv2 template-provider` its options and what it does. */
export function registerTemplateProvider(command: Command, context: CommandContext): void {
  command.option(...configOption);
  for (const [flags, description] of [...listenOptions, ...logOptions, ...monitoringOptions])
    command.option(flags, description);
  command
    .option('--fee-threshold <SATOSHIS>', 'by how much fees must rise for another template (default: 100)')
    .option('--min-interval <SECONDS>', 'between two templates on the same tip (default: 5)')
    .option('--bitcoin-rpc <URL>', 'the Bitcoin node, as in http://user:password@127.0.0.1:8332')
    .option('--bitcoin-cookie <FILE>', "the node's .cookie file, instead of user and password")
    .option('--nbits <HEX>', "the simulated chain's difficulty, as in a header (default: 1e00ffff)")
    .option('--height <NUMBER>', "of the simulated chain's first block (default: 900000)")
    .option(
      '--block-interval <SECONDS>',
      'between blocks of other miners on the simulated chain (default: none)',
    )
    .option('--transactions-per-second <NUMBER>', 'that arrive on the simulated chain (default: 3)')
    .option('--seed <NUMBER>', 'another gives the simulated chain other transactions (default: 1)')
    .addHelpText(
      'after',
      `
Without --bitcoin-rpc, blocks are of a simulated chain: with made-up transactions of real sizes, real proof of work,
and every solution checked by the consensus rules. It is for trying things out; its coins do not exist.

A Bitcoin node must speak getblocktemplate over plain HTTP (btcd: --notls). The keys of the TOML file are the names of
the options with underscores, and listen_address:
  listen_address = "127.0.0.1:8442"
  authority_public_key = "…"                    # both as sv2 keygen prints them
  authority_secret_key = "…"
  bitcoin_rpc = "http://user:password@127.0.0.1:8332"
  fee_threshold = 100
  min_interval = 5${extraNodesHelp}${logHelp}${monitoringHelp}

Examples:
  $ sv2 template-provider --nbits 1e00ffff --block-interval 60
  $ sv2 template-provider --bitcoin-rpc http://127.0.0.1:8332 --bitcoin-cookie ~/.bitcoin/.cookie`,
    )
    .action(() => runRole(context, () => roleOf(command)));
}

/** The template provider that a command line asks for. @throws ConfigError */
function roleOf(command: Command): Role {
  const flags = flagsOf(command, { ...monitoringFlags, config: null, listen: 'listen_address' });
  const { config: file } = command.opts<{ config?: string }>();
  const settings = loadConfig(schema, [...environmentFlags(schema, 'TEMPLATE_PROVIDER'), ...flags], file);
  const source = blockSource(settings);
  const listener = roleListener(settings, 'template provider', { file });
  const service = templateProvider({
    listen: listener.listen,
    source,
    feeThreshold: BigInt(settings.fee_threshold),
    minInterval: 1000 * settings.min_interval,
    extraNodes: extraNodes(settings.extra_block_submissions),
  });
  const monitoring = roleMonitoring<ServerOutcome<TemplateProviderOutcome>>(settings, {
    role: 'template-provider',
  });
  const fold = templateProviderFold(asyncScheduler.now());
  const outcome$ = service.start().pipe(
    monitoring.operator,
    tap((outcome) => fold.note(outcome, asyncScheduler.now())),
  );
  return {
    name: 'template-provider',
    settings,
    line$: merge(listener.line$, monitoring.line$, templateProviderLog(outcome$)),
    totals() {
      const { template, blocksAccepted, blocksRejected } = fold.state(asyncScheduler.now());
      const rejected = Object.values(blocksRejected).reduce((sum, count) => sum + count, 0);
      return `${counted(template?.count ?? 0, 'template')} sent, ${counted(blocksAccepted, 'block')} accepted, ${rejected} rejected`;
    },
  };
}

function blockSource(settings: Settings): BlockSource {
  const { bitcoin_rpc: url, bitcoin_cookie: cookieFile } = settings;
  if (url === undefined) {
    if (cookieFile !== undefined) throw new ConfigError(['bitcoin_rpc is missing: bitcoin_cookie needs it']);
    const { nbits, height, block_interval: interval, transactions_per_second: rate, seed } = settings;
    return simulatedSource({
      ...(nbits === undefined ? {} : { nbits }),
      ...(height === undefined ? {} : { height }),
      ...(interval === undefined ? {} : { blockInterval: 1000 * interval }),
      ...(rate === undefined ? {} : { transactionsPerSecond: rate }),
      ...(seed === undefined ? {} : { seed }),
    });
  }
  const useless = simulationKeys.filter((key) => settings[key] !== undefined);
  if (useless.length > 0) {
    throw new ConfigError(
      useless.map((key) => `${key}: is for the simulated chain, and of no use with bitcoin_rpc`),
    );
  }
  try {
    return bitcoinNode({ url, ...(cookieFile === undefined ? {} : { cookieFile }) });
  } catch (error) {
    if (!(error instanceof BitcoinRpcError)) throw error;
    throw new ConfigError([`bitcoin_rpc: ${error.message}`]);
  }
}

/** A difficulty as in a block header; comes out as a number. */
function nbits() {
  const error = 'expected eight hex digits as a text, such as "1e00ffff"';
  return z.string({ error }).transform((value, context) => {
    const fail = (message: string) => {
      context.issues.push({ code: 'custom', message, input: undefined });
      return z.NEVER;
    };
    if (!/^(0x)?[0-9a-f]{8}$/i.test(value)) return fail(error);
    const compact = parseInt(value, 16);
    try {
      targetFromNbits(compact);
      return compact;
    } catch (cause) {
      if (!(cause instanceof Sv2Error)) throw cause;
      return fail(`${error}: ${cause.message}`);
    }
  });
}
