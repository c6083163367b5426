/** A ledger in memory whose records are bounded: what is known of those that are gone. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  bookkeeping,
  memoryStore,
  nextHead,
  encodeRecord,
  type LedgerStore,
  type SequencedRecord,
} from '../../src/index.js';
import { addressOf, seeded, shareOf } from './support.js';

const recordsOf = async (store: LedgerStore): Promise<SequencedRecord[]> => {
  const all: SequencedRecord[] = [];
  for await (const record of store.records()) all.push(record);
  return all;
};

describe('a ledger in memory', () => {
  it('keeps the last records, each with its receipt, and of all others what they have come to', async () => {
    let forgotten = 0;
    const commit = fc.record({
      server: fc.integer({ min: 1, max: 2 }),
      users: fc.array(fc.nat(3), { minLength: 1, maxLength: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(commit, { maxLength: 12 }),
        fc.integer({ min: 1, max: 20 }),
        async (commits, maxRecords) => {
          const [bounded, whole] = [memoryStore({ maxRecords }), memoryStore()];
          for (const [index, { server, users }] of commits.entries()) {
            const records = users.map((user) =>
              shareOf(addressOf(user), { serverId: server, time: 1_764_000_000_000 + 60_000 * index }),
            );
            for (const store of [bounded, whole]) await (await bookkeeping(store, server)).write(records);
          }
          const [kept, all] = [await recordsOf(bounded), await recordsOf(whole)];
          const last = commits.at(-1)?.users.length ?? 0;
          expect(kept.length).toBeLessThanOrEqual(Math.max(maxRecords, last));
          expect(kept.length).toBeGreaterThanOrEqual(Math.min(all.length, last));
          // no more is gone than has to be: another commit would be too much
          forgotten += all.length - kept.length;
          for (const server of [1, 2]) {
            const [own, ofAll] = [kept, all].map((records) =>
              records.filter(({ record }) => record.serverId === server),
            ) as [SequencedRecord[], SequencedRecord[]];
            expect(own).toEqual(ofAll.slice(ofAll.length - own.length));
            own
              .slice(1)
              .forEach(({ record, receipt }, index) =>
                expect(receipt).toEqual(nextHead(own[index]?.receipt ?? receipt, encodeRecord(record))),
              );
          }
          expect(await bounded.receipts()).toEqual(await whole.receipts());
          expect(await bounded.accounts()).toEqual(await whole.accounts());
          expect(await bounded.slots()).toEqual(await whole.slots());
        },
      ),
      seeded,
    );
    expect(forgotten).toBeGreaterThan(100);
  });
});
