import { asyncScheduler, catchError, concatMap, defer, of, repeat, timer, type SchedulerLike } from 'rxjs';
import { Sv2Error } from '../codec/errors.js';
import type { DeclarationNode } from '../roles/jd-server/declaration-node.js';
import type { BlockTemplate, SourceUpdate, SourceWarning } from '../roles/template-provider/block-source.js';
import { backoff } from '../service/upstreams/backoff.js';
import { ownBlock } from './bitcoin-own-block.js';
import { mempool } from './bitcoin-mempool.js';
import { blockProposal } from './bitcoin-proposal.js';
import { bitcoinRpc, type BitcoinRpcOptions } from './bitcoin-rpc.js';
import { blockSubmission } from './bitcoin-submission.js';
import { watchNode } from './bitcoin-watch.js';

/** Which Bitcoin node, and how often it is asked. Times are in milliseconds. */
export interface BitcoinNodeOptions extends BitcoinRpcOptions {
  /** Between two looks for transactions that pay more, beside long polling; 10,000 unless given. */
  readonly refreshInterval?: number;
  /** Between two looks for a new tip at a node without long polling; 1,000 unless given. */
  readonly pollInterval?: number;
  /** Between two looks at the mempool, while its transactions are subscribed to; 5,000 unless given. */
  readonly mempoolInterval?: number;
  /** The longest wait before a node that failed is tried again; 10,000 unless given. */
  readonly maxRetryDelay?: number;
  /** A number from 0 up to but not including 1, for the waits; `Math.random` unless given. */
  random?(): number;
}

/** The first wait after a failure. It doubles with each. */
const initialRetryDelay = 500;

/** Seconds by which a node's clock may differ from ours. */
const maxClockDifference = 300;

/**
 * A Bitcoin node as a source of blocks, by `getblocktemplate` (BIP 22, 23, 145) and `submitblock`: any node that
 * speaks them, such as Bitcoin Core and btcd, on any chain. It judges declared jobs by proposal mode (BIP 23). New tips come by long polling, or from a look every second
 * at nodes without it and at those that could do nothing else meanwhile. When the node cannot be used that is said, and
 * it is tried again after a while that grows; nothing needs to be restarted.
 * @throws BitcoinRpcError `invalid-option`
 */
export function bitcoinNode(options: BitcoinNodeOptions): Required<DeclarationNode> {
  const {
    refreshInterval = 10_000,
    pollInterval = 1_000,
    maxRetryDelay = 10_000,
    mempoolInterval = 5_000,
    scheduler = asyncScheduler,
    random = Math.random,
  } = options;
  const rpc = bitcoinRpc({ ...options, scheduler });
  const own = ownBlock();
  const retryDelay = (attempt: number): number =>
    backoff({ initialDelay: initialRetryDelay, maxDelay: maxRetryDelay }, attempt, random());

  return {
    update$: defer(() => {
      const clockWarnings = clockWatch(rpc.address, scheduler);
      let failures = 0;
      let delay = 0;
      return watchNode(rpc, own, { refreshInterval, pollInterval }, scheduler).pipe(
        concatMap((update): SourceUpdate[] => {
          if ('type' in update) return [update];
          const { template } = update;
          const recovered = failures > 0;
          failures = 0;
          return [
            ...(recovered ? [{ type: 'SourceRecovered' } as const] : []),
            ...clockWarnings(template),
            template,
          ];
        }),
        catchError((error: unknown) => {
          failures += 1;
          delay = retryDelay(failures);
          return of(sourceError(error, delay));
        }),
        repeat({ delay: () => timer(delay, scheduler) }),
      );
    }),

    submit: blockSubmission(rpc, own, retryDelay, scheduler),

    propose: blockProposal(rpc),

    transaction$: mempool(rpc, mempoolInterval, scheduler),
  } satisfies Required<DeclarationNode>;
}

/**
 * Makes a function that compares the node's clock with ours, and says once when they differ, until they agree again.
 * The time of a template is the node's, but not below the least that is valid: where that is ahead of us it tells of
 * other miners' clocks only.
 */
function clockWatch(
  address: string,
  scheduler: SchedulerLike,
): (template: BlockTemplate) => readonly SourceWarning[] {
  let isTold = false;
  return ({ currentTime, minTime }) => {
    const ahead = currentTime - Math.round(scheduler.now() / 1000);
    const differs = Math.abs(ahead) > maxClockDifference && (ahead < 0 || currentTime > minTime);
    const isNews = differs && !isTold;
    isTold = differs;
    if (!isNews) return [];
    const message =
      `the clock of the Bitcoin node at ${address} is ${Math.abs(ahead)} s ${ahead > 0 ? 'ahead of' : 'behind'} ours: ` +
      'check the clock of both machines';
    return [{ type: 'SourceWarning', code: 'clock-differs', message }];
  };
}

function sourceError(error: unknown, retryIn: number): SourceUpdate {
  const code = error instanceof Sv2Error ? error.code : 'unexpected-error';
  return {
    type: 'SourceError',
    code,
    message: error instanceof Error ? error.message : String(error),
    retryIn,
  };
}
