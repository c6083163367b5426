import {
  catchError,
  concat,
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
  switchMap,
  take,
  takeUntil,
  tap,
  throwError,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { toDisplayHex } from '../bitcoin/hash.js';
import { sameBytes } from '../bitcoin/consensus-bytes.js';
import type { SourceWarning } from '../roles/template-provider/block-source.js';
import type { OwnBlock } from './bitcoin-own-block.js';
import type { BitcoinRpc, CallOptions } from './bitcoin-rpc.js';
import { hasCode, isForbidden, isMethodUnknown } from './bitcoin-rpc-errors.js';
import { knownRules, templateParser, type NodeTemplate } from './bitcoin-template.js';

/** How often a node is asked. Times are in milliseconds. */
export interface WatchIntervals {
  readonly refreshInterval: number;
  readonly pollInterval: number;
}

/** How long a long poll may take; then it is begun anew. */
const longPollTimeout = 600_000;

/** What a long poll at least takes if it says nothing new: a node that answers at once must not keep us busy. */
const shortestLongPoll = 100;

/** How long a node is made to wait to see whether it answers meanwhile, when it is asked, and what it has for that. */
const probe = { wait: 2_000, askAfter: 100, answerWithin: 1_500 };

/** What we can do when a template is asked for (BIP 23). */
const capabilities = ['coinbasevalue', 'longpoll'];

type Request = (fields?: object, callOptions?: CallOptions) => Observable<NodeTemplate>;

/**
 * The templates of a Bitcoin node: the first, another when the tip changes, and others as transactions come. Errors with
 * the first failure.
 * @param own told of every tip that is seen, forgotten at the beginning
 */
export function watchNode(
  rpc: BitcoinRpc,
  own: OwnBlock,
  { refreshInterval, pollInterval }: WatchIntervals,
  scheduler: SchedulerLike,
): Observable<NodeTemplate | SourceWarning> {
  return defer(() => {
    const parse = templateParser(rpc.address);
    own.forget();
    const request: Request = (fields = {}, callOptions) =>
      defer(() => {
        const saw = own.look();
        return rpc
          .call('getblocktemplate', [{ capabilities, rules: knownRules, ...fields }], callOptions)
          .pipe(
            map(parse),
            tap(({ template }) => saw(toDisplayHex(template.prevHash))),
          );
      });

    /** Templates after this one. What was asked before the tip changed must not be taken for news after. */
    function refreshed(tip$: Observable<NodeTemplate>): Observable<NodeTemplate> {
      return tip$.pipe(
        connect((next$) =>
          merge(
            next$,
            merge(interval(refreshInterval, scheduler), own.accepted$).pipe(
              exhaustMap(() => request().pipe(takeUntil(next$))),
            ),
          ),
        ),
      );
    }

    function after(first: NodeTemplate): Observable<NodeTemplate | SourceWarning> {
      const polled$ = refreshed(poll(rpc, first, request, pollInterval, scheduler));
      if (first.longPollId === undefined) return polled$;
      return answersMeanwhile(rpc, scheduler).pipe(
        switchMap((answers) => {
          if (answers === undefined) return template$;
          return answers
            ? refreshed(longPoll(first, request, pollInterval, scheduler))
            : concat(of(oneThread(rpc.address, pollInterval)), polled$);
        }),
      );
    }

    const template$: Observable<NodeTemplate | SourceWarning> = request().pipe(
      switchMap((first) => concat(of(first), after(first))),
    );
    return template$;
  });
}

/**
 * Whether a node answers while another call waits. Bitcoin Core with `-rpcthreads=1` does not: a block would wait behind
 * our own long poll, which ends with the next block of somebody else. Nodes without `waitfornewblock` are taken to.
 * @returns undefined if a block came meanwhile, so that nobody can tell
 */
function answersMeanwhile(rpc: BitcoinRpc, scheduler: SchedulerLike): Observable<boolean | undefined> {
  const wait$ = rpc.call('waitfornewblock', [probe.wait]).pipe(
    map(() => undefined),
    catchError(() => of(true)),
  );
  const answer$ = timer(probe.askAfter, scheduler).pipe(
    switchMap(() => rpc.call('getbestblockhash', [])),
    map(() => true),
    catchError(() => of(true)), // a refusal is an answer
  );
  const silence$ = timer(probe.answerWithin, scheduler).pipe(map(() => false));
  return merge(wait$, answer$, silence$).pipe(take(1));
}

const oneThread = (address: string, pollInterval: number): SourceWarning => ({
  type: 'SourceWarning',
  code: 'one-rpc-thread',
  message:
    `the Bitcoin node at ${address} answers one call at a time, so blocks would wait behind our waiting for its next: ` +
    `it is asked every ${pollInterval / 1000} s instead; with rpcthreads=4 it would tell at once`,
});

/** Looks at the tip again and again, and gets a template when it is another. */
function poll(
  rpc: BitcoinRpc,
  first: NodeTemplate,
  request: Request,
  pollInterval: number,
  scheduler: SchedulerLike,
): Observable<NodeTemplate> {
  return defer(() => {
    let tip = toDisplayHex(first.template.prevHash);
    return interval(pollInterval, scheduler).pipe(
      exhaustMap(() =>
        rpc.call('getbestblockhash', []).pipe(
          map((best) => typeof best === 'string' && /^[0-9a-f]{64}$/i.test(best) && best.toLowerCase()),
          // a node that lacks this method, or does not let us call it, is asked for templates
          catchError((error: unknown) =>
            isMethodUnknown(error) || isForbidden(error) ? of(false as const) : throwError(() => error),
          ),
          filter((best) => best === false || best !== tip),
          switchMap(() => request()),
          tap(({ template }) => (tip = toDisplayHex(template.prevHash))),
        ),
      ),
    );
  });
}

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
