/** The ledger of `sv2 pool`: opened before it listens, closed when everything is written. */
import { defer, finalize, from, merge, of, switchMap, type Observable } from 'rxjs';
import { counted } from '../codec/counted.js';
import type { LedgerStore } from '../ledger/store.js';
import { openLedger, type OpenedLedger } from '../node/ledger/open-ledger.js';
import { shownPlace } from './ledger-place.js';
import { info, trouble, type LogLine } from './log-line.js';

/** A pool that runs while its lines are subscribed to. */
interface Running {
  readonly line$: Observable<LogLine>;
  /** Resolves when what was accepted is written. */
  written(): Promise<void>;
}

/**
 * Runs a pool with its ledger.
 * @param where a file or a URL; undefined for none
 * @param run makes the pool
 */
export function poolLedger(
  where: string | undefined,
  run: (store: LedgerStore | undefined) => Running,
): Observable<LogLine> {
  if (where === undefined) {
    const warning =
      'no ledger: what miners deliver is counted in memory alone, and forgotten when the pool ends';
    return defer(() => merge(of(trouble(warning)), run(undefined).line$));
  }
  return defer(() => from(openLedger(where))).pipe(
    switchMap((opened) => {
      const { store } = opened;
      const { line$, written } = run(store);
      return merge(of(...openingLines(where, opened)), line$).pipe(
        // the process lives until this is done
        finalize(() => void written().then(() => store.close())),
      );
    }),
  );
}

function openingLines(where: string, { unfinishedBytes, salvaged }: OpenedLedger): LogLine[] {
  const place = shownPlace(where);
  const lines = [info(`ledger: ${place}`)];
  if (unfinishedBytes > 0) {
    lines.push(
      trouble(
        `the last write to the ledger was cut short: ${counted(unfinishedBytes, 'byte')} left out, and nothing that was acknowledged is in them`,
      ),
    );
  }
  if (salvaged !== null) {
    const { damaged, records, until } = salvaged;
    const last = until === null ? '' : `, up to ${new Date(until).toISOString()}`;
    lines.push(
      trouble(
        `the ledger was damaged: ${counted(records, 'record')} could be read${last}, now in a new file; the damaged one is ${damaged}`,
      ),
    );
  }
  return lines;
}
