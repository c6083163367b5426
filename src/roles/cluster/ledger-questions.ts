/** The questions that a front may ask its core's ledger: how each is written, and who answers it. */
import type { LedgerStore } from '../../ledger/store.js';
import type { SequencedRecord } from '../../ledger/audit.js';
import {
  accountCodec,
  batchCodec,
  blockCodec,
  commitCodec,
  cursorCodec,
  listOf,
  nothing,
  ownersCodec,
  queryCodec,
  receiptCodec,
  serverIdCodec,
  slotCodec,
  slotNumberCodec,
  slotOfServerCodec,
  type PlainCodec,
} from './ledger-codec.js';

/** A core's store, and the records that fronts are in the midst of reading. */
export interface AskedLedger {
  readonly store: LedgerStore;
  readonly cursors: RecordCursors;
}

/** What is asked by `A` and answered by `R`. */
export interface LedgerQuestion<A, R> {
  readonly asked: PlainCodec<A>;
  readonly answered: PlainCodec<R>;
  answer(ledger: AskedLedger, asked: A): Promise<R>;
}

const question = <A, R>(
  asked: PlainCodec<A>,
  answered: PlainCodec<R>,
  answer: LedgerQuestion<A, R>['answer'],
): LedgerQuestion<A, R> => ({ asked, answered, answer });

/** By the names that they have on the way: those of `LedgerStore`, and two to read records a few at a time. */
export const ledgerQuestions = {
  receipt: question(serverIdCodec, receiptCodec, ({ store }, serverId) => store.receipt(serverId)),
  receipts: question(nothing, listOf(receiptCodec), ({ store }) => store.receipts()),
  commit: question(commitCodec, nothing, ({ store }, commit) => store.commit(commit)),
  serverAccounts: question(ownersCodec, listOf(accountCodec), ({ store }, { serverId, owners }) =>
    store.serverAccounts(serverId, owners),
  ),
  serverSlot: question(slotOfServerCodec, listOf(slotCodec), ({ store }, { serverId, slot }) =>
    store.serverSlot(serverId, slot),
  ),
  accounts: question(nothing, listOf(accountCodec), ({ store }) => store.accounts()),
  slots: question(slotNumberCodec, listOf(slotCodec), ({ store }, since) => store.slots(since)),
  blocks: question(nothing, listOf(blockCodec), ({ store }) => store.blocks()),
  saveBlocks: question(listOf(blockCodec), nothing, ({ store }, blocks) => store.saveBlocks(blocks)),
  records: question(queryCodec, batchCodec, ({ store, cursors }, { cursor, query }) =>
    cursors.open(cursor, store.records(query)),
  ),
  moreRecords: question(cursorCodec, batchCodec, ({ cursors }, cursor) => cursors.next(cursor)),
  enoughRecords: question(cursorCodec, nothing, ({ cursors }, cursor) => cursors.close(cursor)),
};

/** The name of a question. */
export type LedgerQuestionName = keyof typeof ledgerQuestions;

/** The question of a name, if there is one. */
export const ledgerQuestion = (name: string): LedgerQuestion<unknown, unknown> | undefined =>
  Object.hasOwn(ledgerQuestions, name) ? ledgerQuestions[name as LedgerQuestionName] : undefined;

/** Some records, and whether they are the last. */
export interface RecordBatch {
  readonly records: readonly SequencedRecord[];
  readonly isLast: boolean;
}

/** Records that are read a few at a time. */
export interface RecordCursors {
  /** Begins to read. @returns the first */
  open(cursor: number, records: AsyncIterable<SequencedRecord>): Promise<RecordBatch>;
  /** The next; the last of nothing where there is no such cursor. */
  next(cursor: number): Promise<RecordBatch>;
  /** Ends reading. */
  close(cursor: number): Promise<void>;
  /** Ends all reading. */
  closeAll(): Promise<void>;
}

/** Records in one answer: some 100 KB. */
const batchSize = 500;

/** Readings that a front may be in the midst of; of more the oldest ends. */
const maxCursors = 8;

/** Keeps the readings of one front. */
export const recordCursors = (): RecordCursors => {
  const open = new Map<number, AsyncIterator<SequencedRecord>>();

  const close = async (cursor: number): Promise<void> => {
    const iterator = open.get(cursor);
    open.delete(cursor);
    await iterator?.return?.();
  };

  const next = async (cursor: number): Promise<RecordBatch> => {
    const iterator = open.get(cursor);
    const records: SequencedRecord[] = [];
    while (iterator !== undefined && records.length < batchSize) {
      const result = await iterator.next();
      if (result.done === true) break;
      records.push(result.value);
    }
    const isLast = records.length < batchSize;
    if (isLast) open.delete(cursor);
    return { records, isLast };
  };

  return {
    async open(cursor, records) {
      const [oldest] = open.keys();
      if (open.size >= maxCursors && oldest !== undefined) await close(oldest);
      open.set(cursor, records[Symbol.asyncIterator]());
      return next(cursor);
    },
    next,
    close,
    async closeAll() {
      for (const cursor of [...open.keys()]) await close(cursor);
    },
  };
};
