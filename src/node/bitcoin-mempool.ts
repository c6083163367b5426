/** What a Bitcoin node has in its mempool, transaction by transaction as they come. */
import {
  catchError,
  defer,
  EMPTY,
  exhaustMap,
  filter,
  from,
  map,
  mergeMap,
  of,
  takeWhile,
  timer,
  toArray,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { Sv2Error } from '../codec/errors.js';
import { transactionFrom, type KnownTransaction } from '../declaration/known-transactions.js';
import type { KnownTransactionsArrived } from '../roles/jd-server/declaration-node.js';
import type { SourceWarning } from '../roles/template-provider/block-source.js';
import type { BitcoinRpc } from './bitcoin-rpc.js';
import { isForbidden, isMethodUnknown } from './bitcoin-rpc-errors.js';

/** Transactions asked for between two looks at the list: the rest has its turn after that. */
const mostAtOnce = 500;

/** Calls under way at a time: Bitcoin Core has four threads for them unless it is told otherwise. */
const callsAtOnce = 2;

/** Transactions whose ids are remembered; of a larger mempool the rest is not asked for. */
const mostRemembered = 300_000;

const isTxid = (id: unknown): id is string => typeof id === 'string' && /^[0-9a-fA-F]{64}$/.test(id);

/**
 * The transactions of a node's mempool by `getrawmempool`, each asked for once by `getrawtransaction` while it is there. The
 * list has no ids with witness, by which declarations name transactions: they have to be had before they are asked about.
 *
 * Costs: every interval a list of 67 bytes a transaction, and at most {@link mostAtOnce} transactions, two at a time.
 * Emits what is new, and a `mempool-unreadable` at last where the node does not have, or does not let us call, those
 * methods; other failures are left to the next look. Never errors.
 * @param interval milliseconds between two looks
 */
export function mempool(
  rpc: BitcoinRpc,
  interval: number,
  scheduler: SchedulerLike,
): Observable<KnownTransactionsArrived | SourceWarning> {
  return defer(() => {
    let seen = new Set<string>();

    /** Those of a list that were not asked for; what has left the list is forgotten. */
    function unknownOf(list: unknown): readonly string[] {
      const ids = (Array.isArray(list) ? list : []).filter(isTxid).slice(0, mostRemembered);
      const unknown = ids.filter((id) => !seen.has(id)).slice(0, mostAtOnce);
      const present = new Set(ids);
      seen = new Set([...[...seen].filter((id) => present.has(id)), ...unknown]);
      return unknown;
    }

    function transaction(id: string): Observable<KnownTransaction> {
      return rpc.call('getrawtransaction', [id]).pipe(
        map((hex) => parsed(hex)),
        filter((found) => found !== undefined),
        catchError((error: unknown) => {
          if (isRefusal(error)) throw error;
          return EMPTY; // it was mined or replaced meanwhile, or the node is busy
        }),
      );
    }

    const look$ = rpc.call('getrawmempool', []).pipe(
      mergeMap((list) => from(unknownOf(list)).pipe(mergeMap(transaction, callsAtOnce), toArray())),
      filter(({ length }) => length > 0),
      map((transactions): KnownTransactionsArrived => ({ type: 'KnownTransactions', transactions })),
      catchError((error: unknown) => (isRefusal(error) ? of(unreadable(rpc.address, error)) : EMPTY)),
    );

    return timer(0, interval, scheduler).pipe(
      exhaustMap(() => look$),
      takeWhile(({ type }) => type === 'KnownTransactions', true),
    );
  });
}

/** A transaction in hex; undefined for anything else, which the node need not be left for. */
function parsed(hex: unknown): KnownTransaction | undefined {
  if (typeof hex !== 'string' || hex.length === 0 || hex.length % 2 !== 0) return undefined;
  const bytes = Buffer.from(hex, 'hex');
  if (bytes.length !== hex.length / 2) return undefined;
  try {
    return transactionFrom(bytes);
  } catch (error) {
    if (!(error instanceof Sv2Error)) throw error;
    return undefined;
  }
}

const isRefusal = (error: unknown): boolean => isMethodUnknown(error) || isForbidden(error);

const unreadable = (address: string, error: unknown): SourceWarning => ({
  type: 'SourceWarning',
  code: 'mempool-unreadable',
  message:
    `the Bitcoin node at ${address} does not show its mempool (${error instanceof Error ? error.message : String(error)}): ` +
    'what of it is in no template is asked of the clients that declare it; getrawmempool and getrawtransaction must be allowed',
});
