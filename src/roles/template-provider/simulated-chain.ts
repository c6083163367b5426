import { parseBlock, type Block } from '../../bitcoin/block.js';
import { checkBlock, MAX_BLOCK_WEIGHT, medianTimePast, subsidy } from '../../bitcoin/consensus.js';
import { blockHash } from '../../bitcoin/block-header.js';
import { sameBytes } from '../../bitcoin/consensus-bytes.js';
import { doubleSha256, toDisplayHex } from '../../bitcoin/hash.js';
import { countLegacySigops } from '../../bitcoin/script.js';
import { targetFromNbits } from '../../bitcoin/target.js';
import { transactionWeight, txid, wtxid, type Transaction } from '../../bitcoin/transaction.js';
import { Sv2Error } from '../../codec/errors.js';
import type { BlockTemplate, SubmitResult } from './block-source.js';
import { randomTransaction, seededRandom, type PendingTransaction } from './simulated-transactions.js';

/** What a simulated chain is like. */
export interface SimulatedChainOptions {
  /** Difficulty of every block in compact form: it is never adjusted. 0x1e00ffff, 16.8 million hashes, unless given. */
  readonly nbits?: number;
  /** Height of the first block to be found; 900,000 unless given. The subsidy is the main chain's at that height. */
  readonly height?: number;
  /** The same seed gives the same transactions; 1 unless given. */
  readonly seed?: number;
  /** Transactions that wait at the beginning; 400 unless given. */
  readonly initialTransactions?: number;
  /** Transactions that arrive each second; 3 unless given. */
  readonly transactionsPerSecond?: number;
}

/** A chain with a tip and transactions that wait. Times are milliseconds since 1970. */
export interface SimulatedChain {
  /** The best template now. */
  template(now: number): BlockTemplate;
  /**
   * Checks a block by the consensus rules for header, coinbase, commitments, limits, and that its transactions wait
   * and their parents come first. If it is valid it becomes the tip.
   * @param block serialised, with witnesses
   */
  submit(block: Uint8Array, now: number): SubmitResult;
  /** Another miner finds a block: with the best transactions, and without anybody's proof of work. */
  mineElsewhere(now: number): void;
}

/** The most transactions that wait: a block of average transactions and some more. */
const maxPending = 5_000;
/** What a coinbase may pay beside transactions of unknown fees, which are refused for being unknown. */
const unlimited = 2n ** 64n;
const maxSigops = 80_000;
/** What another miner's coinbase and header leave of a block. */
const otherMinersReserve = 4_000;
/** How many of the last blocks' ntimes matter. */
const medianWindow = 11;
/** One transaction in so many spends an output of one that waits. */
const chainedShare = 8;

