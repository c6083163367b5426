/** What a pool's payouts begin with when it starts: read from its ledger. */
import { hexToBytes } from '../../codec/hex.js';
import { isSolo, type PayoutPlan } from '../../ledger/payout-plan.js';
import type { Receipt } from '../../ledger/receipts.js';
import { networkWorkOf, type LedgerRecord } from '../../ledger/record.js';
import type { LedgerStore, StoredBlock } from '../../ledger/store.js';
import type { StatedReceipt } from '../../ledger/statement.js';
import {
  oldestSlotOf,
  pplnsWindow,
  SLOT_LENGTH,
  slotOf,
  slotsOf,
  windowsKept,
  type SlotWork,
} from '../../ledger/window.js';

/** What a store says of payouts when a pool starts. */
export interface PayoutHistory {
  /** Work by slot, as far back as windows will reach; none for `proportional`, where it is in the rounds. */
  readonly slots: readonly SlotWork[];
  /** Of `proportional`, in their order: the work up to each block that ended a round, and last, by null, that since. */
  readonly rounds: readonly { readonly hash: string | null; readonly slots: readonly SlotWork[] }[];
  /** Where these rounds begin: after what was paid for good by the last block that is booked. */
  readonly roundsSince: readonly Receipt[];
  readonly blocks: readonly StoredBlock[];
  /** Where the chains of all servers are. */
  readonly receipts: readonly Receipt[];
  /** What a block took when the last record was written; null when there is none. */
  readonly nbits: number | null;
}

/** Whether a block was paid for everybody's work: the next is for what comes after. */
export const endsRound = ({ state, statement }: StoredBlock): boolean =>
  state !== 'reversed' && statement !== null && statement.mode !== 'solo';

/** Milliseconds before a block was found that records which its payout did not know of may be from: its template's age. */
const maxTemplateAge = 3 * 3_600_000;

/** Records of which slots are made at once. */
const atOnce = 10_000;

/**
 * Reads what payouts begin with.
 * @param now what time it is: milliseconds since 1970
 * @throws Sv2Error `ledger-unavailable`
 */
export const payoutHistory = async (
  store: LedgerStore,
  plan: PayoutPlan,
  now: number,
): Promise<PayoutHistory> => {
  const { slots, nbits } = await recentWork(store, plan, now);
  const blocks = await store.blocks();
  const receipts = await store.receipts();
  return plan.mode === 'proportional'
    ? { slots: [], ...(await roundsOf(store, blocks)), blocks, receipts, nbits }
    : { slots: plan.mode === 'solo' ? [] : slots, rounds: [], roundsSince: [], blocks, receipts, nbits };
};

const day = 86_400_000;

/** The last work: all that windows will reach back to, and what a block took then. A pool's whole past can be long. */
const recentWork = async (
  store: LedgerStore,
  plan: PayoutPlan,
  now: number,
): Promise<Pick<PayoutHistory, 'slots' | 'nbits'>> => {
  const known = new Map<string, boolean>();
  const isShared = (user: string): boolean => {
    const shared = known.get(user) ?? !isSolo(user, plan);
    known.set(user, shared);
    return shared;
  };
  let nbits: number | null = null;
  for (let days = 1; ; days *= 2) {
    const since = Math.max(0, slotOf(now - days * day));
    const slots = await store.slots(since);
    const newest = slots.reduce((last, { slot }) => Math.max(last, slot), 0);
    if (nbits === null && slots.length > 0) {
      for await (const { record } of store.records({ since: newest * SLOT_LENGTH }))
        if (record.type === 'share') nbits = record.nbits;
    }
    const isAll = since === 0 || (nbits !== null && plan.mode !== 'pplns');
    if (isAll || reachesBack(slots, nbits, plan, isShared)) return { slots, nbits };
  }
};

/** Whether there is as much work as a window can take from now on. */
const reachesBack = (
  slots: readonly SlotWork[],
  nbits: number | null,
  { windowMultiple }: PayoutPlan,
  isShared: (user: string) => boolean,
): boolean => {
  if (nbits === null) return false;
  return (
    oldestSlotOf(slots, windowsKept * pplnsWindow(windowMultiple, networkWorkOf(nbits)), isShared) !== null
  );
};

/**
 * The work of the rounds since the last block that is booked. Were that reversed all the same, what it was for would not be
 * paid by another: who waits for `confirmations` blocks has said how far back a chain may go.
 */
const roundsOf = async (
  store: LedgerStore,
  blocks: readonly StoredBlock[],
): Promise<Pick<PayoutHistory, 'rounds' | 'roundsSince'>> => {
  const ended = blocks
    .filter(endsRound)
    .map((block) => ({
      ...block,
      until: new Map(block.statement?.until.map(({ serverId, sequence }) => [serverId, sequence])),
    }))
    .sort((one, other) => sumOf(one.until.values()) - sumOf(other.until.values()));
  const booked = ended.findLastIndex(({ state }) => state === 'booked');
  const first = ended[booked];
  const rounds = [...ended.slice(booked + 1), null].map((block) => ({
    hash: block?.hash ?? null,
    until: block?.until ?? null,
    slots: [] as SlotWork[],
    records: [] as LedgerRecord[],
  }));
  const settle = (round: (typeof rounds)[number]): void => {
    round.slots.push(...slotsOf(round.records));
    round.records.length = 0;
  };
  const since = first?.statement == null ? 0 : first.statement.time - maxTemplateAge;
  for await (const { sequence, record } of store.records({ since })) {
    if (sequence <= (first?.until.get(record.serverId) ?? 0)) continue;
    const round = rounds.find(({ until }) => until === null || sequence <= (until.get(record.serverId) ?? 0));
    if (round === undefined) continue;
    round.records.push(record);
    if (round.records.length >= atOnce) settle(round);
  }
  rounds.forEach(settle);
  return {
    rounds: rounds.map(({ hash, slots }) => ({ hash, slots })),
    roundsSince: first?.statement == null ? [] : first.statement.until.map(receiptOf),
  };
};

/** A receipt of a statement. */
export const receiptOf = ({ serverId, sequence, head }: StatedReceipt): Receipt => ({
  serverId,
  sequence,
  head: hexToBytes(head),
});

const sumOf = (numbers: Iterable<number>): number => {
  let sum = 0;
  for (const number of numbers) sum += number;
  return sum;
};
