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
import {
  SubmitSharesSuccess,
  type SubmitSharesExtended,
  type SubmitSharesStandard,
} from '../../messages/mining.js';
import type { Message } from '../../messages/registry.js';
import type { Bookkeeping } from '../../ledger/bookkeeping.js';
import type { LedgerRecord, RejectedRecord, ShareRecord } from '../../ledger/record.js';
import type { LedgerStore } from '../../ledger/store.js';
import type { LedgerPayout, PayoutOutcome } from './ledger-payout.js';
import { spool, type Durability } from '../../ledger/spool.js';
import type {
  ChannelClosed,
  MiningServerOutcome,
  ShareAccepted,
  ShareRejected,
} from '../../mining/mining-server-types.js';

/** The ledger cannot be written: mining goes on, and nothing is acknowledged until it can; told once. */
export interface LedgerStalled {
  readonly type: 'LedgerStalled';
  readonly code: string;
  readonly message: string;
  /** Shares that wait. */
  readonly waiting: number;
}

/** The ledger is written again, after {@link LedgerStalled}. */
export interface LedgerResumed {
  readonly type: 'LedgerResumed';
  /** Shares that waited, and are durable now or very soon. */
  readonly waiting: number;
}

/** So many shares wait for the ledger that no more can: those that come are neither credited nor acknowledged. Told once until it is written again. */
export interface LedgerFull {
  readonly type: 'LedgerFull';
  readonly waiting: number;
}

/** Another pool has written to the ledger for this server: nothing of this one is written any more. */
export interface LedgerConflict {
  readonly type: 'LedgerConflict';
  readonly message: string;
}

/** What happens between a pool and its ledger. */
export type LedgerOutcome = LedgerStalled | LedgerResumed | LedgerFull | LedgerConflict | PayoutOutcome;

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
  /** Where blocks are kept. */
  readonly store: Pick<LedgerStore, 'saveBlocks'>;
  /** What is paid by the ledger, if anything is. */
  readonly payout?: LedgerPayout | undefined;
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
export const shareLedger = ({
  serverId,
  books,
  store,
  payout,
  scheduler,
  ...options
}: ShareLedgerOptions) => {
  const { durability = 'acknowledged', commitInterval = 50, maxWaitingShares } = options;
  const queue = spool<Entry | RejectedRecord, Held>(durability, maxWaitingShares);
  let tallies = new Map<string, RejectedRecord>();
  /** Shares that were not taken in, by client and channel: they are not acknowledged either. */
  const turnedAway = new Map<string, { count: number; sum: number }>();
  let isFull = false;
  let stalledAt: number | undefined;
  let isOver = false;
  let untold: LedgerOutcome[] = [];

  const channelKey = (clientId: number, channelId: number): string => `${clientId}:${channelId}`;

  /** Takes from an acknowledgement what was turned away. */
  const withoutTurnedAway = (
    clientId: number,
    message: SubmitSharesSuccess,
  ): SubmitSharesSuccess | undefined => {
    const key = channelKey(clientId, message.channelId);
    const lost = turnedAway.get(key);
    if (lost === undefined) return message;
    turnedAway.delete(key);
    const newSubmitsAcceptedCount = message.newSubmitsAcceptedCount - lost.count;
    const newSharesSum = message.newSharesSum - BigInt(Math.ceil(lost.sum));
    if (newSubmitsAcceptedCount <= 0) return undefined;
    return SubmitSharesSuccess({
      ...message,
      newSubmitsAcceptedCount,
      newSharesSum: newSharesSum < 0n ? 0n : newSharesSum,
    });
  };

  const recordOf = (entry: Entry | RejectedRecord): LedgerRecord => {
    if (!('outcome' in entry)) return entry;
    const { outcome, share, context, vendor, time } = entry;
    return {
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
    } satisfies ShareRecord;
  };

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
      await books.write(records);
      if (taken.length > 0) payout?.written(records, books.receipt);
    } catch (error) {
      queue.failed();
      return { outcomes: [...takeUntold(), ...failure(error)], acknowledged: [] };
    }
    const acknowledged = queue.done();
    try {
      if (blocks.length > 0) await store.saveBlocks(blocks);
      payout?.saved(blocks);
    } catch (error) {
      return { outcomes: [...takeUntold(), ...failure(error)], acknowledged };
    }
    const resumed: LedgerOutcome[] =
      stalledAt === undefined ? [] : [{ type: 'LedgerResumed', waiting: taken.length + queue.waiting }];
    stalledAt = undefined;
    isFull = false;
    return { outcomes: [...takeUntold(), ...resumed], acknowledged };
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
    turnedAway.delete(channelKey(clientId, channelId));
    queue.forget(({ clientId: id, message }) => id === clientId && message.channelId === channelId);
  };

  const isDue = (): boolean =>
    !isOver && (stalledAt === undefined || scheduler.now() - stalledAt >= retryInterval);

  return {
    /** A share was accepted. */
    accepted(outcome: ShareAccepted, share: SubmittedShare, context: ShareContext, vendor: string): void {
      if (queue.add({ outcome, share, context, vendor, time: scheduler.now() })) return;
      const key = channelKey(outcome.clientId, outcome.channelId);
      const lost = turnedAway.get(key) ?? { count: 0, sum: 0 };
      turnedAway.set(key, { count: lost.count + 1, sum: lost.sum + outcome.difficulty });
      if (!isFull) untold.push({ type: 'LedgerFull', waiting: queue.waiting });
      isFull = true;
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
        const own = turnedAway.size === 0 ? message : withoutTurnedAway(clientId, message);
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
