/** The two parts of a pool on several machines, as roles that `sv2 pool` runs. */
import { from, merge, race, ReplaySubject, switchMap, take, type Observable } from 'rxjs';
import type { Place } from '../roles/pool/draining.js';
import { payEverythingTo } from '../roles/pool/payout.js';
import { roomOf } from '../roles/pool/payout-room.js';
import type { PoolCoreOptions } from '../roles/pool/pool-core.js';
import type { ClusterPlace } from './cluster-settings.js';
import { ConfigError } from './config.js';
import { historyPlace, ledgerPlace } from './ledger-place.js';
import { trouble, type LogLine } from './log-line.js';
import { declarationProblem } from './declared-payout-settings.js';
import { payoutPlan } from './payout-plan-settings.js';
import { payoutWarnings } from './payout-setting.js';
import { clusterCore } from './pool-cluster-core.js';
import { clusterFront } from './pool-cluster-front.js';
import { poolMiners } from './pool-miners.js';
import { notHonoured, payoutOf, type FrontSettings, type PoolSettings } from './pool-settings.js';
import { poolTold } from './pool-told.js';
import type { Role } from './run-role.js';

/** What no part of a cluster can do. */
const unable = (settings: FrontSettings): string[] => [
  ...(settings.processes === 1
    ? []
    : ['processes: of no use with cluster: run as many fronts on a machine as it has cores']),
  ...(settings.jds === undefined
    ? []
    : ['jds: not in a cluster; sv2 jd-server, and [declarator] at its fronts, go with it']),
];

const complain = (problems: readonly string[]): void => {
  if (problems.length > 0) throw new ConfigError(problems);
};

/** A cluster's core. @throws ConfigError for what it cannot do */
export function coreRole(
  settings: PoolSettings,
  file: string | undefined,
  place: ClusterPlace,
  core: Omit<PoolCoreOptions, 'sibling' | 'payoutRoom'>,
  coreLine$: Observable<LogLine>,
): Role {
  const ledger = ledgerPlace(settings.ledger, file);
  complain([
    ...unable(settings),
    ...(ledger === undefined ? ['ledger: a cluster has one: expected a file, or postgres://…'] : []),
  ]);
  const { script, networks } = payoutOf(settings);
  const { payout: plan, confirmations = 100 } = payoutPlan(settings, {
    ...{ reserve: script, networks, hasLedger: true },
  });
  const history = historyPlace(ledger, file, settings.server_id);
  const told = poolTold(settings, plan?.networks ?? networks, history);
  const payoutRoom = plan === undefined ? payEverythingTo(script).room : roomOf(plan);
  const line$ = merge(
    from([...notHonoured(settings).map((text) => trouble(text)), ...payoutWarnings(script)]),
    coreLine$,
    told.monitoringLine$,
    clusterCore({
      ...{ place, ledger: ledger ?? '', core: { ...core, payoutRoom }, payoutScript: script, told },
      payout: plan && { plan, confirmations },
    }),
  );
  return { name: 'pool', settings, line$, totals: told.totals };
}

/** A cluster's front. SIGTERM has it send its miners to others first, and a second one ends it. @throws ConfigError for what it cannot do */
export function frontRole(settings: FrontSettings, file: string | undefined, place: ClusterPlace): Role {
  const { advertise_address: address, server_id: serverId } = settings;
  complain([
    ...unable(settings),
    ...(settings.ledger === undefined ? [] : ['ledger: the core has it, and a front has none']),
    ...(settings.template_provider_type === undefined
      ? []
      : ['template_provider_type: the core has it, and a front has none']),
  ]);
  const { script, networks } = payoutOf(settings);
  const { payout } = payoutPlan(settings, {
    ...{ reserve: script, networks, hasLedger: true },
    declarationProblem: declarationProblem(settings),
  });
  const told = poolTold(settings, payout?.networks ?? networks);
  const drain$ = new ReplaySubject<readonly Place[]>(1);
  const miners = poolMiners(settings, file, drain$);
  const front = clusterFront({
    ...{ place, told, drain$, miners: miners.options, payout, durability: settings.durability },
    ...(serverId === 0 ? {} : { serverId }),
    ...(address === undefined
      ? {}
      : { address: `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}` }),
  });
  return {
    name: 'pool',
    settings,
    line$: merge(miners.line$, told.monitoringLine$, front.line$),
    totals: told.totals,
    finish: (interrupt$) =>
      interrupt$.pipe(
        take(1),
        switchMap((signal) => (signal === 'SIGTERM' ? race(front.finish(), interrupt$) : [signal])),
      ),
  };
}
