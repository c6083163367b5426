/** What a server's books come to where nobody knows what became of a commit. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bookkeeping, memoryStore, Sv2Error, type LedgerRecord, type LedgerStore } from '../../src/index.js';
import { addressOf, seeded, shareOf } from './support.js';

/** What becomes of an attempt to commit; `later`: it is done when the store is asked for something the next time. */
type Fate = 'done' | 'refused' | 'done, and nobody knows' | 'later';
const fates: readonly Fate[] = ['done', 'refused', 'done, and nobody knows', 'later'];

/** A store of whose commits not all are heard of again. */
function unsureStore(store: LedgerStore, fateOf: () => Fate): LedgerStore {
  let late: () => Promise<void> = () => Promise.resolve();
  const arrive = async (): Promise<void> => {
    const arriving = late;
    late = () => Promise.resolve();
    await arriving();
  };
  return {
    ...store,
    async receipt(serverId) {
      await arrive();
      return store.receipt(serverId);
    },
    async serverAccounts(serverId, owners) {
      await arrive();
      return store.serverAccounts(serverId, owners);
    },
    async serverSlot(serverId, slot) {
      await arrive();
      return store.serverSlot(serverId, slot);
    },
    async commit(commit) {
      await arrive();
      const fate = fateOf();
      if (fate === 'later') late = () => store.commit(commit);
      else if (fate !== 'refused') await store.commit(commit);
      if (fate !== 'done') throw new Sv2Error('ledger-unavailable', fate);
    },
  };
}

const start = 1_764_000_000_000;

describe('books whose commits nobody hears of', () => {
  it('count every record once, however often it has to be tried again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            users: fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }),
            minutes: fc.integer({ min: 0, max: 15 }),
            attempts: fc.array(fc.constantFrom(...fates), { maxLength: 3 }),
          }),
          { maxLength: 10 },
        ),
        async (writes) => {
          const [store, sure] = [memoryStore(), memoryStore()];
          let attempts: Fate[] = [];
          const books = await bookkeeping(
            unsureStore(store, () => attempts.shift() ?? 'done'),
            1,
          );
          const right = await bookkeeping(sure, 1);
          let time = start;
          for (const { users, minutes, attempts: own } of writes) {
            time += 60_000 * minutes;
            const records: LedgerRecord[] = users.map((user) => shareOf(addressOf(user), { time }));
            attempts = [...own];
            await right.write(records);
            for (let isWritten = false; !isWritten;)
              isWritten = await books.write(records.map((record) => ({ ...record }))).then(
                () => true,
                () => false,
              );
          }
          expect(books.receipt).toEqual(right.receipt);
          expect(await store.accounts()).toEqual(await sure.accounts());
          expect(await store.slots()).toEqual(await sure.slots());
        },
      ),
      seeded,
    );
  });

  it.each(['done, and nobody knows', 'refused'] as const)('go on with others: %s', async (fate) => {
    const [store, sure] = [memoryStore(), memoryStore()];
    const attempts: Fate[] = [fate];
    const books = await bookkeeping(
      unsureStore(store, () => attempts.shift() ?? 'done'),
      1,
    );
    const [alice, bob] = [shareOf('alice', { time: start }), shareOf('bob', { time: start + 1 })];
    await expect(books.write([alice])).rejects.toThrow(fate);
    await books.write([bob]);
    await books.write([alice]);
    const right = await bookkeeping(sure, 1);
    for (const one of fate === 'refused' ? [bob, alice] : [alice, bob, alice]) await right.write([one]);
    expect(await store.accounts()).toEqual(await sure.accounts());
    expect(books.receipt).toEqual(right.receipt);
  });
});
