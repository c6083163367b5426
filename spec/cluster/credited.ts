/** What a ledger has credited, checked against itself. */
import { bytesToHex } from '../../src/codec/hex.js';
import { openLedger } from '../../src/node/ledger/open-ledger.js';

/**
 * What a ledger has: accepted shares by user.
 * @throws Error when a share is in it twice, or its accounts have others than its records
 */
export async function credited(ledger: string): Promise<Readonly<Record<string, number>>> {
  const { store } = await openLedger(ledger, { create: false });
  try {
    // accounts first: what is read first is in what is read after it
    const accounts = await store.accounts();
    const counts = new Map<string, number>();
    const seen = new Set<string>();
    for await (const { record } of store.records()) {
      if (record.type !== 'share') continue;
      const hash = bytesToHex(record.hash);
      if (seen.has(hash)) throw new Error(`share ${hash} was credited twice`);
      seen.add(hash);
      counts.set(record.user, (counts.get(record.user) ?? 0) + 1);
    }
    for (const { user, accepted } of accounts) {
      const records = counts.get(user) ?? 0;
      if (accepted > records) throw new Error(`${user} has ${accepted} shares, and records of ${records}`);
    }
    return Object.fromEntries(accounts.map(({ user, accepted }) => [user, accepted]));
  } finally {
    await store.close();
  }
}
