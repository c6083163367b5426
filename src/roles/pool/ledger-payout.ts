/** Pays a pool's blocks by its ledger: distributions frozen with each template, statements of blocks, what becomes of them. */
import { toDisplayHex } from '../../bitcoin/hash.js';
import type { TxOut } from '../../bitcoin/outputs.js';
import { parseTransaction } from '../../bitcoin/transaction.js';
import {
  freezeDeclared,
  freezeShared,
  isSolo,
  payToOf,
  sharedPayToOf,
  sharedWork,
  windowWorkOf,
  type FrozenPayout,
  type PayoutPlan,
  type PayTo,
  type SharedWork,
} from '../../ledger/payout-plan.js';
import { networkWorkOf, type LedgerRecord } from '../../ledger/record.js';
import type { Receipt } from '../../ledger/receipts.js';
import { balancesOf, settle } from '../../ledger/settlement.js';
import { statementOf, type StatedBlock } from '../../ledger/statement.js';
import type { StoredBlock } from '../../ledger/store.js';
import { freezeSolo, soloBalances, soloOutputs } from '../../ledger/solo-payout.js';
import { slotsOf } from '../../ledger/window.js';
import type { NewTemplate } from '../../messages/template-distribution.js';
import type { PayoutHistory } from './payout-history.js';
import { payees, type OutputsOf } from './payees.js';
import { limitsWithin } from './payout-room.js';
import { countedWork } from './counted-work.js';
import { templateDivision } from './template-division.js';

/** A block was found and pays by the ledger: its statement is kept. */
export interface PayoutStated {
  readonly type: 'PayoutStated';
  /** As explorers show it. */
  readonly hash: string;
  readonly height: number;
  /** Satoshis, and how many outputs they go to. */
  readonly value: bigint;
  readonly outputs: number;
}

/** A block that paid by the ledger is deep enough to count for good. */
export interface PayoutBooked {
  readonly type: 'PayoutBooked';
  readonly hash: string;
  readonly height: number;
}

/** The chain has gone on without a block that paid by the ledger: everybody is owed again what it had paid. */
export interface PayoutReversed {
  readonly type: 'PayoutReversed';
  readonly hash: string;
  readonly height: number;
}

/** What becomes of what blocks pay. */
export type PayoutOutcome = PayoutStated | PayoutBooked | PayoutReversed;

/** Options of {@link ledgerPayout}. */
export interface LedgerPayoutOptions {
  readonly plan: PayoutPlan;
  /** Blocks on it, itself included, with which a block is booked. */
  readonly confirmations: number;
  readonly history: PayoutHistory;
  /** Blocks of the history that are not saved yet; none unless given. */
  readonly unsaved?: readonly StoredBlock[];
}

/** Work that counts for all templates until there is more. */
interface PresentWork extends Pick<FrozenPayout, 'networkWork' | 'since' | 'until'> {
  readonly shared: SharedWork;
  settledBy(payout: FrozenPayout): void;
}

/** What is settled for the blocks of a template. */
interface OfTemplate {
  /** What shared blocks pay, by what their outputs may weigh. */
  readonly bySize: Map<number, readonly TxOut[]>;
  readonly work: PresentWork;
  readonly balances: ReadonlyMap<string, bigint>;
}

/** Users whose payee is remembered: an address takes a tenth of a millisecond to read. */
const maxRemembered = 100_000;

