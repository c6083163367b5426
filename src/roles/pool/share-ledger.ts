/** Makes a pool's shares durable before they are acknowledged. */
import {
  defer,
  EMPTY,
  exhaustMap,
  from,
  mergeMap,
  repeat,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import type {
  SubmitSharesExtended,
  SubmitSharesStandard,
  SubmitSharesSuccess,
} from '../../messages/mining.js';
import type { Message } from '../../messages/registry.js';
import type { Bookkeeping } from '../../ledger/bookkeeping.js';
import type { BlockJournal } from '../../ledger/block-journal.js';
import type { StoredBlock } from '../../ledger/store.js';
import type { LedgerRecord, RejectedRecord, ShareRecord } from '../../ledger/record.js';
import type { LedgerOutcome } from './ledger-outcomes.js';
import type { LedgerPayout } from './ledger-payout.js';
import { turnedAwayShares } from './turned-away-shares.js';
import { spool, type Durability } from '../../ledger/spool.js';
import type {
  ChannelClosed,
  MiningServerOutcome,
  ShareAccepted,
  ShareRejected,
} from '../../mining/mining-server-types.js';

/** Acknowledgements for a client that waited for their shares. */
export interface Acknowledged {
  readonly clientId: number;
  readonly messages: readonly Message[];
}

/** What a share is for, besides what it says itself. */
export interface ShareContext {
  /** Of the block that it would be; 0 when it is not known. */
  readonly height: number;
  readonly nbits: number;
}

type SubmittedShare = SubmitSharesStandard | SubmitSharesExtended;

interface Entry {
  readonly outcome: ShareAccepted;
  readonly share: SubmittedShare;
  readonly context: ShareContext;
  readonly vendor: string;
  readonly time: number;
}

interface Held {
  readonly clientId: number;
  readonly message: SubmitSharesSuccess;
}

/** Options of {@link shareLedger}. */
export interface ShareLedgerOptions {
  readonly serverId: number;
  readonly books: Bookkeeping;
  /** What is paid by the ledger, if anything is. */
  readonly payout?: LedgerPayout | undefined;
  /** Where blocks are noted before they go out. */
  readonly journal?: BlockJournal;
  /** `acknowledged` unless given. */
  readonly durability?: Durability;
  /** Milliseconds between two writes, 50 unless given: how long an acknowledgement waits, beside the write. */
  readonly commitInterval?: number;
  /** Shares that may wait for the ledger, 200,000 unless given. */
  readonly maxWaitingShares?: number;
  readonly scheduler: SchedulerLike;
}

/** Milliseconds between attempts while the ledger cannot be written. */
const retryInterval = 1_000;

/** Rejected shares are counted apart for so many users, workers and codes between two writes; beyond, by user alone. */
const maxTallies = 1_000;

/**
 * The shares of one run of a pool on their way to the ledger. A share costs a push to an array; records are made of them
 * when they are written.
 */
export const shareLedger = ({ serverId, books, payout, scheduler, ...options }: ShareLedgerOptions) => {
  const { durability = 'acknowledged', commitInterval = 50, maxWaitingShares, journal } = options;
  const queue = spool<Entry | RejectedRecord, Held>(durability, maxWaitingShares);
  let tallies = new Map<string, RejectedRecord>();
  const turnedAway = turnedAwayShares();
  let isFull = false;
  let stalledAt: number | undefined;
  let isOver = false;
  let untold: LedgerOutcome[] = [];
  const noted = new Set<string>();

  const recordOf = (entry: Entry | RejectedRecord): LedgerRecord =>
    'outcome' in entry ? shareRecordOf(entry) : entry;

  const shareRecordOf = ({ outcome, share, context, vendor, time }: Entry): ShareRecord => ({
    type: 'share',
    time,
    serverId,
    clientId: outcome.clientId,
    channelId: outcome.channelId,
    sequenceNumber: outcome.sequenceNumber,
    jobId: outcome.jobId,
    user: outcome.userIdentity,
    worker: outcome.worker,
    vendor,
    ...context,
    target: outcome.target,
    hash: outcome.hash,
    version: share.version,
    ntime: share.ntime,
    nonce: share.nonce,
    extranonce: share.type === 'SubmitSharesExtended' ? share.extranonce : new Uint8Array(0),
  });

  const queueTallies = (): void => {
    if (tallies.size === 0) return;
    const all = tallies.values();
    tallies = new Map();
    for (const tally of all) queue.add(tally);
  };

  /** The write under way, or the last. */
  let writing: Promise<unknown> = Promise.resolve();
  let finished = Promise.resolve();

  const commit = (): ReturnType<typeof commitNow> => {
    const result = writing.then(commitNow);
    writing = result;
    return result;
  };

  const commitNow = async (): Promise<{ outcomes: LedgerOutcome[]; acknowledged: Held[] }> => {
    queueTallies();
    const taken = queue.take();
    const blocks = payout?.unsaved() ?? [];
    if (taken.length === 0 && blocks.length === 0) return { outcomes: takeUntold(), acknowledged: [] };
    const records = taken.map(recordOf);
    try {
      await books.write(records, blocks);
    } catch (error) {
      queue.failed();
      return { outcomes: [...takeUntold(), ...failure(error)], acknowledged: [] };
    }
    if (taken.length > 0) payout?.written(records, books.receipt);
    payout?.saved(blocks);
    forgetNoted(blocks);
    const acknowledged = queue.done();
    const resumed: LedgerOutcome[] =
      stalledAt === undefined ? [] : [{ type: 'LedgerResumed', waiting: taken.length + queue.waiting }];
    stalledAt = undefined;
    isFull = false;
    return { outcomes: [...takeUntold(), ...resumed], acknowledged };
  };

  /** Blocks are in the ledger; once all that were noted are, the journal is empty again. */
  const forgetNoted = (blocks: readonly StoredBlock[]): void => {
    if (noted.size === 0) return;
    for (const { hash } of blocks) noted.delete(hash);
    if (noted.size > 0) return;
    try {
      journal?.clear();
    } catch {
      // they stay noted, and are known when the pool starts
    }
  };

  const takeUntold = (): LedgerOutcome[] => {
    const outcomes = [...untold, ...(payout?.takeOutcomes() ?? [])];
    untold = [];
    return outcomes;
  };

  const failure = (error: unknown): LedgerOutcome[] => {
    const { code, message } =
      error instanceof Sv2Error
        ? error
        : { code: 'unexpected', message: error instanceof Error ? error.message : String(error) };
    if (code === 'ledger-conflict') {
      isOver = true;
      return [{ type: 'LedgerConflict', message }];
    }
    const isFirst = stalledAt === undefined;
    stalledAt = scheduler.now();
    return isFirst ? [{ type: 'LedgerStalled', code, message, waiting: queue.waiting }] : [];
  };

  const rejected = ({ userIdentity, worker, errorCode }: ShareRejected): void => {
    if (userIdentity === null) return;
    const own = tallies.size < maxTallies ? worker : '';
    const key = JSON.stringify([userIdentity, own, errorCode]);
    const count = (tallies.get(key)?.count ?? 0) + 1;
    tallies.set(key, {
      type: 'rejected',
      time: scheduler.now(),
      serverId,
      user: userIdentity,
      worker: own,
      errorCode,
      count,
    });
  };

  const closed = ({ clientId, channelId }: ChannelClosed): void => {
    turnedAway.forget(clientId, channelId);
    queue.forget(({ clientId: id, message }) => id === clientId && message.channelId === channelId);
  };

  const isDue = (): boolean =>
    !isOver && (stalledAt === undefined || scheduler.now() - stalledAt >= retryInterval);

  return {
    /** A share was accepted. */
    accepted(outcome: ShareAccepted, share: SubmittedShare, context: ShareContext, vendor: string): void {
      if (queue.add({ outcome, share, context, vendor, time: scheduler.now() })) return;
      turnedAway.add(outcome);
      if (!isFull) untold.push({ type: 'LedgerFull', waiting: queue.waiting });
      isFull = true;
    },
    /** The record of a share that was accepted just now. */
    recordOf: (
      outcome: ShareAccepted,
      share: SubmittedShare,
      context: ShareContext,
      vendor: string,
    ): ShareRecord => shareRecordOf({ outcome, share, context, vendor, time: scheduler.now() }),
    /** A block is about to go out: it is noted with the share that it was; null where that has not come. */
    found(block: StoredBlock, record: ShareRecord | null): void {
      if (journal === undefined) return;
      const { hash } = block;
      try {
        journal.note({ block, record });
        noted.add(hash);
      } catch (error) {
        untold.push({
          type: 'BlockNotNoted',
          hash,
          message: error instanceof Error ? error.message : String(error),
        });
      }
    },
    /** Takes note of shares that were rejected, and of channels that were closed: nobody waits for their acknowledgements. */
    note(outcomes: readonly MiningServerOutcome[]): void {
      for (const outcome of outcomes) {
        if (outcome.type === 'ShareRejected') rejected(outcome);
        else if (outcome.type === 'ChannelClosed') closed(outcome);
      }
    },
    /** What of messages to a client may be sent now; acknowledgements that have to wait come later, from `commit$`. */
    outgoing(clientId: number, messages: readonly Message[]): readonly Message[] {
      if (!messages.some(({ type }) => type === 'SubmitShares.Success')) return messages;
      return messages.flatMap((message): readonly Message[] => {
        if (message.type !== 'SubmitShares.Success') return [message];
        const own = turnedAway.without(clientId, message);
        return own !== undefined && queue.hold({ clientId, message: own }) ? [own] : [];
      });
    },
    /** Writes what has come, again and again; emits what may be acknowledged, and what the ledger's state has become. */
    commit$: defer((): Observable<Acknowledged | LedgerOutcome> =>
      timer(commitInterval, scheduler).pipe(
        repeat(),
        exhaustMap(() => (isDue() ? from(commit()) : EMPTY)),
        mergeMap(({ outcomes, acknowledged }) => [
          ...outcomes,
          ...acknowledged.map(({ clientId, message }) => ({ clientId, messages: [message] })),
        ]),
      ),
    ),
    /** Resolves when the write that is under way has ended. */
    async written(): Promise<void> {
      await writing;
      await finished;
    },
    /** Writes what has come once more: for the end. */
    finish(): Promise<void> {
      const all = async (): Promise<void> => {
        do await commit();
        while (queue.waiting > 0 && !isOver && stalledAt === undefined);
      };
      finished = isOver ? finished : all();
      return finished;
    },
  };
};

/** See {@link shareLedger}. */
export type ShareLedger = ReturnType<typeof shareLedger>;
