/** What the API and the dashboard show of a ledger: read again when it is asked for, and never more often than is cheap. */
import type { AddressNetwork } from '../../bitcoin/payout-script.js';
import { payeeAccounts, type PayeeAccount } from '../../ledger/payees.js';
import type { LedgerStore } from '../../ledger/store.js';

/** A ledger that is shown. */
export interface ShownLedger {
  readonly store: Pick<LedgerStore, 'accounts' | 'blocks'>;
  /** Whose addresses are paid; any unless given. */
  readonly networks?: readonly AddressNetwork[];
}

/** What was read lasts so many times as long as reading took: it takes 2 % of the time at most. */
const restFactor = 50;

/**
 * Reads a ledger's payees; those who ask at one time wait for one reading.
 * @param leastAge milliseconds for which what was read is told again, at least
 */
export function ledgerAccounts(
  { store, networks }: ShownLedger,
  leastAge: number,
  now: () => number,
): () => Promise<readonly PayeeAccount[]> {
  let last: { readonly value: Promise<readonly PayeeAccount[]>; freshUntil: number } | undefined;
  const read = async (): Promise<readonly PayeeAccount[]> => {
    const [accounts, blocks] = await Promise.all([store.accounts(), store.blocks()]);
    return payeeAccounts(accounts, blocks, networks);
  };
  return () => {
    if (last !== undefined && now() < last.freshUntil) return last.value;
    const startedAt = now();
    const reading = { value: read(), freshUntil: Infinity };
    last = reading;
    reading.value.then(
      () => (reading.freshUntil = now() + Math.max(leastAge, restFactor * (now() - startedAt))),
      () => (reading.freshUntil = 0),
    );
    return reading.value;
  };
}
