import {
  catchError,
  defer,
  map,
  of,
  retry,
  switchMap,
  tap,
  throwError,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { BLOCK_HEADER_SIZE, parseBlockHeader } from '../bitcoin/block-header.js';
import { toDisplayHex } from '../bitcoin/hash.js';
import { quoted } from '../codec/printable.js';
import type { SolvedBlock, SubmitResult } from '../roles/template-provider/block-source.js';
import type { OwnBlock } from './bitcoin-own-block.js';
import type { BitcoinRpc } from './bitcoin-rpc.js';
import { BitcoinRpcError, hasCode, type BitcoinRpcErrorCode } from './bitcoin-rpc-errors.js';
import { oneAtATime } from './one-at-a-time.js';

/** How often a block is offered again that the node could not take. */
const submitRetries = 10;

/** Blocks that wait for their turn; others are rejected. */
const maxWaitingBlocks = 100;

/** Failures after which a block is offered again. */
const passing: readonly BitcoinRpcErrorCode[] = [
  'node-unreachable',
  'node-connection-lost',
  'node-timeout',
  'node-busy',
  'node-stopping',
  'node-warming-up',
  'cookie-unreadable',
];

/** What `getblockhash` says to a height above the best chain: Bitcoin Core's number, and btcd's. */
const outOfRange = [-8, -1];

/**
 * Makes a function that offers blocks to a Bitcoin node, one at a time, by `submitblock` (BIP 22).
 * @param retryDelay milliseconds to wait before the nth attempt more, from 1
 */
export function blockSubmission(
  rpc: BitcoinRpc,
  own: OwnBlock,
  retryDelay: (attempt: number) => number,
  scheduler: SchedulerLike,
): (block: SolvedBlock) => Observable<SubmitResult> {
  const queueOperator = oneAtATime<SubmitResult>(maxWaitingBlocks);

  /**
   * Whether a block that the node took is in its best chain. btcd takes others too, even those whose parent it does
   * not know, without saying so; Bitcoin Core calls them inconclusive (BIP 22). Where the node does not say, it is.
   */
  function inBestChain(hash: Uint8Array, height: number): Observable<SubmitResult> {
    const node = `the Bitcoin node at ${rpc.address}`;
    const inconclusive = (why: string): SubmitResult => ({
      accepted: false,
      reason: 'inconclusive',
      message: why,
    });
    return rpc.call('getblockhash', [height]).pipe(
      map((best): SubmitResult =>
        typeof best !== 'string' || best.toLowerCase() === toDisplayHex(hash)
          ? { accepted: true }
          : inconclusive(`${node} has the block, but another in its best chain: ${quoted(best)}`),
      ),
      catchError((error: unknown) => {
        if (hasCode(error, ...passing)) return throwError(() => error);
        const isAbove =
          error instanceof BitcoinRpcError && outOfRange.some((code) => error.detail['rpcCode'] === code);
        // a node that lacks the method, or does not let us call it, took the block all the same
        return of<SubmitResult>(
          isAbove
            ? inconclusive(`${node} has the block, but its best chain does not reach height ${height}`)
            : { accepted: true },
        );
      }),
    );
  }

  return ({ bytes, hash, height }) => {
    const parent = toDisplayHex(parseBlockHeader(bytes.subarray(0, BLOCK_HEADER_SIZE)).prevHash);
    let attempts = 0;
    let isTaken = false;
    const offer$ = defer(() => {
      attempts += 1;
      return rpc.call('submitblock', [Buffer.from(bytes).toString('hex')]);
    }).pipe(
      map((verdict) => submitResult(verdict, attempts > 1, rpc.address)),
      tap(({ accepted }) => (isTaken ||= accepted)),
      switchMap((result) => (result.accepted ? inBestChain(hash, height) : of(result))),
      retry({
        count: submitRetries,
        delay: (error, attempt) =>
          hasCode(error, ...passing)
            ? timer(retryDelay(attempt), scheduler)
            : throwError(() => error as Error),
      }),
      // what the node took is not rejected because it went away after
      catchError((error: unknown) =>
        isTaken ? of<SubmitResult>({ accepted: true }) : throwError(() => error),
      ),
      tap(({ accepted }) => {
        if (accepted) own.accept(parent);
      }),
    );
    // on an easy chain one job makes many blocks; each but the first would only stand in its way
    return defer(() => (own.isOn(parent) ? of(superseded(height)) : offer$)).pipe(
      queueOperator,
      catchError((error: unknown) => of(submitFailure(error))),
    );
  };
}

/**
 * What the node says to a block.
 * @param verdict null if it took it, otherwise why not (BIP 22); btcd says `rejected: ` first
 * @param isRepeated whether it was offered before: the node may have taken it without our hearing of it
 */
function submitResult(verdict: unknown, isRepeated: boolean, address: string): SubmitResult {
  if (verdict === null) return { accepted: true };
  const reason = typeof verdict === 'string' ? verdict : JSON.stringify(verdict);
  if (isRepeated && (reason === 'duplicate' || reason.includes('already have block')))
    return { accepted: true };
  return {
    accepted: false,
    reason,
    message: `the Bitcoin node at ${address} rejected the block: ${quoted(reason)}`,
  };
}

const superseded = (height: number): SubmitResult => ({
  accepted: false,
  reason: 'inconclusive',
  message: `another block of ours was accepted at height ${height}`,
});

function submitFailure(error: unknown): SubmitResult {
  if (!(error instanceof BitcoinRpcError)) throw error;
  const { rpcMessage } = error.detail;
  const reason = error.code === 'rpc-error' && typeof rpcMessage === 'string' ? rpcMessage : error.code;
  return { accepted: false, reason, message: error.message };
}
