/** Pays a pool's blocks by its ledger: distributions frozen with each template, statements of blocks, what becomes of them. */
import { sameBytes } from '../../bitcoin/consensus-bytes.js';
import { toDisplayHex } from '../../bitcoin/hash.js';
import type { TxOut } from '../../bitcoin/outputs.js';
import type { OutputConstraints } from '../../bitcoin/script.js';
import { parseTransaction } from '../../bitcoin/transaction.js';
import { freezePayout, type FrozenPayout, type PayoutPlan } from '../../ledger/payout-plan.js';
import { networkWorkOf, type LedgerRecord } from '../../ledger/record.js';
import type { Receipt } from '../../ledger/receipts.js';
import { balancesOf, settle } from '../../ledger/settlement.js';
import { statementOf, type StatedBlock } from '../../ledger/statement.js';
import type { LedgerStore, StoredBlock } from '../../ledger/store.js';
import { SLOT_LENGTH, slotsOf, type SlotWork } from '../../ledger/window.js';
import type { Payout } from './payout.js';

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

/** What a store says of payouts when a pool starts. */
export interface PayoutHistory {
  readonly slots: readonly SlotWork[];
  readonly blocks: readonly StoredBlock[];
  /** Where the chains of all servers are. */
  readonly receipts: readonly Receipt[];
  /** What a block took when the last record was written; null when there is none. */
  readonly nbits: number | null;
}

/** Options of {@link ledgerPayout}. */
export interface LedgerPayoutOptions {
  readonly plan: PayoutPlan;
  /** Blocks on it, itself included, with which a block is booked. */
  readonly confirmations: number;
  readonly history: PayoutHistory;
}

/** Distributions remembered for blocks that are found by them. */
const maxFrozen = 256;

/** Reads what payouts begin with. @throws Sv2Error `ledger-unavailable` */
export const payoutHistory = async (store: LedgerStore): Promise<PayoutHistory> => {
  const slots = await store.slots();
  const since = slots.reduce((newest, { slot }) => Math.max(newest, slot), 0) * SLOT_LENGTH;
  let nbits: number | null = null;
  for await (const { record } of store.records({ since })) if (record.type === 'share') nbits = record.nbits;
  return { slots, blocks: await store.blocks(), receipts: await store.receipts(), nbits };
};

/** The room that templates must leave for what a plan pays. */
export const roomOf = ({ rules: { limits } }: PayoutPlan): OutputConstraints => ({
  coinbaseOutputMaxAdditionalSize: Math.floor(limits.weight / 4),
  coinbaseOutputMaxAdditionalSigops: Math.min(limits.sigops, 0xffff),
});

/** The payout of one run of a pool. */
export const ledgerPayout = ({ plan, confirmations, history }: LedgerPayoutOptions) => {
  const slots = new Map<string, SlotWork>();
  const receipts = new Map(history.receipts.map((receipt) => [receipt.serverId, receipt]));
  let { nbits } = history;
  let blocks = history.blocks;
  const unsaved = new Map<string, StoredBlock>();
  /** By the value that is divided; the last of a value is the one of the last template. */
  const current = new Map<bigint, FrozenPayout>();
  const frozen: FrozenPayout[] = [];
  let outcomes: PayoutOutcome[] = [];

  const addWork = (entries: Iterable<SlotWork>): void => {
    for (const entry of entries) {
      const key = JSON.stringify([entry.slot, entry.user]);
      const before = slots.get(key);
      slots.set(key, {
        ...entry,
        shares: entry.shares + (before?.shares ?? 0),
        work: entry.work + (before?.work ?? 0n),
      });
    }
  };
  addWork(history.slots);

  const freeze = (value: bigint): FrozenPayout => {
    const payout = freezePayout(plan, {
      value,
      // without any record there is nobody to pay but the reserve, whatever the window
      networkWork: nbits === null ? 1n : networkWorkOf(nbits),
      slots: slots.values(),
      balances: balancesOf(blocks),
      since: [],
      until: [...receipts.values()].sort((one, other) => one.serverId - other.serverId),
    });
    current.set(value, payout);
    frozen.push(payout);
    if (frozen.length > maxFrozen) frozen.shift();
    for (const oldest of current.keys()) {
      if (current.size <= maxFrozen) break;
      current.delete(oldest);
    }
    return payout;
  };

  /** The distribution by which a coinbase pays. */
  const payoutOf = (coinbaseTx: Uint8Array): FrozenPayout | undefined => {
    const { outputs } = parseTransaction(coinbaseTx);
    return frozen.findLast(({ distribution }) =>
      distribution.outputs.every((output, index) => isSameOutput(output, outputs[index])),
    );
  };

  const keep = (block: StoredBlock): void => {
    unsaved.set(block.hash, block);
  };

  const payout: Payout = {
    outputs: (value) => (current.get(value) ?? freeze(value)).distribution.outputs,
    room: roomOf(plan),
  };

  return {
    payout,
    /** There is a template of this value: what its blocks pay is settled now. */
    template(value: bigint): void {
      current.delete(value);
    },
    /** There is a tip: blocks of ours may be deep enough, or lost. Hash as explorers show it; height 0 when it is not known. */
    tip(prevHash: string, height: number, nextNbits: number): void {
      nbits = nextNbits;
      if (height <= 0) return;
      const before = blocks;
      const settled = settle(before, { prevHash, height }, confirmations);
      blocks = settled.map((block, index) => ({ ...block, statement: before[index]?.statement ?? null }));
      blocks.forEach((block, index) => {
        const was = before[index];
        if (was === undefined || (was.state === block.state && was.confirmations === block.confirmations))
          return;
        keep(block);
        const { hash, state, height: own } = block;
        if (state === was.state || state === 'found') return;
        outcomes.push({ type: state === 'booked' ? 'PayoutBooked' : 'PayoutReversed', hash, height: own });
      });
    },
    /** A block was found: it has a statement, and changes what is owed from now on. */
    found(block: StatedBlock): void {
      const own = payoutOf(block.coinbaseTx);
      if (own === undefined) return; // a custom job's
      const statement = statementOf(block, own);
      const changes = new Map(
        own.distribution.payments
          .filter(({ before, after }) => before !== after)
          .map(({ script, before, after }) => [script, after - before]),
      );
      const { height } = block;
      const hash = toDisplayHex(block.hash);
      const stored: StoredBlock = { hash, height, state: 'found', confirmations: 0, changes, statement };
      blocks = [...blocks, stored];
      keep(stored);
      current.clear(); // what is owed has changed
      const { value, outputs } = own.distribution;
      outcomes.push({ type: 'PayoutStated', hash, height, value, outputs: outputs.length });
    },
    /** Records are durable, up to this receipt: they count from the next template on. */
    written(records: readonly LedgerRecord[], receipt: Receipt): void {
      addWork(slotsOf(records));
      receipts.set(receipt.serverId, receipt);
    },
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

const isSameOutput = (one: TxOut, other: TxOut | undefined): boolean =>
  other !== undefined && one.value === other.value && sameBytes(one.scriptPubKey, other.scriptPubKey);
