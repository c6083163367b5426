import { afterEach, describe, expect, it } from '@jest/globals';
import { filter, firstValueFrom, merge, ReplaySubject, type Subscription } from 'rxjs';
import { toDisplayHex } from '../../../src/bitcoin/hash.js';
import {
  memoryStore,
  Sv2Error,
  type BlockJournal,
  type LedgerStore,
  type NotedBlock,
  type PoolOutcome,
} from '../../../src/index.js';
import { memoryNetwork } from '../../../src/testing/memory.js';
import { addressOf, planOf } from '../../ledger/support.js';
import { memoryMiner, memoryPool, memoryTemplateProvider } from '../support.js';

let running: Subscription | undefined;
afterEach(() => running?.unsubscribe());

/** A journal in memory, whose notes can fail. */
const memoryJournal = (error?: Sv2Error): BlockJournal => {
  let all: NotedBlock[] = [];
  return {
    note(noted) {
      if (error !== undefined) throw error;
      all.push(noted);
    },
    noted: () => all,
    clear() {
      all = [];
    },
  };
};

/** A pool at which blocks are found, one in 2^12 hashes. */
const start = (store: LedgerStore, journal: BlockJournal) => {
  const network = memoryNetwork();
  const pool = memoryPool(network, {
    sharesPerMinute: 600,
    ledger: { store, journal, payout: planOf('pplns'), confirmations: 3 },
  });
  const outcome$ = new ReplaySubject<PoolOutcome>(10_000);
  running = merge(
    memoryTemplateProvider(network, { nbits: 0x1f0fffff }).start(),
    memoryMiner(network, { userIdentity: addressOf(1), hashRate: 3_000 }).start(),
  ).subscribe();
  running.add(pool.start().subscribe(outcome$));
  const first = <T extends PoolOutcome['type']>(type: T) =>
    firstValueFrom(
      outcome$.pipe(
        filter((outcome): outcome is Extract<PoolOutcome, { readonly type: T }> => outcome.type === type),
      ),
    );
  return { pool, first };
};

describe('a block that is found', () => {
  it('is noted before anybody hears of it, and in the ledger after a start though that was away', async () => {
    const store = memoryStore();
    const journal = memoryJournal();
    const away = { ...store, commit: () => Promise.reject(new Sv2Error('ledger-unavailable', 'away')) };
    const { pool, first } = start(away, journal);
    const { hash } = await first('BlockFound');
    const shown = toDisplayHex(hash);
    expect(journal.noted().map(({ block }) => block.hash)).toContain(shown);
    running?.unsubscribe();
    await pool.written();
    expect(await store.blocks()).toEqual([]);

    const again = start(store, journal);
    await again.first('NewTip');
    expect(journal.noted()).toEqual([]);
    expect((await store.blocks()).map((block) => block.hash)).toContain(shown);
    const [account] = await store.accounts();
    expect(account).toMatchObject({ user: addressOf(1), blocksFound: expect.any(Number) });
    expect(account?.blocksFound).toBeGreaterThan(0);
  });

  it('is noted no more once it is in the ledger', async () => {
    const store = memoryStore();
    const journal = memoryJournal();
    const { first } = start(store, journal);
    await first('PayoutBooked');
    running?.unsubscribe();
    const known = new Set((await store.blocks()).map(({ hash }) => hash));
    expect(known.size).toBeGreaterThan(0);
    expect(journal.noted().length).toBeLessThan(known.size);
  });

  it('goes out though it cannot be noted, which is told', async () => {
    const full = new Sv2Error('journal-unavailable', 'the disk is full');
    const { first } = start(memoryStore(), memoryJournal(full));
    expect(await first('BlockNotNoted')).toEqual({
      type: 'BlockNotNoted',
      hash: expect.stringMatching(/^0000?[0-9a-f]{60,61}$/),
      message: 'the disk is full',
    });
    await first('PayoutBooked');
  });
});