/** Makes a chain. Pure apart from what it remembers: time is handed in, chance comes from the seed. */
export function createSimulatedChain(options: SimulatedChainOptions, now: number): SimulatedChain {
  const {
    nbits = 0x1e00ffff,
    height: firstHeight = 900_000,
    seed = 1,
    initialTransactions = 400,
    transactionsPerSecond = 3,
  } = options;
  targetFromNbits(nbits); // complains now
  const random = seededRandom(seed);
  const pending = new Map<string, PendingTransaction>();
  let height = firstHeight;
  let prevHash = randomBlockHash();
  let ntimes = Array.from({ length: medianWindow }, (_, index) =>
    Math.max(0, Math.floor(now / 1000) - 600 * (medianWindow - index)),
  );
  let arrivedUntil = now;
  for (let count = 0; count < initialTransactions; count++) arrive();

  /** Looks like a hash with proof of work: the most significant bytes, which come last, are zero. */
  function randomBlockHash(): Uint8Array {
    const hash = doubleSha256(random.bytes(32));
    hash.fill(0, 28);
    return hash;
  }

  function arrive(): void {
    const parents = random.below(chainedShare) === 0 ? childless(pending) : [];
    const transaction = randomTransaction(random, parents[random.below(parents.length)]);
    pending.set(transaction.id, transaction);
  }

  /** Lets everything arrive that is due. */
  function advance(time: number): void {
    const due = Math.floor(((time - arrivedUntil) * transactionsPerSecond) / 1000);
    if (due <= 0) return;
    arrivedUntil += (due * 1000) / transactionsPerSecond;
    const room = maxPending - pending.size;
    for (let count = 0; count < Math.min(due, room); count++) arrive();
  }

  const extend = (hash: Uint8Array, ntime: number, confirmed: readonly string[]): void => {
    for (const id of confirmed) pending.delete(id);
    prevHash = hash;
    height += 1;
    ntimes = [...ntimes, ntime].slice(-medianWindow);
  };

  const currentTime = (time: number): number => Math.max(medianTimePast(ntimes) + 1, Math.floor(time / 1000));

  return {
    template(time) {
      advance(time);
      const transactions = ordered(pending);
      const indexes = new Map(transactions.map(({ id }, index) => [id, index]));
      return {
        type: 'BlockTemplate',
        height,
        prevHash,
        version: 0x2000_0000,
        nbits,
        minTime: medianTimePast(ntimes) + 1,
        currentTime: currentTime(time),
        coinbaseValue: transactions.reduce((sum, { fee }) => sum + fee, subsidy(height)),
        transactions: transactions.map((transaction) => ({
          ...transaction,
          dependsOn: transaction.parents.flatMap((parent) => indexes.get(parent) ?? []),
        })),
        segwit: true,
        sigopLimit: maxSigops,
        weightLimit: MAX_BLOCK_WEIGHT,
      };
    },

    submit(bytes, time) {
      try {
        const block = parseBlock(bytes);
        if (sameBytes(blockHash(block.header), prevHash)) {
          throw new Sv2Error('duplicate', 'the block is the tip already');
        }
        const hash = check(block, time);
        const ids = block.transactions.slice(1).map((transaction) => toDisplayHex(txid(transaction)));
        extend(hash, block.header.ntime, ids);
        return { accepted: true };
      } catch (error) {
        if (!(error instanceof Sv2Error)) throw error;
        return { accepted: false, reason: error.code, message: error.message };
      }
    },

    mineElsewhere(time) {
      advance(time);
      const confirmed = ordered(pending, otherMinersReserve).map(({ id }) => id);
      extend(randomBlockHash(), currentTime(time), confirmed);
    },
  };

  /** Throws Sv2Error with the reason, as Bitcoin Core names it. */
  function check({ header, transactions: [coinbase, ...rest] }: Block, time: number): Uint8Array {
    if (coinbase === undefined) throw new Sv2Error('bad-blk-length', 'the block has no transactions');
    const ids = rest.map(txid);
    const known = ids.map((id) => pending.get(toDisplayHex(id)));
    const maxValue = known.reduce((sum, transaction) => sum + (transaction?.fee ?? 0n), subsidy(height));
    const hash = checkBlock(
      {
        header,
        coinbase,
        transactions: rest.map((transaction, index) => ({
          txid: ids[index] as Uint8Array,
          wtxid: wtxid(transaction),
          weight: transactionWeight(transaction),
        })),
      },
      {
        prevHash,
        height,
        nbits,
        medianTimePast: medianTimePast(ntimes),
        now: Math.floor(time / 1000),
        maxCoinbaseValue: known.includes(undefined) ? unlimited : maxValue,
      },
    );
    checkInputs(ids, known);
    checkSigops(coinbase, known);
    return hash;
  }

  function checkInputs(ids: readonly Uint8Array[], known: readonly (PendingTransaction | undefined)[]): void {
    const earlier = new Set<string>();
    known.forEach((transaction, index) => {
      const id = toDisplayHex(ids[index] as Uint8Array);
      const missing =
        transaction?.parents.find((parent) => pending.has(parent) && !earlier.has(parent)) ??
        (transaction === undefined || earlier.has(id) ? id : undefined);
      if (missing !== undefined) {
        throw new Sv2Error(
          'bad-txns-inputs-missingorspent',
          missing === id
            ? `transaction ${index + 1}, ${id}, is unknown or spent`
            : `transaction ${index + 1}, ${id}, spends an output of ${missing}, which is not in the block before it`,
        );
      }
      earlier.add(id);
    });
  }
}

function checkSigops(coinbase: Transaction, known: readonly (PendingTransaction | undefined)[]): void {
  const scripts = [
    ...coinbase.inputs.map(({ scriptSig }) => scriptSig),
    ...coinbase.outputs.map(({ scriptPubKey }) => scriptPubKey),
  ];
  const sigops =
    4 * scripts.reduce((sum, script) => sum + countLegacySigops(script), 0) +
    known.reduce((sum, transaction) => sum + (transaction?.sigops ?? 0), 0);
  if (sigops > maxSigops) {
    throw new Sv2Error('bad-blk-sigops', `the block has ${sigops} sigops, at most ${maxSigops} are allowed`);
  }
}

/** The pending transactions that no other spends from: what one has spent, another cannot. */
function childless(pending: ReadonlyMap<string, PendingTransaction>): PendingTransaction[] {
  const spent = new Set([...pending.values()].flatMap(({ parents }) => parents));
  return [...pending.values()].filter(({ id }) => !spent.has(id));
}

/** The pending transactions by fee rate, none before its parents, as far as they fit into a block. */
function ordered(pending: ReadonlyMap<string, PendingTransaction>, reserve = 0): PendingTransaction[] {
  const rates = new Map<string, number>();
  // in order of arrival, so parents have theirs already
  for (const { id, fee, weight, parents } of pending.values()) {
    const own = Number(fee) / weight;
    rates.set(id, Math.min(own, ...parents.flatMap((parent) => rates.get(parent) ?? [])));
  }
  const byRate = [...pending.values()].sort((a, b) => (rates.get(b.id) ?? 0) - (rates.get(a.id) ?? 0));
  let weight = MAX_BLOCK_WEIGHT - reserve;
  const full = byRate.findIndex((transaction) => (weight -= transaction.weight) < 0);
  return full < 0 ? byRate : byRate.slice(0, full);
}
