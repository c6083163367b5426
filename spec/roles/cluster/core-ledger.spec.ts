/** The ledger of a core that pays by it: what counts, what becomes durable together, and what of a front that has ended. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { asyncScheduler, filter, firstValueFrom, lastValueFrom, Subject, Subscription } from 'rxjs';
import { toDisplayHex } from '../../../src/bitcoin/hash.js';
import { concatBytes } from '../../../src/bitcoin/consensus-bytes.js';
import { buildCoinbase, coinbaseTag } from '../../../src/bitcoin/coinbase.js';
import type { TxOut } from '../../../src/bitcoin/outputs.js';
import {
  auditStatement,
  bookkeeping,
  memoryStore,
  Sv2Error,
  type BlockJournal,
  type LedgerStore,
  type NotedBlock,
  type SequencedRecord,
  type ShareRecord,
} from '../../../src/index.js';
import { coreJournalOf } from '../../../src/roles/cluster/core-journal.js';
import { coreLedger } from '../../../src/roles/cluster/core-ledger.js';
import {
  SolutionFound,
  TemplateArrived,
  TemplatePayout,
  TipArrived,
} from '../../../src/roles/pool/triggers.js';
import type { SiblingEvent } from '../../../src/service/siblings.js';
import { addressOf, planOf, shareOf } from '../../ledger/support.js';
import { prevHashFor, template } from '../../mining/support.js';

let running = new Subscription();
afterEach(() => {
  running.unsubscribe();
  running = new Subscription();
});

const memoryJournal = (): BlockJournal => {
  const all: NotedBlock[] = [];
  return {
    note: (one) => void all.push(one),
    noted: () => [...all],
    clear: () => void all.splice(0),
  };
};

const share = (user: number, serverId: number): ShareRecord =>
  shareOf(addressOf(user), { serverId, time: Date.now() });

/** A core with its template client's half, for which templates come by number. */
const open = async (store: LedgerStore, journal = memoryJournal(), doFrontsLiveOn = false) => {
  const ledger = await coreLedger({
    store,
    journal: coreJournalOf(journal),
    plan: planOf('pplns'),
    confirmations: 2,
    doFrontsLiveOn,
    scheduler: asyncScheduler,
  });
  const fromFronts = new Subject<SiblingEvent>();
  const payouts = new Map<bigint, readonly TxOut[]>();
  const sibling = ledger.sibling({
    trigger$: fromFronts,
    next(trigger) {
      if (TemplatePayout.match(trigger)) payouts.set(trigger.templateId, trigger.shared[0]?.outputs ?? []);
    },
  });
  running.add(sibling.trigger$.subscribe());
  const outputsAt = (id: number): readonly TxOut[] => payouts.get(BigInt(id)) ?? [];
  const give = (id: number): readonly TxOut[] => {
    sibling.next(TemplateArrived(template(id)));
    return outputsAt(id);
  };
  const find = (id: number, of: ShareRecord): string => {
    const { coinbaseTxPrefix, coinbaseTxSuffix } = buildCoinbase(template(id), {
      ...{ tag: coinbaseTag(), fullExtranonceSize: 8, payoutOutputs: outputsAt(id) },
    }).stripped;
    const coinbaseTx = concatBytes([coinbaseTxPrefix, new Uint8Array(8), coinbaseTxSuffix]);
    const solution = { type: 'SubmitSolution', version: 1, headerTimestamp: 2, headerNonce: 3 } as const;
    fromFronts.next(
      SolutionFound(
        {
          ...{ hash: of.hash, header: new Uint8Array(80) },
          solution: { ...solution, templateId: BigInt(id), coinbaseTx },
        },
        { share: of, payment: { kind: 'shared', coinbaseSize: Infinity } },
      ),
    );
    return toDisplayHex(of.hash);
  };
  return { ...ledger, journal, give, find, next: (trigger: SiblingEvent) => sibling.next(trigger) };
};

const recordsOf = async (store: LedgerStore): Promise<SequencedRecord[]> => {
  const all: SequencedRecord[] = [];
  for await (const record of store.records()) all.push(record);
  return all;
};

const hashesOf = async (store: LedgerStore): Promise<string[]> =>
  (await store.blocks()).map(({ hash }) => hash);

/** Whether all statements of a ledger follow from its records, and what the last was shared out by. */
const audited = async (store: LedgerStore): Promise<number> => {
  const records = await recordsOf(store);
  const statements = (await store.blocks()).flatMap(({ statement }) => statement ?? []);
  for (const statement of statements) expect(auditStatement(statement, { records })).toEqual([]);
  return statements.at(-1)?.contributions.reduce((sum, { shares }) => sum + shares, 0) ?? 0;
};

