/** `sv2 pool`: what a pool is put together of. */
import type { Command } from 'commander';
import { EMPTY, from, merge } from 'rxjs';
import { Sv2Error } from '../codec/errors.js';
import { defaultCrypto } from '../crypto/index.js';
import { TOKEN_KEY_SIZE, tokenSeal } from '../declaration/token-seal.js';
import { isFront } from '../node/cluster/ipc-port.js';
import { connect } from '../node/connect.js';
import { blockJournal } from '../node/ledger/block-journal.js';
import { coreJournalOf } from '../roles/cluster/core-journal.js';
import { payEverythingTo } from '../roles/pool/payout.js';
import { roomOf } from '../roles/pool/payout-room.js';
import { pool, type Pool, type PoolOptions } from '../roles/pool/pool.js';
import type { Connector } from '../transport/connection.js';
import { clusterPlace, isFrontAsked } from './cluster-settings.js';
import { ConfigError, loadConfig } from './config.js';
import { declarationProblem, declaredPayoutLines, declaredPayoutsOf } from './declared-payout-settings.js';
import { environmentFlags } from './environment.js';
import { extraNodes } from './extra-nodes.js';
import type { CommandContext } from './io.js';
import { customJobsOf, declarationServer } from './jds.js';
import { historyPlace, journalPlace, ledgerPlace } from './ledger-place.js';
import { payoutWarnings } from './payout-setting.js';
import { payoutPlan } from './payout-plan-settings.js';
import { coreRole, frontRole } from './pool-cluster-roles.js';
import { runFront } from './pool-front.js';
import { poolLedger } from './pool-ledger.js';
import { plaintextFlag } from './pool-log.js';
import { poolMiners } from './pool-miners.js';
import { frontSettings, poolProcesses } from './pool-processes.js';
import { poolFlags, poolOptions } from './pool-options.js';
import {
  frontSchema,
  notHonoured,
  payoutOf,
  poolSchema,
  preferredProvider,
  type PoolSettings,
} from './pool-settings.js';
import { poolTold } from './pool-told.js';
import { silenceLog, type SilenceLog } from './role-client.js';
import { roleListener } from './role-server.js';
import { trouble } from './log-line.js';
import { runRole, type Role } from './run-role.js';

/** Gives `sv2 pool` its options and what it does. */
export function registerPool(command: Command, context: CommandContext): void {
  poolOptions(command);
  command.action(() => (isFront() ? runFront() : runRole(context, () => poolRole(command))));
}

/** The pool that a command line asks for. @throws ConfigError */
function poolRole(command: Command): Role {
  const { flags, file } = poolFlags(command);
  const given = [...environmentFlags(poolSchema, 'POOL'), ...flags];
  if (isFrontAsked(given, file)) {
    const own = loadConfig(frontSchema, given, file);
    const place = clusterPlace(own);
    if (place !== undefined) return frontRole(own, file, place);
  }
  const settings = loadConfig(poolSchema, given, file);
  const { script, networks } = payoutOf(settings);
  const cluster = clusterPlace(settings);
  const silence = silenceLog(plaintextFlag);
  const first$ = dial(preferredProvider(settings), 'template_provider_type.Sv2Tp', silence);
  const others = settings.template_providers.map((provider, index) =>
    dial(provider, `template_providers.${index}`, silence),
  );
  const core = {
    templateProvider: [first$, ...others],
    extraNodes: extraNodes(settings.extra_block_submissions),
    maxTemplateAge: 1000 * settings.template_max_age,
    ...(networks === undefined ? {} : { networks }),
  } satisfies Partial<PoolOptions>;
  if (cluster !== undefined) return coreRole(settings, file, cluster, core, silence.line$);
  const miners = poolMiners(settings, file);
  const { jds } = settings;
  const jdsListener =
    jds === undefined
      ? undefined
      : roleListener({ ...settings, listen_address: jds.listen_address }, 'declaration server');
  // what was declared is sealed into tokens for other processes to judge by
  const tokenKey =
    jds === undefined || settings.processes === 1 ? undefined : defaultCrypto.randomBytes(TOKEN_KEY_SIZE);
  const place = ledgerPlace(settings.ledger, file);
  const plan = payoutPlan(settings, {
    reserve: script,
    networks,
    hasLedger: place !== undefined,
    declarationProblem: declarationProblem(settings),
  });
  const declaredPayouts = declaredPayoutsOf(settings, plan.payout);
  const declaration =
    jds === undefined || jdsListener === undefined
      ? undefined
      : declarationServer(
          jds,
          jdsListener.listen,
          { ...payoutOf(settings), payouts: declaredPayouts },
          {
            where: 'jds.',
            ...(tokenKey === undefined ? {} : { seal: tokenSeal({ key: tokenKey }) }),
          },
        );
  const shown = plan.payout?.networks ?? networks;
  const options: PoolOptions = {
    ...core,
    ...miners.options,
    ...(declaration === undefined ? {} : customJobsOf(declaration.service)),
  };
  // complain now, not when the ledger is open
  poolOf(options);
  const front = settings.processes === 1 ? undefined : frontSettings(settings, tokenKey);
  const told = poolTold(settings, shown, historyPlace(place, file, settings.server_id));
  const { durability } = settings;
  const run$ = poolLedger(place, (store) => {
    const { payout, confirmations = 100 } = plan;
    const journal =
      payout === undefined || place === undefined
        ? {}
        : { journal: blockJournal(journalPlace(place, file, settings.server_id)) };
    if (front !== undefined) {
      const service = poolProcesses({
        ...{ settings, front, file, store },
        core: { ...core, payoutRoom: payout === undefined ? payEverythingTo(script).room : roomOf(payout) },
        payout: payout && {
          ...{ plan: payout, confirmations },
          ...('journal' in journal ? { journal: coreJournalOf(journal.journal) } : {}),
        },
        customBlockObserver: declaration?.service.customBlockObserver,
      });
      return {
        line$: merge(service.line$, told.run(service.start(), store), told.report$),
        written: service.written,
      };
    }
    const declared = declaredPayouts === undefined ? {} : { declaredPayouts };
    const ledger =
      store === undefined ? {} : { ledger: { store, durability, ...plan, ...journal, ...declared } };
    const service = poolOf({ ...options, ...ledger });
    return { line$: merge(told.run(service.start(), store), told.report$), written: service.written };
  });
  const line$ = merge(
    from([
      ...notHonoured(settings).map((text) => trouble(text)),
      ...payoutWarnings(script),
      ...declaredPayoutLines(settings, plan.payout),
    ]),
    miners.line$,
    jdsListener?.line$ ?? EMPTY,
    silence.line$,
    declaration?.line$ ?? EMPTY,
    told.monitoringLine$,
    run$,
  );
  const totals = () =>
    [told.totals(), ...(declaration === undefined ? [] : [declaration.totals()])].join('; ');
  return { name: 'pool', settings, line$, totals };
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
