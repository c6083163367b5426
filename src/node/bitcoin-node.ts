import {
  asyncScheduler,
  catchError,
  concat,
  concatMap,
  connect,
  defer,
  delayWhen,
  exhaustMap,
  expand,
  filter,
  interval,
  map,
  merge,
  of,
  repeat,
  retry,
  Subject,
  switchMap,
  takeUntil,
  tap,
  throwError,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { fromDisplayHex, toDisplayHex } from '../bitcoin/hash.js';
import { BLOCK_HEADER_SIZE, parseBlockHeader } from '../bitcoin/block-header.js';
import { sameBytes } from '../bitcoin/consensus-bytes.js';
import { Sv2Error } from '../codec/errors.js';
import type { BlockSource, SourceUpdate, SubmitResult } from '../roles/template-provider/block-source.js';
import { backoff } from '../service/upstreams/backoff.js';
import { bitcoinRpc, type BitcoinRpcOptions, type CallOptions } from './bitcoin-rpc.js';
import { BitcoinRpcError, type BitcoinRpcErrorCode } from './bitcoin-rpc-errors.js';
import { oneAtATime } from './one-at-a-time.js';
import { templateParser, type NodeTemplate } from './bitcoin-template.js';

/** Which Bitcoin node, and how often it is asked. Times are in milliseconds. */
export interface BitcoinNodeOptions extends BitcoinRpcOptions {
  /** Between two looks for transactions that pay more, beside long polling; 10,000 unless given. */
  readonly refreshInterval?: number;
  /** Between two looks for a new tip at a node without long polling; 1,000 unless given. */
  readonly pollInterval?: number;
  /** The longest wait before a node that failed is tried again; 10,000 unless given. */
  readonly maxRetryDelay?: number;
  /** A number from 0 up to but not including 1, for the waits; `Math.random` unless given. */
  random?(): number;
}

/** How long a long poll may take; then it is begun anew. */
const longPollTimeout = 600_000;

/** The first wait after a failure. It doubles with each. */
const initialRetryDelay = 500;

/** How often a block is offered again that the node could not take. */
const submitRetries = 10;

/** Blocks that wait for their turn; others are rejected. */
const maxWaitingBlocks = 100;

/** What a long poll at least takes if it says nothing new: a node that answers at once must not keep us busy. */
const shortestLongPoll = 100;

/** Failures after which a block is offered again. */
const passing: readonly BitcoinRpcErrorCode[] = [
  'node-unreachable',
  'node-connection-lost',
  'node-timeout',
  'node-busy',
  'node-warming-up',
  'cookie-unreadable',
];

/**
 * A Bitcoin node as a source of blocks, by `getblocktemplate` (BIP 22, 23, 145) and `submitblock`: any node that
 * speaks them, such as Bitcoin Core and btcd. New tips come by long polling, or from a look every second at nodes
 * without it. When the node cannot be used that is said, and it is tried again after a while that grows; nothing
 * needs to be restarted.
 * @throws BitcoinRpcError `invalid-option`
 */
export function bitcoinNode(options: BitcoinNodeOptions): BlockSource {
  const {
    refreshInterval = 10_000,
    pollInterval = 1_000,
    maxRetryDelay = 10_000,
    scheduler = asyncScheduler,
    random = Math.random,
  } = options;
  const rpc = bitcoinRpc({ ...options, scheduler });
  const accepted$ = new Subject<void>();
  const queueOperator = oneAtATime<SubmitResult>(maxWaitingBlocks);
  /** The parent of the last block of ours that was accepted. */
  let acceptedOn = '';
  const retryDelay = (attempt: number): number =>
    backoff({ initialDelay: initialRetryDelay, maxDelay: maxRetryDelay }, attempt, random());

  function session(): Observable<NodeTemplate> {
    const parse = templateParser(rpc.address);
    acceptedOn = '';
    const request: Request = (fields = {}, callOptions) =>
      rpc
        .call(
          'getblocktemplate',
          [{ capabilities: ['coinbasevalue', 'longpoll'], rules: ['segwit'], ...fields }],
          callOptions,
        )
        .pipe(map(parse));
    return request().pipe(
      switchMap((first) => {
        const tip$ =
          first.longPollId === undefined
            ? poll(first, request)
            : longPoll(first, request, pollInterval, scheduler);
        return concat(
          of(first),
          tip$.pipe(
            // what was asked before the tip changed must not be taken for news after
            connect((next$) =>
              merge(
                next$,
                merge(interval(refreshInterval, scheduler), accepted$).pipe(
                  exhaustMap(() => request().pipe(takeUntil(next$))),
                ),
              ),
            ),
          ),
        );
      }),
    );
  }

  /** Looks at the tip again and again, and gets a template when it is another. */
  function poll(first: NodeTemplate, request: Request): Observable<NodeTemplate> {
    return defer(() => {
      let { prevHash } = first.template;
      return interval(pollInterval, scheduler).pipe(
        exhaustMap(() =>
          rpc.call('getbestblockhash', []).pipe(
            map((tip) => typeof tip === 'string' && /^[0-9a-f]{64}$/i.test(tip) && fromDisplayHex(tip)),
            // a node without this method is asked for templates
            catchError((error: unknown) =>
              isMethodUnknown(error) ? of(false as const) : throwError(() => error),
            ),
            filter((tip) => tip === false || !sameBytes(tip, prevHash)),
            switchMap(() => request()),
            tap(({ template }) => (prevHash = template.prevHash)),
          ),
        ),
      );
    });
  }

  /**
   * Whether a block that the node took is in its best chain. btcd takes others too, even those whose parent it does
   * not know, without saying so; Bitcoin Core calls them inconclusive (BIP 22).
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
          : inconclusive(`${node} has the block, but another in its best chain: ${best}`),
      ),
      catchError((error: unknown) => {
        if (!hasCode(error, 'rpc-error')) return throwError(() => error);
        // a node without this method took the block; where it is now, nobody can say
        if (isMethodUnknown(error)) return of({ accepted: true } as const);
        return of(inconclusive(`${node} has the block, but its best chain does not reach height ${height}`));
      }),
    );
  }

  return {
    update$: defer(() => {
      let failures = 0;
      let delay = 0;
      return defer(session).pipe(
        concatMap(({ template }): SourceUpdate[] => {
          const recovered = failures > 0;
          failures = 0;
          return recovered ? [{ type: 'SourceRecovered' }, template] : [template];
        }),
        catchError((error: unknown) => {
          failures += 1;
          delay = retryDelay(failures);
          return of(sourceError(error, delay));
        }),
        repeat({ delay: () => timer(delay, scheduler) }),
      );
    }),

    submit({ bytes, hash, height }) {
      const parent = toDisplayHex(parseBlockHeader(bytes.subarray(0, BLOCK_HEADER_SIZE)).prevHash);
      let attempts = 0;
      const offer$ = defer(() => {
        attempts += 1;
        return rpc.call('submitblock', [Buffer.from(bytes).toString('hex')]);
      }).pipe(
        map((verdict) => submitResult(verdict, attempts > 1, rpc.address)),
        switchMap((result) => (result.accepted ? inBestChain(hash, height) : of(result))),
        retry({
          count: submitRetries,
          delay: (error, attempt) =>
            hasCode(error, ...passing)
              ? timer(retryDelay(attempt), scheduler)
              : throwError(() => error as Error),
        }),
        tap((result) => {
          if (!result.accepted) return;
          acceptedOn = parent;
          accepted$.next();
        }),
      );
      // on an easy chain one job makes many blocks; each but the first would only stand in its way
      return defer(() => (acceptedOn === parent ? of(superseded(height)) : offer$)).pipe(
        queueOperator,
        catchError((error: unknown) => of(submitFailure(error))),
      );
    },
  } satisfies BlockSource;
}

/** What {@link bitcoinNode} asks its node for templates with. */
type Request = (fields?: object, callOptions?: CallOptions) => Observable<NodeTemplate>;

/**
 * Waits for one template after the other (BIP 22).
 * @param pause milliseconds to wait when the node answered at once and had nothing to say
 */
function longPoll(
  first: NodeTemplate,
  request: Request,
  pause: number,
  scheduler: SchedulerLike,
): Observable<NodeTemplate> {
  function next(before: NodeTemplate): Observable<NodeTemplate> {
    return defer(() => {
      const { longPollId: longpollid, longPollUri: uri } = before;
      const asked = scheduler.now();
      return request(
        { longpollid },
        { timeout: longPollTimeout, ...(uri === undefined ? {} : { uri }) },
      ).pipe(
        // nothing new for that long, or the node is gone: whichever it is, this will show
        catchError((error: unknown) =>
          hasCode(error, 'node-timeout') ? request() : throwError(() => error),
        ),
        delayWhen((answer) => {
          const saysNothing =
            scheduler.now() - asked < shortestLongPoll &&
            sameBytes(answer.template.prevHash, before.template.prevHash);
          return saysNothing ? timer(pause, scheduler) : of(0);
        }),
      );
    });
  }
  return next(first).pipe(expand(next));
}

const hasCode = (error: unknown, ...codes: readonly BitcoinRpcErrorCode[]): boolean =>
  error instanceof BitcoinRpcError && codes.includes(error.code);

const isMethodUnknown = (error: unknown): boolean =>
  error instanceof BitcoinRpcError && error.detail['rpcCode'] === -32601;

function sourceError(error: unknown, retryIn: number): SourceUpdate {
  const code = error instanceof Sv2Error ? error.code : 'unexpected-error';
  return {
    type: 'SourceError',
    code,
    message: error instanceof Error ? error.message : String(error),
    retryIn,
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
    message: `the Bitcoin node at ${address} rejected the block: ${reason}`,
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
