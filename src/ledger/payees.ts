/** What payees are owed and were paid: accounts and blocks of a ledger, put together by whom they pay. */
import type { AddressNetwork } from '../bitcoin/payout-script.js';
import { bytesToHex } from '../codec/hex.js';
import type { LedgerAccount } from './accounts.js';
import { parseIdentity } from './identity.js';
import { balancesOf } from './settlement.js';
import type { StoredBlock } from './store.js';

/** Somebody who is paid by a ledger, or who delivers without saying whom to pay. */
export interface PayeeAccount {
  /** The address; the user identity of who names none, the script in hex of who delivers nothing (the pool's own). */
  readonly payee: string;
  /** Output script in hex; null of who names nobody to pay. */
  readonly script: string | null;
  /** How many accounts of workers are put together. */
  readonly workers: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Sum of the difficulties of accepted shares. */
  readonly difficultySum: number;
  readonly bestDifficulty: number;
  readonly blocksFound: number;
  /** Milliseconds since 1970; 0 before the first. */
  readonly lastShareAt: number;
  /** Satoshis that wait for a later block: earned, and below what is paid out. Less than 0 for who has them meanwhile. */
  readonly owed: bigint;
  /** Satoshis in blocks that are not deep enough yet. */
  readonly pending: bigint;
  /** Satoshis in blocks that are. */
  readonly paid: bigint;
}

type Sums = { -readonly [K in keyof PayeeAccount]: PayeeAccount[K] };

const nothing = { workers: 0, accepted: 0, rejected: 0, difficultySum: 0, bestDifficulty: 0, blocksFound: 0 };

/**
 * Payees, those with most at stake first, then by work.
 * @param networks whose addresses are paid; any unless given
 */
export function payeeAccounts(
  accounts: Iterable<LedgerAccount>,
  blocks: Iterable<StoredBlock>,
  networks?: readonly AddressNetwork[],
): PayeeAccount[] {
  const payees = new Map<string, Sums>();
  const payeeOf = (key: string, payee: string, script: string | null): Sums => {
    let sums = payees.get(key);
    if (sums === undefined) {
      sums = { payee, script, ...nothing, lastShareAt: 0, owed: 0n, pending: 0n, paid: 0n };
      payees.set(key, sums);
    }
    return sums;
  };
  const ofScript = (script: string): Sums => payeeOf(`script ${script}`, script, script);

  for (const account of accounts) {
    const identity = parseIdentity(account.user, networks);
    const script = identity.isPayable ? bytesToHex(identity.scriptPubKey) : null;
    const sums =
      script === null || !identity.isPayable
        ? payeeOf(`user ${account.user}`, account.user, null)
        : payeeOf(`script ${script}`, identity.address, script);
    sums.workers += 1;
    sums.accepted += account.accepted;
    sums.rejected += account.rejected;
    sums.difficultySum += account.difficultySum;
    sums.bestDifficulty = Math.max(sums.bestDifficulty, account.bestDifficulty);
    sums.blocksFound += account.blocksFound;
    sums.lastShareAt = Math.max(sums.lastShareAt, account.lastShareAt);
  }
  const all = [...blocks];
  for (const [script, owed] of balancesOf(all)) ofScript(script).owed += owed;
  for (const { state, statement } of all) {
    if (state === 'reversed') continue;
    for (const { script, paid } of statement?.payments ?? [])
      ofScript(script)[state === 'booked' ? 'paid' : 'pending'] += BigInt(paid);
  }
  const stake = ({ owed, pending, paid }: Sums): bigint => owed + pending + paid;
  return [...payees.values()].sort((one, other) => {
    const difference = stake(other) - stake(one);
    return difference === 0n ? other.difficultySum - one.difficultySum : difference > 0n ? 1 : -1;
  });
}
