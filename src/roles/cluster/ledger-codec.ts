/** What a front asks its core's ledger, and what it is answered, as plain values. */
import type { LedgerAccount } from '../../ledger/accounts.js';
import type { SequencedRecord } from '../../ledger/audit.js';
import { decodeRecords, encodeRecord } from '../../ledger/record-codec.js';
import type { Receipt } from '../../ledger/receipts.js';
import { parseStatement } from '../../ledger/statement.js';
import type { LedgerCommit, RecordQuery, StoredBlock } from '../../ledger/store.js';
import type { SlotWork } from '../../ledger/window.js';
import { fieldsOf, invalid } from './plain-fields.js';

/** A value as a plain one, and back. `from` throws Sv2Error `invalid-cluster-message`, and what reading records and statements throws. */
export interface PlainCodec<T> {
  to(value: T): unknown;
  from(value: unknown): T;
}

/** Elements of a list at most: more than a pool has accounts, slots or blocks. */
const maxList = 4_000_000;

/** UTF-16 units of a name at most: what 255 bytes can be. */
const maxName = 255;

/** Bytes that the records of one commit can be: 5,000 of the longest are a third of it. */
const maxRecords = 0xffffff;

const maxU16 = 0xffff;

/** A list of what a codec is for. */
export const listOf = <T>(codec: PlainCodec<T>, most = maxList): PlainCodec<readonly T[]> => ({
  to: (values) => values.map((value) => codec.to(value)),
  from: (value) => fieldsOf({ list: value }, 'ledger').list('list', most, (element) => codec.from(element)),
});

/** Nothing. */
export const nothing: PlainCodec<void> = { to: () => null, from: () => undefined };

export const serverIdCodec: PlainCodec<number> = {
  to: (serverId) => ({ serverId }),
  from: (value) => fieldsOf(value, 'server').whole('serverId', maxU16),
};

export const receiptCodec: PlainCodec<Receipt> = {
  to: ({ serverId, sequence, head }) => ({ serverId, sequence, head }),
  from(value) {
    const fields = fieldsOf(value, 'receipt');
    return {
      serverId: fields.whole('serverId', maxU16),
      sequence: fields.whole('sequence'),
      head: fields.bytes('head', 32),
    };
  },
};

type Owner = Pick<LedgerAccount, 'user' | 'worker'>;

const ownerCodec: PlainCodec<Owner> = {
  to: ({ user, worker }) => ({ user, worker }),
  from(value) {
    const fields = fieldsOf(value, 'account');
    return { user: fields.text('user', maxName), worker: fields.text('worker', maxName) };
  },
};

/** Whose accounts are asked for. */
export const ownersCodec: PlainCodec<{ readonly serverId: number; readonly owners: readonly Owner[] }> = {
  to: ({ serverId, owners }) => ({ serverId, owners: owners.map(ownerCodec.to) }),
  from(value) {
    const fields = fieldsOf(value, 'accounts');
    return {
      serverId: fields.whole('serverId', maxU16),
      owners: fields.list('owners', maxList, ownerCodec.from),
    };
  },
};

export const accountCodec: PlainCodec<LedgerAccount> = {
  to: ({ rejectedByCode, ...account }) => ({ ...account, rejectedByCode: Object.entries(rejectedByCode) }),
  from(value) {
    const fields = fieldsOf(value, 'account');
    const codes = fields.list('rejectedByCode', maxList, (entry): readonly [string, number] => {
      const [code, count] = Array.isArray(entry) ? (entry as readonly unknown[]) : [];
      const own = fieldsOf({ code, count }, 'rejectedByCode');
      return [own.text('code', maxName), own.whole('count')];
    });
    return {
      ...ownerCodec.from(value),
      accepted: fields.whole('accepted'),
      rejected: fields.whole('rejected'),
      rejectedByCode: Object.fromEntries(codes),
      work: fields.big('work'),
      difficultySum: fields.positive('difficultySum'),
      bestDifficulty: fields.positive('bestDifficulty'),
      blocksFound: fields.whole('blocksFound'),
      lastShareAt: fields.whole('lastShareAt'),
    };
  },
};

/** A slot's own number. */
export const slotNumberCodec: PlainCodec<number> = {
  to: (slot) => ({ slot }),
  from: (value) => fieldsOf(value, 'slot').whole('slot'),
};

export const slotCodec: PlainCodec<SlotWork> = {
  to: ({ slot, user, shares, work }) => ({ slot, user, shares, work }),
  from(value) {
    const fields = fieldsOf(value, 'slot');
    return {
      slot: fields.whole('slot'),
      user: fields.text('user', maxName),
      shares: fields.whole('shares'),
      work: fields.big('work'),
    };
  },
};

