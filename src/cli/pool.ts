/** `sv2 pool`: what a pool is put together of. */
import type { Command } from 'commander';
import { asyncScheduler, EMPTY, filter, from, map, merge, tap } from 'rxjs';
import { Sv2Error } from '../codec/errors.js';
import { tokenSeal } from '../declaration/token-seal.js';
import type { LedgerStore } from '../ledger/store.js';
import { connect } from '../node/connect.js';
import { poolFold } from '../observe/pool-state.js';
import { acceptSealedJobs } from '../roles/jd-server/sealed-jobs.js';
import { pool, type Pool, type PoolOptions, type PoolOutcome } from '../roles/pool/pool.js';
import type { Connector } from '../transport/connection.js';
import { ConfigError, loadConfig } from './config.js';
import { environmentFlags } from './environment.js';
import { extraNodes } from './extra-nodes.js';
import type { CommandContext } from './io.js';
import { customJobsOf, declarationServer } from './jds.js';
import { ledgerPlace } from './ledger-place.js';
import { roleMonitoring } from './monitoring.js';
import { payoutWarnings } from './payout-setting.js';
import { payoutPlan } from './payout-plan-settings.js';
import { poolLedger } from './pool-ledger.js';
import { isWorthALine, plaintextFlag, poolLine } from './pool-log.js';
import { poolFlags, poolOptions } from './pool-options.js';
import { payoutOf, poolSchema, type PoolSettings } from './pool-settings.js';
import { reports, totalsOf } from './report.js';
import { silenceLog, type SilenceLog } from './role-client.js';
import { roleListener } from './role-server.js';
import { about } from './log-line.js';
import { runRole, type Role } from './run-role.js';
import { sv1Listener } from './sv1-listener.js';

/** Gives `sv2 pool` its options and what it does. */
export function registerPool(command: Command, context: CommandContext): void {
  poolOptions(command);
  command.action(() => runRole(context, () => poolRole(command)));
}

/** The pool that a command line asks for. @throws ConfigError */
function poolRole(command: Command): Role {
  const { flags, file } = poolFlags(command);
  const settings = loadConfig(poolSchema, [...environmentFlags(poolSchema, 'POOL'), ...flags], file);
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
    ...sealedJobsOf(settings, script),
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
    declaredBy: jds !== undefined ? 'jds' : settings.declarator !== undefined ? 'declarator' : undefined,
  });
  poolOf(options); // complains now, not when the ledger is open
  const fold = poolFold(asyncScheduler.now());
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
      tap((outcome) => fold.note(outcome, asyncScheduler.now())),
      filter(isWorthALine(settings.log_level)),
      map((outcome) => about(outcome, poolLine(outcome))),
      filter((line) => line !== undefined),
    );
  const { durability } = settings;
  const run$ = poolLedger(place, (store) => {
    const ledger = store === undefined ? {} : { ledger: { store, durability, ...plan } };
    const service = poolOf({ ...options, ...ledger });
    return { line$: merge(event$(service, store), reports(fold)), written: service.written };
  });
  const line$ = merge(
    from(payoutWarnings(script)),
    listener.line$,
    jdsListener?.line$ ?? EMPTY,
    silence.line$,
    sv1?.line$ ?? EMPTY,
    declaration?.line$ ?? EMPTY,
    monitoring.line$,
    run$,
  );
  const totals = () =>
    [
      totalsOf(fold.state(asyncScheduler.now())),
      ...(declaration === undefined ? [] : [declaration.totals()]),
    ].join('; ');
  return { name: 'pool', settings, line$, totals };
}

/**
 * What a pool judges custom jobs by whose declaration server is another process; nothing without one.
 * @throws ConfigError for a pool that has both
 */
function sealedJobsOf(
  { jds, declarator }: PoolSettings,
  script: Uint8Array,
): Pick<PoolOptions, 'acceptCustomJob'> {
  if (declarator === undefined) return {};
  if (jds !== undefined) {
    throw new ConfigError([
      'declarator: it is for a declaration server in another process, and [jds] has one in this: leave one of them out',
    ]);
  }
  const { token_key: key, previous_token_key: previousKey } = declarator;
  return {
    acceptCustomJob: acceptSealedJobs({
      seal: tokenSeal({ key, ...(previousKey === undefined ? {} : { previousKey }) }),
      outputs: [{ value: 0n, scriptPubKey: script }],
    }),
  };
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

/** Dials a template provider. @throws ConfigError for a key that would not be used */
function dial(
  { address, public_key: key, encryption }: PoolSettings['template_providers'][number],
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
