import { afterEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom, ReplaySubject, take, toArray, VirtualTimeScheduler, type Subscription } from 'rxjs';
import { bookkeeping, memoryStore, type LedgerStore } from '../../../src/index.js';
import { Sv2Error } from '../../../src/codec/index.js';
import { portLedger, servedLedger } from '../../../src/roles/cluster/port-ledger.js';
import type { Port } from '../../../src/roles/cluster/port.js';
import { memoryPorts } from '../../../src/testing/memory-ports.js';
import { shareOf } from '../../ledger/support.js';

let running: Subscription | undefined;
afterEach(() => running?.unsubscribe());

/** A front's store, what it is served from, and the way between them. */
const served = (store: LedgerStore, serverId = 1) => {
  const { ends, cut } = memoryPorts();
  const [core, front] = ends;
  running = servedLedger(core, store, (id) => id === serverId).subscribe();
  return { core, front, cut, ledger: portLedger(front) };
};

/** A store whose commits wait until they are let go, one by one. */
const slowStore = () => {
  const store = memoryStore();
  const begun$ = new ReplaySubject<() => void>(10);
  return {
    /** Emits what lets a commit go, when it has begun. */
    begun$,
    store: {
      ...store,
      commit: (commit) =>
        new Promise<void>((resolve, reject) =>
          begun$.next(() => void store.commit(commit).then(resolve, reject)),
        ),
    } satisfies LedgerStore,
  };
};

describe("a front's ledger, which its core keeps", () => {
  it('has written when the core has, not before', async () => {
    const { store, begun$ } = slowStore();
    const { ledger } = served(store);
    const books = await bookkeeping(ledger, 1);
    let isWritten = false;
    const writing = books.write([shareOf('alice')]).then(() => (isWritten = true));
    const letGo = await firstValueFrom(begun$);
    await Promise.all([ledger.blocks(), ledger.receipts()]); // others are answered meanwhile
    expect(isWritten).toBe(false);
    letGo();
    await writing;
    expect((await store.receipt(1)).sequence).toBe(1);
  });

  it('fails as the store does, with its words', async () => {
    const store = memoryStore();
    const full = new Sv2Error('ledger-unavailable', 'there is no room on the disk');
    const { ledger } = served({
      ...store,
      commit: () => Promise.reject(full),
      slots: () => Promise.reject(new Error('a bug')),
    });
    const books = await bookkeeping(ledger, 1);
    await expect(books.write([shareOf('alice')])).rejects.toMatchObject({
      code: full.code,
      message: full.message,
    });
    await expect(ledger.slots()).rejects.toMatchObject({ code: 'unexpected', message: 'a bug' });
  });

  it('is written for its own server id alone', async () => {
    const store = memoryStore();
    const { ledger } = served(store, 7);
    const books = await bookkeeping(ledger, 8);
    await expect(books.write([shareOf('alice', { serverId: 8 })])).rejects.toMatchObject({
      code: 'ledger-conflict',
    });
    expect(await store.receipts()).toEqual([]);
  });

  it('is unavailable once the core is gone, and a write that was under way counts once when it is tried again', async () => {
    const { store, begun$ } = slowStore();
    const { ledger, cut } = served(store);
    const records = [shareOf('alice'), shareOf('bob')];
    const books = await bookkeeping(ledger, 1);
    const lost = books.write(records);
    const letGo = await firstValueFrom(begun$);
    cut();
    await expect(lost).rejects.toMatchObject({ code: 'ledger-unavailable' });
    await expect(ledger.blocks()).rejects.toMatchObject({ code: 'ledger-unavailable' });
    letGo();
    await expect(books.write(records)).rejects.toMatchObject({ code: 'ledger-unavailable' });

    const again = served(store);
    const later = await bookkeeping(again.ledger, 1);
    expect(later.receipt.sequence).toBe(2);
    expect((await store.accounts()).map(({ user, accepted }) => [user, accepted])).toEqual([
      ['alice', 1],
      ['bob', 1],
    ]);
  });

  it('gives up on a core that does not answer for 30 s, and has no more than 64 questions open', async () => {
    const sent: unknown[] = [];
    const deaf: Port = { ...memoryPorts().ends[0], send: (value) => sent.push(value) };
    const clock = new VirtualTimeScheduler();
    const ledger = portLedger(deaf, { scheduler: clock });
    const errors: unknown[] = [];
    const questions = Array.from({ length: 65 }, () =>
      ledger.blocks().catch((error: unknown) => errors.push(error)),
    );
    await questions[64];
    expect(errors).toEqual([
      expect.objectContaining({ message: expect.stringContaining('64 questions') as unknown }),
    ]);
    clock.maxFrames = 29_999;
    clock.flush();
    await Promise.resolve();
    expect(errors).toHaveLength(1);
    clock.maxFrames = 30_000;
    clock.flush();
    await Promise.all(questions);
    expect(errors).toEqual(
      errors.map(() => expect.objectContaining({ code: 'ledger-unavailable' }) as unknown),
    );
    expect([errors.length, sent.length]).toEqual([65, 64]);
    const next = ledger.blocks().catch(() => undefined);
    expect(sent).toHaveLength(65);
    clock.maxFrames = Infinity;
    clock.flush();
    await next;
  });

  it('refuses questions that are none, and goes on', async () => {
    const { front, ledger } = served(memoryStore());
    const answer$ = new ReplaySubject<unknown>(10);
    running?.add(front.message$.subscribe(answer$));
    const question = { type: 'ledger-question', version: 1, name: 'receipt', asked: { serverId: 1 } };
    const wrong = [
      { ...question, id: 1001, version: 2 },
      { ...question, id: 1002, name: 'constructor' },
      { ...question, id: 1003, asked: { serverId: 65_536 } },
      { ...question, id: 1004, name: 'saveBlocks', asked: [{ hash: 'ab', height: 1, state: 'spent' }] },
    ];
    for (const value of wrong) front.send(value);
    expect(await ledger.receipt(1)).toMatchObject({ sequence: 0 });
    const answers = await firstValueFrom(answer$.pipe(take(4), toArray()));
    expect(answers).toEqual(
      [
        ['cluster-version', 'question: of version 2; expected 1: fronts and core have to be of one release'],
        ['invalid-cluster-message', 'there is no question "constructor"'],
        ['invalid-cluster-message', 'server: serverId: expected a whole number from 0 to 65535, got 65536'],
        ['invalid-cluster-message', 'block: state: expected found, booked or reversed, got "spent"'],
      ].map(([code, message], index) => ({ type: 'ledger-answer', id: 1001 + index, code, message })),
    );
  });

  it('is read a few records at a time, and no further than anybody wants', async () => {
    const store = memoryStore();
    const books = await bookkeeping(store, 1);
    const records = Array.from({ length: 1_700 }, () => shareOf('alice'));
    for (let from = 0; from < records.length; from += 100) await books.write(records.slice(from, from + 100));
    let read = 0;
    let ended = 0;
    const { ledger } = served({
      ...store,
      async *records(query) {
        try {
          for await (const record of store.records(query)) {
            read += 1;
            yield record;
          }
        } finally {
          ended += 1;
        }
      },
    });
    const all: unknown[] = [];
    for await (const { record } of ledger.records({ user: 'alice' })) all.push(record);
    expect(all).toEqual(records);
    expect([read, ended]).toEqual([1_700, 1]);
    for await (const { sequence } of ledger.records()) if (sequence === 3) break;
    expect([read, ended]).toEqual([2_200, 2]);
  });
});
