/** Whether a ledger is what it must be after a kill, by what miners were told and by what is on the chain. */
import { parseBlock } from '../../src/bitcoin/block.js';
import { blockHash } from '../../src/bitcoin/block-header.js';
import { toDisplayHex } from '../../src/bitcoin/hash.js';
import { bytesToHex } from '../../src/codec/hex.js';
import {
  auditStatement,
  balancesOf,
  isBlock,
  type SequencedRecord,
  type ShareRecord,
  type StoredBlock,
} from '../../src/index.js';
import { openLedger } from '../../src/node/ledger/open-ledger.js';
import { openBooks } from '../../src/roles/pool/pool-ledger.js';

/** Acknowledged, or credited, shares by user. */
export type Counts = Readonly<Record<string, number>>;

/** What a ledger has. */
export interface Kept {
  readonly credited: Counts;
  /** Shares in the records, which accounts are made of. */
  readonly records: number;
  readonly blocks: readonly StoredBlock[];
}

/** Milliseconds before the last look that records are read again: a batch's time is that of its last. */
const readAgain = 60_000;

/** Satoshis that the chain's coinbases pay, by output script in hex. */
const paidBy = (blocks: Iterable<Uint8Array>): Map<string, bigint> => {
  const paid = new Map<string, bigint>();
  for (const bytes of blocks) {
    for (const { value, scriptPubKey } of parseBlock(bytes).transactions[0]?.outputs ?? []) {
      if (value === 0n) continue; // the witness commitment
      const script = bytesToHex(scriptPubKey);
      paid.set(script, (paid.get(script) ?? 0n) + value);
    }
  }
  return paid;
};

/** The hash of a serialised block, as explorers show it. */
export const hashOf = (bytes: Uint8Array): string => toDisplayHex(blockHash(parseBlock(bytes).header));

/** Looks into one ledger again and again. */
export const killChecks = (ledger: string, serverId: number) => {
  const seen = new Map<string, number>();
  const audited = new Set<string>();
  const lost = new Set<string>();
  const records: SequencedRecord[] = [];
  let since = 0;

  return {
    /**
     * Looks after a kill.
     * @param acknowledged what miners had been told before
     * @param onChain blocks of rounds before: hashes as explorers show them
     * @param isRunning whether the pool goes on
     * @returns what the ledger has, and what is wrong, a line each
     */
    async look(
      acknowledged: Counts,
      onChain: Iterable<string>,
      isRunning: boolean,
    ): Promise<{ kept: Kept; problems: string[] }> {
      const problems: string[] = [];
      const { store } = await openLedger(ledger, { create: false });
      try {
        const startedAt = Date.now();
        const { lease: _, ...looking } = store; // the pool has it
        // a pool that runs may write meanwhile: what is read first is in what is read after it
        const credited = Object.fromEntries(
          (await store.accounts()).map(({ user, accepted }) => [user, accepted]),
        );
        const fresh: ShareRecord[] = [];
        for await (const sequenced of store.records({ since: since - readAgain })) {
          const { record, sequence } = sequenced;
          if (sequence <= (records.at(-1)?.sequence ?? 0)) continue;
          records.push(sequenced);
          if (record.type !== 'share') continue;
          const hash = bytesToHex(record.hash);
          const before = seen.get(hash);
          if (before !== undefined) problems.push(`share ${hash} is record ${before} and ${sequence}`);
          seen.set(hash, sequence);
          fresh.push(record);
        }
        const blocks = await store.blocks();
        const stated = new Set(blocks.map(({ hash }) => hash));
        const { alreadySeen } = await openBooks({ store: looking }, serverId, Date.now);
        for (const record of fresh) {
          const shown = toDisplayHex(record.hash);
          if (!alreadySeen.has(record.hash)) problems.push(`share ${shown} could come again`);
          if (isBlock(record) && !stated.has(shown))
            problems.push(`block ${shown} has a share and no statement`);
        }
        since = startedAt;
        for (const [user, told] of Object.entries(acknowledged)) {
          const own = credited[user] ?? 0;
          if (own < told) problems.push(`${user} was told of ${told} shares, ${own} are credited`);
        }
        const total = Object.values(credited).reduce((sum, count) => sum + count, 0);
        if (isRunning ? total > seen.size : total !== seen.size)
          problems.push(`accounts have ${total} shares, records ${seen.size}`);
        for (const hash of onChain) {
          if (stated.has(hash) || lost.has(hash)) continue;
          lost.add(hash);
          problems.push(`block ${hash} paid, and is not in the ledger`);
        }
        for (const { hash, statement } of blocks) {
          if (audited.has(hash)) continue;
          audited.add(hash);
          if (statement === null) problems.push(`block ${hash} has no statement`);
          else
            for (const difference of auditStatement(statement))
              problems.push(`block ${hash}: ${JSON.stringify(difference)}`);
        }
        return { kept: { credited, records: seen.size, blocks }, problems };
      } finally {
        await store.close();
      }
    },
    /**
     * Compares what is owed with what was earned and what the chain has paid, once nothing is open any more; and audits
     * the last block by all records.
     * @param chain all blocks that the chain has, serialised
     */
    settled({ blocks }: Kept, chain: ReadonlyMap<string, Uint8Array>): string[] {
      const problems: string[] = [];
      const counted = blocks.filter(({ state }) => state !== 'reversed');
      const differing = [...counted.map(({ hash }) => hash).filter((hash) => !chain.has(hash))];
      for (const hash of differing) problems.push(`block ${hash} counts, and is not on the chain`);
      const paid = paidBy(chain.values());
      const earned = new Map<string, bigint>();
      for (const { statement } of counted)
        for (const { script, earned: own } of statement?.payments ?? [])
          earned.set(script, (earned.get(script) ?? 0n) + BigInt(own));
      const balances = balancesOf(blocks);
      for (const script of new Set([...earned.keys(), ...paid.keys(), ...balances.keys()])) {
        const [due, owed] = [
          (earned.get(script) ?? 0n) - (paid.get(script) ?? 0n),
          balances.get(script) ?? 0n,
        ];
        if (due !== owed) problems.push(`${script} is due ${due} satoshis, and owed ${owed}`);
      }
      const last = counted.at(-1)?.statement;
      if (last == null) problems.push('no block was found');
      else
        for (const difference of auditStatement(last, { records }))
          problems.push(`by its records, block ${last.hash}: ${JSON.stringify(difference)}`);
      return problems;
    },
  };
};