describe("a core's ledger", () => {
  it('takes a block in with the commit that its share is in, whichever is written before', async () => {
    const store = memoryStore();
    const core = await open(store);
    const [one, two] = [await bookkeeping(core.store, 1), await bookkeeping(core.store, 2)];
    await one.write([share(1, 1)]);
    await two.write([share(2, 2)]);
    core.give(1);
    const winner = share(1, 1);
    const hash = core.find(1, winner);
    await two.write([share(2, 2)]);
    await one.write([share(1, 1)]);
    expect(await hashesOf(store)).toEqual([]);
    expect(core.journal.noted()).toHaveLength(1);
    await one.write([winner, share(1, 1)]);
    expect(await hashesOf(store)).toEqual([hash]);
    expect(core.journal.noted()).toEqual([]);
    expect(await audited(store)).toBe(2);
  });

  it('counts a commit once that is tried again, and one whose success nobody heard of with the next', async () => {
    const store = memoryStore();
    let unheard = 0;
    const core = await open({
      ...store,
      async commit(commit) {
        await store.commit(commit);
        if (unheard-- > 0) throw new Sv2Error('ledger-unavailable', 'the line broke');
      },
    });
    unheard = 1;
    const books = await bookkeeping(core.store, 1);
    const records = [share(1, 1), share(1, 1)];
    await expect(books.write(records)).rejects.toThrow('the line broke');
    await books.write(records);
    unheard = 1;
    await expect(books.write([share(2, 1)])).rejects.toThrow('the line broke');
    // its front has ended meanwhile; the next goes on from where the store is
    const next = await bookkeeping(core.store, 1);
    await next.write([share(3, 1)]);
    core.give(1);
    const winner = share(3, 1);
    core.find(1, winner);
    await next.write([winner]);
    expect(await audited(store)).toBe(4);
  });

  it('writes the block of a front that has ended before it could, and its share, once', async () => {
    const store = memoryStore();
    const core = await open(store);
    core.give(1);
    const winner = share(1, 7);
    const hash = core.find(1, winner);
    await lastValueFrom(core.frontEnded(6), { defaultValue: null }); // another's
    expect(await hashesOf(store)).toEqual([]);
    await lastValueFrom(core.frontEnded(7), { defaultValue: null });
    await lastValueFrom(core.frontEnded(7), { defaultValue: null });
    expect(await hashesOf(store)).toEqual([hash]);
    expect((await recordsOf(store)).map(({ record }) => record)).toEqual([winner]);
    expect(core.journal.noted()).toEqual([]);
  });

  it('has the blocks of fronts that it did not write before it ended', async () => {
    const store = memoryStore();
    const journal = memoryJournal();
    const core = await open(
      { ...store, commit: () => Promise.reject(new Sv2Error('ledger-unavailable', 'away')) },
      journal,
    );
    core.give(1);
    const winners = [share(1, 3), share(2, 4)];
    const hashes = winners.map((winner) => core.find(1, winner));
    await lastValueFrom(core.frontEnded(3), { defaultValue: null }); // not started: it does not wait
    expect(await hashesOf(store)).toEqual([]);
    await open(store, journal);
    expect(await hashesOf(store)).toEqual(hashes);
    expect((await store.receipts()).map(({ serverId, sequence }) => [serverId, sequence])).toEqual([
      [3, 1],
      [4, 1],
    ]);
    expect(journal.noted()).toEqual([]);
  });

  it('has the blocks that a core before has noted and no front has written: with their commits, or when their fronts are gone', async () => {
    const store = memoryStore();
    const journal = memoryJournal();
    const before = await open(store, journal, true);
    before.give(1);
    const winners = [share(1, 3), share(2, 4), share(3, 5)] as const;
    const hashes = winners.map((winner) => before.find(1, winner));
    expect(await hashesOf(store)).toEqual([]);

    const core = await open(store, journal, true);
    expect(journal.noted()).toHaveLength(3);
    // it is handed the same block again, as nobody has said what became of it
    core.give(1);
    core.find(1, winners[0]);
    expect(journal.noted()).toHaveLength(3);
    const living = await bookkeeping(core.store, 3);
    await living.write([winners[0]]);
    expect(await hashesOf(store)).toEqual(hashes.slice(0, 1));
    await lastValueFrom(core.frontEnded(4), { defaultValue: null });
    expect(await hashesOf(store)).toEqual(hashes.slice(0, 2));
    expect(journal.noted()).toHaveLength(3);
    await lastValueFrom(core.frontEnded(5), { defaultValue: null });
    expect(await hashesOf(store)).toEqual(hashes);
    expect((await recordsOf(store)).map(({ record }) => record)).toEqual(winners);
    expect(journal.noted()).toEqual([]);
  });

  it('takes a block in that comes behind the commit that its share is in, and credits that once', async () => {
    const store = memoryStore();
    const core = await open(store);
    core.give(1);
    const [first, second] = [share(1, 1), share(2, 2)];
    const [one, two] = [await bookkeeping(core.store, 1), await bookkeeping(core.store, 2)];
    await one.write([first]);
    await two.write([second]);
    const hashes = [core.find(1, first), core.find(1, second)];
    await lastValueFrom(core.frontEnded(1), { defaultValue: null });
    await core.written();
    expect(await hashesOf(store)).toEqual(hashes);
    expect((await recordsOf(store)).map(({ record }) => record)).toEqual([first, second]);
    expect(core.journal.noted()).toEqual([]);
  });

  it('books a block that is deep enough, and tells of it', async () => {
    const store = memoryStore();
    const core = await open(store);
    core.give(1);
    const height = 10_000; // of the template
    const winner = { ...share(1, 1), height };
    const hash = core.find(1, winner);
    await (await bookkeeping(core.store, 1)).write([winner]);
    const booked = firstValueFrom(core.start().pipe(filter(({ type }) => type === 'PayoutBooked')));
    const templateAt = (id: number, of: number) =>
      template(id, { coinbasePrefix: Uint8Array.of(2, of & 0xff, of >> 8) });
    for (const [id, of, prevHash] of [
      [2, height + 1, winner.hash],
      [3, height + 2, new Uint8Array(32).fill(9)],
    ] as const) {
      core.next(TemplateArrived(templateAt(id, of)));
      core.next(TipArrived(prevHashFor(id, { prevHash })));
    }
    expect(await booked).toMatchObject({ type: 'PayoutBooked', hash });
    expect((await store.blocks()).map(({ state }) => state)).toEqual(['booked']);
  });
});
