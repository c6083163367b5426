/** What a ledger has of a block. */
import { toDisplayHex } from '../../src/bitcoin/hash.js';
import { auditStatement, type SequencedRecord } from '../../src/index.js';
import { openLedger } from '../../src/node/ledger/open-ledger.js';

/** See {@link stateOf}. */
export interface BlockInLedger {
  /** Whether it has a statement that is right by the records. */
  readonly isStated: boolean;
  /** Whether that goes by what its coinbase pays. */
  readonly isAsPaid: boolean;
  /** How often its share is among the records. */
  readonly shares: number;
}

/** What a ledger has of a block. @param hash as explorers show it */
export async function stateOf(ledger: string, hash: string): Promise<BlockInLedger> {
  const { store } = await openLedger(ledger, { create: false });
  try {
    const records: SequencedRecord[] = [];
    for await (const record of store.records()) records.push(record);
    const statement = (await store.blocks()).find((one) => one.hash === hash)?.statement ?? null;
    return {
      isStated: statement !== null && auditStatement(statement, { records }).length === 0,
      isAsPaid: statement?.isDeclared === true,
      shares: records.filter(({ record }) => record.type === 'share' && toDisplayHex(record.hash) === hash)
        .length,
    };
  } finally {
    await store.close();
  }
}