/** The payout of one run of a pool. */
export const ledgerPayout = ({ plan, confirmations, history, unsaved: before = [] }: LedgerPayoutOptions) => {
  const { rules } = plan;
  const receipts = new Map(history.receipts.map((receipt) => [receipt.serverId, receipt]));
  let { nbits } = history;
  let blocks = history.blocks;
  let balances = balancesOf(blocks);
  const unsaved = new Map(before.map((block) => [block.hash, block]));
  let current = new WeakMap<NewTemplate, OfTemplate>();
  let presentWork: PresentWork | undefined;
  const divisionOf = templateDivision(rules);
  /** What outputs are by whose block it is, as long as a job has them. */
  const settled = new WeakMap<readonly TxOut[], (user: string) => FrozenPayout>();
  const outputsOfSolo = soloOutputs(rules);
  const remembered = new Map<string, readonly PayTo[] | null>();
  let outcomes: PayoutOutcome[] = [];

  const paidTo = (user: string): readonly PayTo[] | null => {
    const known = remembered.get(user);
    if (known !== undefined) return known;
    if (remembered.size >= maxRemembered) remembered.clear();
    const payTo = sharedPayToOf(user, plan);
    remembered.set(user, payTo);
    return payTo;
  };

  const work = countedWork(plan, history, (user) => paidTo(user) !== null);

  const now = () => ({
    // without any record there is nobody to pay but the reserve, whatever the window
    networkWork: nbits === null ? 1n : networkWorkOf(nbits),
    until: [...receipts.values()].sort((one, other) => one.serverId - other.serverId),
  });

  /** The work that counts now, for templates and coinbases of all sizes until there is more. */
  const workNow = () => {
    if (presentWork !== undefined) return presentWork;
    const state = now();
    const counted = work.now(blocks);
    const windowWork = windowWorkOf(plan, state.networkWork);
    const shared = sharedWork(counted.window(windowWork), windowWork, paidTo);
    const { since, settledBy } = counted;
    presentWork = { ...state, shared, since, settledBy };
    return presentWork;
  };

  const settledNow = (): OfTemplate => ({ bySize: new Map(), work: workNow(), balances });

  /** What is settled for all blocks of a template. */
  const settledOf = (template: NewTemplate): OfTemplate => {
    const known = current.get(template);
    if (known !== undefined) return known;
    const own = settledNow();
    current.set(template, own);
    return own;
  };

  const outputsOf: OutputsOf = {
    shared(value, template, coinbaseSize) {
      const { bySize, work: counted, balances: own } = settledOf(template);
      const limits = limitsWithin(rules, coinbaseSize, template);
      const known = bySize.get(limits.weight);
      if (known !== undefined) return known;
      const { shared, settledBy, ...state } = counted;
      // all payments of 10,000 users are not kept for the one template of thousands whose block is found
      const freeze = (): FrozenPayout => {
        const payout = freezeShared({ ...plan, rules: { ...rules, limits } }, shared, {
          ...{ ...state, value },
          balances: own,
        });
        settledBy(payout);
        return payout;
      };
      const all = divisionOf(value, shared, own).outputsWithin(limits);
      bySize.set(limits.weight, all);
      settled.set(all, freeze);
      return all;
    },
    solo(value, payTo) {
      const balancesOfPayee = soloBalances({ user: '', payTo }, rules, balances);
      const all = outputsOfSolo({ user: '', payTo }, value, balancesOfPayee);
      const state = now();
      settled.set(all, (user) =>
        freezeSolo({ user, payTo }, plan, { value, balances: balancesOfPayee, ...state }),
      );
      return all;
    },
  };

  const own = payees(plan, outputsOf);

  /** What a shared block pays as its coinbase has it, by this work and with what was owed then. */
  const paidAsItIs = (
    outputs: readonly TxOut[],
    { work: counted, balances: owed }: Pick<OfTemplate, 'work' | 'balances'>,
  ): FrozenPayout => {
    const { shared, settledBy, ...state } = counted;
    const payout = freezeDeclared(plan, shared, { ...state, balances: owed, outputs });
    settledBy(payout);
    return payout;
  };

  const keep = (block: StoredBlock): void => {
    unsaved.set(block.hash, block);
  };

  const haveChanged = (all: readonly StoredBlock[]): void => {
    blocks = all;
    balances = balancesOf(all);
    current = new WeakMap();
    presentWork = undefined;
  };

  return {
    ...own,
    /** What blocks of a template pay those whose work counts: see `OutputsOf`. Nobody is in `solo`. */
    shared: plan.mode === 'solo' ? undefined : outputsOf.shared,
    /** What payees are owed, by output script in hex. */
    balances: (): ReadonlyMap<string, bigint> => balances,
    /** What a block of one user's pays, whose job paid it alone: with what was owed when that was made. */
    soloOf: (user: string, value: bigint, owed: ReadonlyMap<string, bigint>): FrozenPayout =>
      freezeSolo({ user, payTo: payToOf(user, plan) }, plan, { value, balances: owed, ...now() }),
    /** What was settled with the outputs of a job, for the block of a user; undefined for a job that pays something else. */
    settledWith: (outputs: readonly TxOut[] | null, user: string): FrozenPayout | undefined =>
      outputs === null ? undefined : settled.get(outputs)?.(user),
    /**
     * What a block pays whose coinbase its miner made.
     * @param template that the pool has itself at the time: what is settled for its blocks, is for this; undefined before the first
     */
    declared(user: string, coinbaseTx: Uint8Array, template: NewTemplate | undefined): FrozenPayout {
      const { outputs } = parseTransaction(coinbaseTx);
      const value = outputs.reduce((sum, output) => sum + output.value, 0n);
      if (isSolo(user, plan)) {
        const payee = { user, payTo: payToOf(user, plan) };
        return freezeSolo(payee, plan, { ...now(), balances, value, outputs });
      }
      return paidAsItIs(outputs, template === undefined ? settledNow() : settledOf(template));
    },
    /**
     * What a shared block pays of whose template nobody knows any more what was settled: what its coinbase has, by the work
     * that counts now. Who had more by that is owed the difference, and who had less was paid it ahead.
     */
    asPaid: (coinbaseTx: Uint8Array): FrozenPayout =>
      paidAsItIs(parseTransaction(coinbaseTx).outputs, { work: workNow(), balances }),
    /** There is a tip: blocks of ours may be deep enough, or lost. Hash as explorers show it; height 0 when it is not known. */
    tip(prevHash: string, height: number, nextNbits: number): void {
      if (nextNbits !== nbits) presentWork = undefined;
      nbits = nextNbits;
      own.chainIs(nextNbits);
      if (height <= 0) return;
      const before = blocks;
      const changed = settle(before, { prevHash, height }, confirmations).flatMap((block, index) => {
        const was = before[index];
        if (was === undefined || (was.state === block.state && was.confirmations === block.confirmations))
          return [];
        return [{ was, block: { ...block, statement: was.statement } }];
      });
      if (changed.length === 0) return;
      const byHash = new Map(changed.map(({ block }) => [block.hash, block]));
      haveChanged(before.map((block) => byHash.get(block.hash) ?? block));
      for (const { was, block } of changed) {
        keep(block);
        const { hash, state, height: own } = block;
        if (state === was.state || state === 'found') continue;
        outcomes.push({ type: state === 'booked' ? 'PayoutBooked' : 'PayoutReversed', hash, height: own });
      }
    },
    /**
     * A block was found: it has a statement, and changes what is owed from now on.
     * @returns it as the ledger will have it
     */
    found(block: StatedBlock & { readonly prevHash: string }, frozen: FrozenPayout): StoredBlock {
      const statement = statementOf(block, frozen);
      const changes = new Map(
        frozen.distribution.payments
          .filter(({ before, after }) => before !== after)
          .map(({ script, before, after }) => [script, after - before]),
      );
      const { height, prevHash } = block;
      const hash = toDisplayHex(block.hash);
      const stored: StoredBlock = {
        ...{ hash, height, prevHash, state: 'found', confirmations: 0, changes, statement },
      };
      work.found(hash, frozen);
      haveChanged([...blocks, stored]);
      keep(stored);
      const { value, outputs: paid } = frozen.distribution;
      outcomes.push({ type: 'PayoutStated', hash, height, value, outputs: paid.length });
      return stored;
    },
    /** Records are durable, up to this receipt: they count from the next template on. */
    written(records: readonly LedgerRecord[], receipt: Receipt): void {
      work.add(slotsOf(records));
      presentWork = undefined;
      receipts.set(receipt.serverId, receipt);
    },
    /** Up to where the records of a server count. */
    countedTo: (serverId: number): number => receipts.get(serverId)?.sequence ?? 0,
    /** Whether a block has a statement, or was known before. @param hash as explorers show it */
    knows: (hash: string): boolean => blocks.some((block) => block.hash === hash),
    /** Blocks that are to be saved. */
    unsaved: (): readonly StoredBlock[] => [...unsaved.values()],
    /** They are. */
    saved(all: readonly StoredBlock[]): void {
      for (const block of all) if (unsaved.get(block.hash) === block) unsaved.delete(block.hash);
    },
    /** What happened since it was asked last. */
    takeOutcomes(): readonly PayoutOutcome[] {
      const taken = outcomes;
      outcomes = [];
      return taken;
    },
  };
};

/** See {@link ledgerPayout}. */
export type LedgerPayout = ReturnType<typeof ledgerPayout>;
