import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { memoryStore, type LedgerStore, type NotedBlock, type ShareRecord } from '../../../src/index.js';
import { blockJournal } from '../../../src/node.js';
import { openBooks } from '../../../src/roles/pool/pool-ledger.js';
import { toDisplayHex } from '../../../src/bitcoin/hash.js';
import { shareOf } from '../../ledger/support.js';

const folder = mkdtempSync(join(tmpdir(), 'rx-sv2-journal-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = (): string => join(folder, 'sub', `${(files += 1)}.ledger.sqlite-blocks-0`);

const noted = (user: string): NotedBlock & { readonly record: ShareRecord } => {
  const record = shareOf(user, { serverId: 0 });
  return {
    record,
    block: {
      ...{
        hash: toDisplayHex(record.hash),
        height: 900_000,
        state: 'found',
        confirmations: 0,
        statement: null,
      },
      changes: new Map([
        ['51', 7n],
        ['52', -7n],
      ]),
    },
  };
};

describe('blocks on their way to a ledger', () => {
  it('are there for whoever opens the file next, until they are cleared', () => {
    const file = newFile();
    const [first, second] = [noted('alice'), noted('bob')];
    const journal = blockJournal(file);
    expect(journal.noted()).toEqual([]);
    journal.note(first);
    journal.note(second);
    expect(blockJournal(file).noted()).toEqual([first, second]);
    journal.clear();
    expect(blockJournal(file).noted()).toEqual([]);
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  it('are all there but one that was cut short, which never went out; another can be noted after it', () => {
    const file = newFile();
    const journal = blockJournal(file);
    const [first, second, third] = [noted('alice'), noted('bob'), noted('carol')];
    journal.note(first);
    journal.note(second);
    truncateSync(file, readFileSync(file).length - 20);
    expect(journal.noted()).toEqual([first]);
    journal.note(third);
    expect(blockJournal(file).noted()).toEqual([first, third]);
    appendFileSync(file, '{"hash":"00"}\n[]\nnull\n');
    expect(blockJournal(file).noted()).toEqual([first, third]);
  });

  it('that cannot be noted are said so, with the file', () => {
    expect(() => blockJournal('/dev/null/x')).toThrow(
      expect.objectContaining({
        code: 'journal-unavailable',
        message: expect.stringContaining('/dev/null/x'),
      }),
    );
  });

  it('are in the ledger once a pool starts, each with its share, and each once', async () => {
    const journal = blockJournal(newFile());
    const store = memoryStore();
    const [lost, known] = [noted('alice'), noted('bob')];
    const { books } = await openBooks({ store, journal }, 0, () => lost.record.time);
    await books.write([known.record], [{ ...known.block, state: 'booked' }]);
    journal.note(lost);
    journal.note(known);
    journal.note(lost);

    const credited = async (where: LedgerStore) =>
      (await where.accounts()).map(({ user, accepted }) => [user, accepted]);
    for (let start = 0; start < 2; start++) {
      const { alreadySeen } = await openBooks({ store, journal }, 0, () => lost.record.time);
      expect(alreadySeen.has(lost.record.hash)).toBe(true);
      expect(await credited(store)).toEqual([
        ['alice', 1],
        ['bob', 1],
      ]);
      expect((await store.blocks()).map(({ hash, state }) => [hash, state])).toEqual([
        [known.block.hash, 'booked'],
        [lost.block.hash, 'found'],
      ]);
      expect(journal.noted()).toEqual([]);
    }
  });

  it('are in the ledger without a share where that had not come, as when a client pushes one', async () => {
    const file = newFile();
    const store = memoryStore();
    const { record, block } = noted('alice');
    const pushed = { block, record: null };
    blockJournal(file).note(pushed);
    const journal = blockJournal(file);
    expect(journal.noted()).toEqual([pushed]);
    await openBooks({ store, journal }, 0, () => record.time);
    expect(await store.blocks()).toEqual([block]);
    expect(await store.accounts()).toEqual([]);
    expect(journal.noted()).toEqual([]);
  });

  it('stay noted while the ledger cannot be written', async () => {
    const journal = blockJournal(newFile());
    const store = memoryStore();
    const lost = noted('alice');
    journal.note(lost);
    const away = { ...store, commit: () => Promise.reject(new Error('away')) };
    await expect(openBooks({ store: away, journal }, 0, () => lost.record.time)).rejects.toThrow('away');
    expect(journal.noted()).toEqual([lost]);
  });
});
