/** What a pool tells: its log, its state for reports and the last line, and its monitoring. */
import { asyncScheduler, filter, map, tap, type Observable } from 'rxjs';
import type { AddressNetwork } from '../bitcoin/payout-script.js';
import { Sv2Error } from '../codec/errors.js';
import type { LedgerStore } from '../ledger/store.js';
import { poolFold } from '../observe/pool-state.js';
import type { PoolOutcome } from '../roles/pool/pool.js';
import { about, type LogLine } from './log-line.js';
import { roleMonitoring } from './monitoring.js';
import { isWorthALine, poolLine, refusedChain } from './pool-log.js';
import type { FrontSettings } from './pool-settings.js';
import { reports, totalsOf } from './report.js';

/** See {@link poolTold}. */
export interface PoolTold {
  /**
   * The lines that tell of a pool's outcomes, which are noted. Errors with Sv2Error `ledger-conflict` when somebody else writes its ledger.
   * @param store for balances in the monitoring
   */
  run(outcome$: Observable<PoolOutcome>, store?: LedgerStore): Observable<LogLine>;
  /** Its reports. */
  readonly report$: Observable<LogLine>;
  /** What there is to say about the monitoring. */
  readonly monitoringLine$: Observable<LogLine>;
  totals(): string;
}

/**
 * Tells of one pool, as the settings say.
 * @param networks whose addresses its ledger pays, if that is known
 * @param historyFile where its monitoring keeps its history; in memory alone unless given
 * @throws ConfigError as `roleMonitoring` does
 */
export function poolTold(
  settings: FrontSettings,
  networks?: readonly AddressNetwork[],
  historyFile?: string,
): PoolTold {
  const fold = poolFold(asyncScheduler.now());
  const monitoring = roleMonitoring<PoolOutcome>(settings, {
    role: 'pool',
    sharesPerMinute: settings.shares_per_minute,
    shareBatchSize: settings.share_batch_size,
    alerts: { templateAge: 1000 * settings.template_max_age },
    ...(historyFile === undefined ? {} : { historyFile }),
  });
  return {
    run(outcome$, store) {
      return outcome$.pipe(
        monitoring.withLedger(store && { store, ...(networks === undefined ? {} : { networks }) }),
        tap((outcome) => {
          if (outcome.type === 'LedgerConflict') throw new Sv2Error('ledger-conflict', outcome.message);
          if (outcome.type === 'ChainRefused') throw new Sv2Error('wrong-network', refusedChain(outcome));
        }),
        tap((outcome) => fold.note(outcome, asyncScheduler.now())),
        filter(isWorthALine(settings.log_level)),
        map((outcome) => about(outcome, poolLine(outcome))),
        filter((line) => line !== undefined),
      );
    },
    report$: reports(fold),
    monitoringLine$: monitoring.line$,
    totals: () => totalsOf(fold.state(asyncScheduler.now())),
  };
}
