/** Pays the blocks of all fronts by their core's ledger: what each template pays, and what a block that was found is stated by. */
import {
  catchError,
  concat,
  EMPTY,
  from,
  ignoreElements,
  mergeMap,
  of,
  takeUntil,
  tap,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { sameBytes } from '../../bitcoin/consensus-bytes.js';
import { toDisplayHex } from '../../bitcoin/hash.js';
import { serialiseTemplateOutputs, type TxOut } from '../../bitcoin/outputs.js';
import { parseTransaction } from '../../bitcoin/transaction.js';
import type { NotedBlock } from '../../ledger/block-journal.js';
import type { ShareRecord } from '../../ledger/record.js';
import type { StoredBlock } from '../../ledger/store.js';
import type { NewTemplate } from '../../messages/template-distribution.js';
import type { Sibling, SiblingEvent } from '../../service/siblings.js';
import { maxPaidTemplates } from '../pool/front-payout.js';
import type { Solution } from '../pool/held-solutions.js';
import type { LedgerOutcome } from '../pool/ledger-outcomes.js';
import type { LedgerPayout } from '../pool/ledger-payout.js';
import type { PaidShare } from '../pool/paid-share.js';
import { templateHeights } from '../pool/template-heights.js';
import {
  BalancesChanged,
  SolutionFound,
  TemplateArrived,
  TemplatePayout,
  TipArrived,
  type SharedOutputs,
} from '../pool/triggers.js';
import { coinbaseSizes } from '../translator/miner-classes.js';
import type { CoreJournal } from './core-journal.js';

/** A block that is not in the ledger, with the share that it is. */
export interface UnsavedBlock {
  readonly block: StoredBlock;
  readonly share: ShareRecord;
}

/** See {@link corePayout}. */
export interface CorePayout {
  /** The core's sibling: fronts are told what templates pay ahead of them, and blocks that they find are stated before they go out. */
  sibling(fronts: Sibling): Sibling;
  /** Blocks whose shares are not in the ledger yet. */
  unsaved(): readonly UnsavedBlock[];
  /** The shares of these are in the ledger, and they are not. */
  withoutShare(blocks: readonly StoredBlock[]): void;
  /** They are in the ledger, with their shares. */
  saved(blocks: readonly StoredBlock[]): void;
  /** What happened since it was asked last. */
  takeOutcomes(): readonly LedgerOutcome[];
}

/** Milliseconds that a block may wait until it is noted. */
const noteLimit = 500;

/** What the core's side of payouts has besides. */
export interface CorePayoutOptions {
  /** Where blocks are noted before they go out. */
  readonly journal?: CoreJournal | undefined;
  /** Blocks that were noted by a core before, and are among the payout's unsaved: fronts that live on write their shares. */
  readonly noted?: readonly NotedBlock[];
  readonly scheduler: SchedulerLike;
}

/** The core's side of payouts. */
export const corePayout = (
  payout: LedgerPayout,
  { journal, noted: before = [], scheduler }: CorePayoutOptions,
): CorePayout => {
  const heights = templateHeights();
  /** What fronts were told, by template and length of coinbases. */
  const frozen = new Map<bigint, ReadonlyMap<number, readonly TxOut[]>>();
  /** Shares of blocks that are not in the ledger, by the block's hash. */
  const shares = new Map(
    before.flatMap(({ block, record }): [string, ShareRecord][] =>
      record === null ? [] : [[block.hash, record]],
    ),
  );
  let balances: ReadonlyMap<string, bigint> = new Map();
  let outcomes: LedgerOutcome[] = [];

  const takeTemplate = (template: NewTemplate): SiblingEvent[] => {
    heights.note(template);
    const { templateId, coinbaseTxValueRemaining: value } = template;
    const { shared: outputsOf } = payout;
    const shared: SharedOutputs[] =
      outputsOf === undefined
        ? []
        : coinbaseSizes.map((coinbaseSize) => ({
            coinbaseSize,
            outputs: outputsOf(value, template, coinbaseSize),
          }));
    frozen.set(templateId, new Map(shared.map(({ coinbaseSize, outputs }) => [coinbaseSize, outputs])));
    for (const oldest of frozen.keys()) {
      if (frozen.size <= maxPaidTemplates) break;
      frozen.delete(oldest);
    }
    const before = balances;
    balances = payout.balances();
    return [
      ...(isSame(before, balances) ? [] : [BalancesChanged(balances)]),
      TemplatePayout(templateId, shared),
    ];
  };

  /** What a block pays. @throws Error in words, when that is not what was settled here */
  const settledFor = ({ solution }: Solution, { share: { user }, payment }: PaidShare) => {
    const { templateId, coinbaseTx } = solution;
    const settled =
      payment.kind === 'solo'
        ? payout.soloOf(user, payment.value, payment.balances)
        : payout.settledWith(frozen.get(templateId)?.get(payment.coinbaseSize) ?? null, user);
    // settled by a core that is gone, or too long ago
    if (settled === undefined) return payout.asPaid(coinbaseTx);
    const { outputs } = settled.distribution;
    const paid = parseTransaction(coinbaseTx).outputs.slice(0, outputs.length);
    if (!sameBytes(serialiseTemplateOutputs(outputs), serialiseTemplateOutputs(paid)))
      throw new Error('its coinbase has other outputs than were settled');
    return settled;
  };

  /** States a block. @returns what it waits for before it goes out, if it does */
  const state$ = (found: Solution, paid: PaidShare): Observable<never> => {
    const { share } = paid;
    const { height, time, user, worker } = share;
    const { hash, header, solution } = found;
    const prevHash = toDisplayHex(header.subarray(4, 36)); // after the version
    if (payout.knows(toDisplayHex(hash))) return EMPTY; // a core before has stated it, and may have been gone then
    let block: StoredBlock;
    try {
      const { coinbaseTx } = solution;
      block = payout.found(
        { height, hash, prevHash, coinbaseTx, time, user, worker },
        settledFor(found, paid),
      );
    } catch (error) {
      outcomes.push({ type: 'BlockNotStated', hash: toDisplayHex(hash), message: messageOf(error) });
      return EMPTY;
    }
    shares.set(block.hash, share);
    const notNoted = (error: unknown): void => {
      outcomes.push({ type: 'BlockNotNoted', hash: block.hash, message: messageOf(error) });
    };
    let noting: void | Promise<void> = undefined;
    try {
      noting = journal?.note({ block, record: share });
    } catch (error) {
      notNoted(error);
    }
    if (noting === undefined) return EMPTY;
    const noted$ = from(noting).pipe(
      catchError((error: unknown) => {
        notNoted(error);
        return EMPTY;
      }),
      ignoreElements(),
    );
    return noted$.pipe(
      takeUntil(
        timer(noteLimit, scheduler).pipe(
          tap(() => notNoted(`not within ${noteLimit} ms, for which a block waits; it may be all the same`)),
        ),
      ),
    );
  };

  return {
    sibling: (fronts) => ({
      trigger$: fronts.trigger$.pipe(
        mergeMap((trigger): Observable<SiblingEvent> => {
          if (!SolutionFound.match(trigger)) return of(trigger);
          const { block, paid } = trigger;
          const out$ = of(SolutionFound(block));
          return paid === undefined ? out$ : concat(state$(block, paid), out$);
        }),
      ),
      next(trigger) {
        if (TemplateArrived.match(trigger))
          for (const own of takeTemplate(trigger.template)) fronts.next(own);
        else if (TipArrived.match(trigger)) {
          const { templateId, prevHash, nBits } = trigger.tip;
          payout.tip(toDisplayHex(prevHash), heights.of(templateId) - 1, nBits);
        }
        fronts.next(trigger);
      },
    }),
    unsaved: () =>
      payout.unsaved().flatMap((block) => {
        const share = shares.get(block.hash);
        return share === undefined ? [] : [{ block, share }];
      }),
    withoutShare(blocks) {
      for (const { hash } of blocks) shares.delete(hash);
    },
    saved(blocks) {
      payout.saved(blocks);
      for (const { hash } of blocks) shares.delete(hash);
      if (blocks.length === 0) return;
      try {
        journal?.clear(blocks.map(({ hash }) => hash));
      } catch {
        // they stay noted, and are known when the pool starts
      }
    },
    takeOutcomes() {
      const taken = [...outcomes, ...payout.takeOutcomes()];
      outcomes = [];
      return taken;
    },
  };
};

const isSame = (one: ReadonlyMap<string, bigint>, other: ReadonlyMap<string, bigint>): boolean =>
  one === other ||
  (one.size === other.size && [...one].every(([script, balance]) => other.get(script) === balance));

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
