import type { Command } from 'commander';
import { from, merge, pipe, tap } from 'rxjs';
import * as z from 'zod';
import { Sv2Error } from '../codec/errors.js';
import { configOption, flagsOf, loadConfig } from './config.js';
import { environmentFlags } from './environment.js';
import type { CommandContext } from './io.js';
import { tokenSeal } from '../declaration/token-seal.js';
import { distributionHelp } from './distribution-settings.js';
import { declarationServer, declarationSettings, tokenKey } from './jds.js';
import { logHelp, logOptions, logSettings } from './log-settings.js';
import {
  monitoringFlags,
  monitoringHelp,
  monitoringOptions,
  monitoringSettings,
  roleMonitoring,
} from './monitoring.js';
import { payoutScript, payoutWarnings } from './payout-setting.js';
import { listenOptions, listenSettings, roleListener } from './role-server.js';
import type { JobDeclarationServerOutcome } from '../roles/jd-server/jd-server.js';
import { runRole, type Role } from './run-role.js';
import type { ServerOutcome } from '../service/outcomes.js';

const schema = z.strictObject({
  ...listenSettings('127.0.0.1:34264'),
  ...logSettings(),
  ...monitoringSettings,
  ...declarationSettings(),
  coinbase_reward_script: payoutScript(),
  token_key: tokenKey().optional(),
});

/** Gives `sv2 jd-server` its options and what it does. */
export function registerJdServer(command: Command, context: CommandContext): void {
  command.option(...configOption);
  for (const [flags, description] of [...listenOptions, ...monitoringOptions, ...logOptions])
    command.option(flags, description);
  command
    .option('--coinbase-reward-script <SCRIPT>', 'what declared blocks must pay: an address, or a descriptor')
    .option('--bitcoin-rpc <URL>', 'the Bitcoin node, as in http://user:password@127.0.0.1:8332')
    .option('--bitcoin-cookie <FILE>', "the node's .cookie file, instead of user and password")
    .option('--token-lifetime <SECONDS>', 'that a token can be used for (default: 3600)')
    .option('--min-pool-share <PART>', 'of a block that the script must get, 0 to 1 (default: 1)')
    .option('--no-coinbase-only', 'take only jobs whose transactions were declared')
    .addHelpText(
      'after',
      `
Miners who choose their own transactions declare their blocks here. Each is checked by the rules that a miner can break,
and by the Bitcoin node (getblocktemplate, proposal mode); the log says by which. Blocks that they find are submitted.
A node whose chain is another than the address is of is refused, and the server ends.

A pool of rx-sv2 can have its declaration server in its own process: see [jds] in sv2 pool --help. This one is for a pool in
another process or on another machine. Both have the same token_key: the server seals what it found right into the tokens
of jobs, and the pool judges by them (see [declarator] in sv2 pool --help). Without it, tokens say nothing: that is for
pools that do not look at them.

The keys of the TOML file are the names of the options with underscores, and listen_address:
  listen_address = "0.0.0.0:34264"
  authority_public_key = "…"                    # both as sv2 keygen prints them
  authority_secret_key = "…"
  coinbase_reward_script = "addr(bc1…)"
  bitcoin_rpc = "http://user:password@127.0.0.1:8332"
  token_lifetime = 3600
  min_pool_share = 1
  coinbase_only = true
  token_key = "…"                               # secret: openssl rand -hex 32, or JDS__TOKEN_KEY in the environment${logHelp}${monitoringHelp}

Experimental, for its text may change:${distributionHelp('')}

Example:
  $ sv2 jd-server --coinbase-reward-script addr(bc1…) --bitcoin-rpc http://127.0.0.1:8332 --bitcoin-cookie ~/.bitcoin/.cookie`,
    )
    .action(() => runRole(context, () => roleOf(command)));
}

/** The declaration server that a command line asks for. @throws ConfigError */
function roleOf(command: Command): Role {
  const { config: file } = command.opts<{ config?: string }>();
  const settings = loadConfig(
    schema,
    [
      ...environmentFlags(schema, 'JDS'),
      ...flagsOf(command, { ...monitoringFlags, config: null, listen: 'listen_address' }),
    ],
    file,
  );
  const listener = roleListener(settings, 'declaration server', { file });
  const { scriptPubKey, networks } = settings.coinbase_reward_script;
  const payout = { script: scriptPubKey, ...(networks === null ? {} : { networks }) };
  const { token_key: key } = settings;
  const seal = key === undefined ? undefined : tokenSeal({ key });
  const monitoring = roleMonitoring<ServerOutcome<JobDeclarationServerOutcome>>(settings, {
    role: 'jd-server',
  });
  const { line$, totals } = declarationServer(settings, listener.listen, payout, {
    operator: pipe(
      monitoring.operator,
      tap((outcome) => {
        if (outcome.type === 'SourceError' && outcome.code === 'wrong-network')
          throw new Sv2Error('wrong-network', `the Bitcoin node: ${outcome.message}`);
      }),
    ),
    ...(seal === undefined ? {} : { seal }),
  });
  return {
    ...{ name: 'jd-server', settings, totals },
    line$: merge(from(payoutWarnings(scriptPubKey)), listener.line$, monitoring.line$, line$),
  };
}
