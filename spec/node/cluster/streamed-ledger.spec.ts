import { afterEach, describe, expect, it } from '@jest/globals';
import { Subscription, VirtualTimeScheduler } from 'rxjs';
import { Sv2Error } from '../../../src/codec/errors.js';
import { bookkeeping, memoryStore, type LedgerCommit, type LedgerStore } from '../../../src/index.js';
import { streamedLedger, writtenFromQueue } from '../../../src/node/cluster/streamed-ledger.js';
import { shareOf } from '../../ledger/support.js';
import { memoryBroker } from './memory-bus.js';
import { memoryQueue } from './memory-queue.js';

let running = new Subscription();
afterEach(() => {
  running.unsubscribe();
  running = new Subscription();
});

/** A front's ledger and cores that come and go. */
const site = (store: LedgerStore = memoryStore()) => {
  const connect = memoryBroker();
  const queue = memoryQueue();
  const [coreBus, frontBus] = [connect(), connect()];
  const scheduler = new VirtualTimeScheduler();
  const ledger = streamedLedger({ cluster: 'spec', bus: frontBus, queue, scheduler }, store);
  return {
    ...{ queue, coreBus, ledger, store, scheduler },
    startCore(own: Pick<LedgerStore, 'commit' | 'receipt'> = store): Subscription {
      const core = writtenFromQueue({ cluster: 'spec', bus: coreBus, queue, scheduler }, own).subscribe();
      running.add(core);
      return core;
    },
  };
};

/** What all that is under way comes to, unless it waits for time. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a ledger whose commits are kept on their way', () => {
  it('has written when a core has, though none was there when it was asked', async () => {
    const { queue, ledger, store, startCore } = site();
    const opening = bookkeeping(ledger, 1);
    await settled();
    expect(queue.ids).toHaveLength(1);
    startCore();
    const books = await opening;
    await books.write([shareOf('alice'), shareOf('bob')]);
    await books.write([shareOf('alice')]);
    expect((await store.accounts()).map(({ user, accepted }) => [user, accepted])).toEqual([
      ['alice', 2],
      ['bob', 1],
    ]);
    expect(queue.ids).toEqual([]);
  });

  it('goes on with another core where one ended in the middle, and counts once what that had written', async () => {
    const { queue, ledger, store, startCore } = site();
    const first = startCore({
      ...store,
      async commit(commit) {
        await store.commit(commit);
        first.unsubscribe(); // it is killed before it can say so
        throw new Error('killed');
      },
    });
    const books = await bookkeeping(ledger, 1);
    const writing = books.write([shareOf('alice')]);
    await settled();
    expect(queue.ids).toHaveLength(1);
    startCore();
    await writing;
    expect((await store.accounts())[0]).toMatchObject({ accepted: 1 });
    expect(queue.ids).toEqual([]);
  });

  it('is told that there is no core, and what it has tried again counts once, also when its answer was lost', async () => {
    const { queue, coreBus, ledger, store, scheduler, startCore } = site();
    const core = startCore();
    const books = await bookkeeping(ledger, 1);
    coreBus.isCut = true; // written, and the answer lost
    const share = shareOf('alice');
    const failed = expect(books.write([share])).rejects.toMatchObject({ code: 'ledger-unavailable' });
    await settled();
    scheduler.flush();
    await failed;
    expect((await store.receipt(1)).sequence).toBe(1);
    coreBus.isCut = false;
    await books.write([share]);
    expect((await store.receipt(1)).sequence).toBe(1);

    core.unsubscribe(); // kept, and not written
    const another = shareOf('bob');
    const waiting = expect(books.write([another])).rejects.toMatchObject({ code: 'ledger-unavailable' });
    await settled();
    scheduler.flush();
    await waiting;
    startCore();
    await books.write([another]);
    expect((await store.receipt(1)).sequence).toBe(2);
    expect(queue.ids).toEqual([]);
  });

  it('is tried again while the store cannot be written, and refused where somebody else writes for the server', async () => {
    let isFull = true;
    const { ledger, store, scheduler, startCore } = site();
    startCore({
      ...store,
      commit: (commit: LedgerCommit) =>
        isFull ? Promise.reject(new Sv2Error('ledger-unavailable', 'full')) : store.commit(commit),
    });
    const books = await bookkeeping(ledger, 1);
    const writing = books.write([shareOf('alice')]);
    await settled();
    isFull = false;
    scheduler.maxFrames = 1_000; // a second: what is left of the answer's time is not used
    scheduler.flush();
    await writing;

    const other = await bookkeeping(store, 1);
    await other.write([shareOf('mallory')]);
    await expect(books.write([shareOf('alice')])).rejects.toMatchObject({ code: 'ledger-conflict' });
    await expect(ledger.receipt(1)).resolves.toMatchObject({ sequence: 2 });
  });

  it('is done with what comes once more after what is behind it', async () => {
    const { queue, ledger, store, startCore } = site();
    const commits: LedgerCommit[] = [];
    startCore({
      ...store,
      commit(commit) {
        commits.push(commit);
        return store.commit(commit);
      },
    });
    const books = await bookkeeping(ledger, 1);
    await books.write([shareOf('alice')]);
    await books.write([shareOf('alice')]);
    const [first] = commits as [LedgerCommit];
    // the front that it is of would be told that its chain has gone on
    await expect(
      ledger.commit({ ...first, after: { ...first.after, head: new Uint8Array(32) } }),
    ).rejects.toMatchObject({ code: 'ledger-conflict' });
    expect((await store.accounts())[0]).toMatchObject({ accepted: 2 });
    expect(queue.ids).toEqual([]);
  });
});