/** Whose work in which slot is asked for. */
export const slotOfServerCodec: PlainCodec<{ readonly serverId: number; readonly slot: number }> = {
  to: ({ serverId, slot }) => ({ serverId, slot }),
  from(value) {
    const fields = fieldsOf(value, 'slot');
    return { serverId: fields.whole('serverId', maxU16), slot: fields.whole('slot') };
  },
};

/** Characters of a statement at most. */
const maxStatement = 64_000_000;

export const blockCodec: PlainCodec<StoredBlock> = {
  to: ({ hash, height, prevHash = null, state, confirmations, changes, statement }) => ({
    ...{ hash, height, prevHash, state, confirmations },
    changes: [...changes],
    statement: statement === null ? null : JSON.stringify(statement),
  }),
  from(value) {
    const fields = fieldsOf(value, 'block');
    const state = fields.text('state', 16);
    if (state !== 'found' && state !== 'booked' && state !== 'reversed')
      throw invalid('block: state', 'found, booked or reversed', state);
    const changes = fields.list('changes', maxList, (entry): readonly [string, bigint] => {
      const [script, change] = Array.isArray(entry) ? (entry as readonly unknown[]) : [];
      const own = fieldsOf({ script, change }, 'changes');
      return [own.text('script', maxList), own.big('change')];
    });
    return {
      hash: fields.text('hash', 64),
      height: fields.whole('height'),
      ...(fields.value('prevHash') === null ? {} : { prevHash: fields.text('prevHash', 64) }),
      state,
      confirmations: fields.whole('confirmations'),
      changes: new Map(changes),
      statement:
        fields.value('statement') === null ? null : parseStatement(fields.text('statement', maxStatement)),
    };
  },
};

export const commitCodec: PlainCodec<LedgerCommit> = {
  to: ({ before, after, records, time, accounts, slots, blocks }) => ({
    before: receiptCodec.to(before),
    after: receiptCodec.to(after),
    ...{ records, time },
    accounts: accounts.map(accountCodec.to),
    slots: slots.map(slotCodec.to),
    blocks: blocks.map(blockCodec.to),
  }),
  from(value) {
    const fields = fieldsOf(value, 'commit');
    return {
      before: receiptCodec.from(fields.value('before')),
      after: receiptCodec.from(fields.value('after')),
      records: fields.bytes('records', 0, maxRecords),
      time: fields.whole('time'),
      accounts: fields.list('accounts', maxList, accountCodec.from),
      slots: fields.list('slots', maxList, slotCodec.from),
      blocks: fields.list('blocks', maxList, blockCodec.from),
    };
  },
};

/** Records that are asked for, to be sent a few at a time; `cursor` is the front's name for the rest of them. */
export const queryCodec: PlainCodec<{ readonly cursor: number; readonly query: RecordQuery }> = {
  to: ({ cursor, query }) => ({ cursor, user: query.user ?? null, since: query.since ?? null }),
  from(value) {
    const fields = fieldsOf(value, 'query');
    return {
      cursor: fields.whole('cursor'),
      query: {
        ...(fields.value('user') === null ? {} : { user: fields.text('user', maxName) }),
        ...(fields.value('since') === null ? {} : { since: fields.positive('since') }),
      },
    };
  },
};

export const cursorCodec: PlainCodec<number> = {
  to: (cursor) => ({ cursor }),
  from: (value) => fieldsOf(value, 'cursor').whole('cursor'),
};

const recordCodec: PlainCodec<SequencedRecord> = {
  to: ({ sequence, record, receipt }) => ({ sequence, record: encodeRecord(record), receipt }),
  from(value) {
    const fields = fieldsOf(value, 'record');
    const [record, another] = decodeRecords(fields.bytes('record', 1, maxRecords));
    if (record === undefined || another !== undefined) throw invalid('record', 'one', another);
    return { sequence: fields.whole('sequence'), record, receipt: fields.bytes('receipt', 32) };
  },
};

/** Some records, and whether they are the last. */
export const batchCodec: PlainCodec<{
  readonly records: readonly SequencedRecord[];
  readonly isLast: boolean;
}> = {
  to: ({ records, isLast }) => ({ records: records.map(recordCodec.to), isLast }),
  from(value) {
    const fields = fieldsOf(value, 'records');
    return { records: fields.list('records', maxList, recordCodec.from), isLast: fields.flag('isLast') };
  },
};
