import { expect, it } from '@jest/globals';
import { bookkeeping, memoryStore, type ShareRecord } from '../../../src/index.js';
import { openBooks } from '../../../src/roles/pool/pool-ledger.js';
import {
  mineShare,
  NOW,
  openExtended,
  outcomeOf,
  prevHashFor,
  sentTo,
  server,
  template,
  wireChannel,
} from '../../mining/support.js';
import { shareOf } from '../../ledger/support.js';

it('a share that comes again after a restart is a duplicate, and one that was not there is not', async () => {
  const store = memoryStore();
  /** The same jobs and extranonces as before: marks and prefixes are not what protects here. */
  const start = async () => {
    const { books, alreadySeen } = await openBooks({ store }, 1, () => NOW);
    const mining = server({ alreadySeen });
    mining.newTemplate(template(1));
    mining.setNewPrevHash(prevHashFor(1), NOW);
    return { books, ...wireChannel(mining, openExtended()) };
  };
  const before = await start();
  const first = mineShare(before.channel);
  const accepted = outcomeOf(before.send(first.message), 'ShareAccepted');
  const { hash, target, userIdentity: user, sequenceNumber } = accepted;
  const record: ShareRecord = shareOf(user, { hash, target, sequenceNumber, time: NOW - 1_000 });
  await before.books.write([record]);

  const after = await start();
  expect(sentTo(after.send(first.message))).toMatchObject([
    { type: 'SubmitShares.Error', errorCode: 'duplicate-share' },
  ]);
  const other = mineShare(after.channel, NOW, first.work === null ? 0 : 1_000_000);
  expect(outcomeOf(after.send(other.message), 'ShareAccepted').hash).toEqual(other.hash);

  // for another server of the pool as well: a share is one, whoever took it
  const elsewhere = await openBooks({ store }, 2, () => NOW);
  expect(elsewhere.alreadySeen.has(hash)).toBe(true);
  await (await bookkeeping(store, 2)).write([shareOf(user, { serverId: 2 })]);
  expect((await store.accounts())[0]?.accepted).toBe(2);
});
