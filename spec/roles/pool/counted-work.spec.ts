import { describe, expect, it } from '@jest/globals';
import {
  bookkeeping,
  memoryStore,
  networkWorkOf,
  pplnsWindow,
  slotOf,
  type FrozenPayout,
} from '../../../src/index.js';
import { countedWork, type Counted } from '../../../src/roles/pool/counted-work.js';
import { payoutHistory } from '../../../src/roles/pool/payout-history.js';
import { addressOf, planOf, shareOf } from '../../ledger/support.js';

const plan = planOf('pplns');
const empty = { slots: [], rounds: [], roundsSince: [], blocks: [], receipts: [], nbits: null };

/** As a template's payout is settled. */
const settled = (counted: Counted, windowWork: bigint): FrozenPayout =>
  ({ windowWork, window: counted.window(windowWork) }) as unknown as FrozenPayout;

/** How far back all work reaches that is kept, and what it is. */
const keptIn = (counted: Counted) => {
  const { oldestSlot, contributions } = counted.window(1_000_000n);
  return { oldestSlot, contributions };
};

describe('the work that a window may need', () => {
  it('is kept as far back as four windows reach, by those who share, and no further', () => {
    const work = countedWork(plan, empty, (user) => user !== 'solo');
    for (let slot = 0; slot < 100; slot++) {
      work.add([
        { slot, user: 'alice', shares: 1, work: 10n },
        { slot, user: 'solo', shares: 1, work: 1_000n },
      ]);
      const counted = work.now([]);
      const payout = settled(counted, 100n);
      // nothing of it has changed what counts
      expect(settled(work.now([]), 100n).window).toEqual(payout.window);
    }
    expect(keptIn(work.now([]))).toMatchObject({
      oldestSlot: 60,
      contributions: [{ user: 'alice', shares: 40, work: 400n }],
    });
  });

  it('is all there is while there is less', () => {
    const work = countedWork(plan, empty, () => true);
    for (let slot = 0; slot < 39; slot++) work.add([{ slot, user: 'alice', shares: 1, work: 10n }]);
    const counted = work.now([]);
    settled(counted, 100n);
    expect(keptIn(work.now([]))).toMatchObject({ oldestSlot: 0, contributions: [{ shares: 39 }] });
  });

  it('is what a pool reads when it starts, however long its past', async () => {
    const store = memoryStore();
    const books = await bookkeeping(store, 1);
    const day = 86_400_000;
    const now = 1_764_000_000_000;
    const user = addressOf(1);
    const nbits = 0x1d00ffff;
    for (let age = 400; age > 0; age--) {
      const difficulty = age === 1 ? 0.25 : 1; // of which 16 are four windows of four blocks
      await books.write([
        shareOf(user, { time: now - age * day, nbits, difficulty }),
        shareOf(`sri/solo/${user}`, { time: now - age * day, nbits, difficulty: 1_000 }),
      ]);
    }
    const asked: (number | undefined)[] = [];
    const counting: typeof store = {
      ...store,
      slots: (since) => {
        asked.push(since);
        return store.slots(since);
      },
    };
    const { slots, nbits: found } = await payoutHistory(counting, plan, now);
    expect(found).toBe(nbits);
    const needed = 4n * pplnsWindow(plan.windowMultiple, networkWorkOf(nbits));
    const shared = slots.filter((entry) => entry.user === user);
    expect(shared.reduce((sum, { work }) => sum + work, 0n)).toBeGreaterThanOrEqual(needed);
    expect(shared.length).toBeLessThan(40);
    expect(asked.at(-1)).toBe(slotOf(now - 32 * day));
  });

  it('is found, however long a pool was away', async () => {
    const store = memoryStore();
    const time = 1_764_000_000_000;
    await (await bookkeeping(store, 1)).write([shareOf(addressOf(1), { time })]);
    const { slots, nbits } = await payoutHistory(store, plan, time + 3_000 * 86_400_000);
    expect(slots).toHaveLength(1);
    expect(nbits).toBe(0x1d00ffff);
    expect(await payoutHistory(memoryStore(), plan, time)).toMatchObject({ slots: [], nbits: null });
  });
});
