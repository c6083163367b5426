/** Blocks on their way to the ledger: noted before they go out, so that what they pay is known whatever ends meanwhile. */
import { bytesToHex, hexToBytes } from '../codec/hex.js';
import { Sv2Error } from '../codec/errors.js';
import { decodeRecords, encodeRecord } from './record-codec.js';
import type { ShareRecord } from './record.js';
import type { BlockState } from './settlement.js';
import type { Statement } from './statement.js';
import type { StoredBlock } from './store.js';

/** A block with the share that it was. */
export interface NotedBlock {
  readonly block: StoredBlock;
  /** Null of a block that came without its share, from who declared its job. */
  readonly record: ShareRecord | null;
}

/**
 * A place for the blocks that the ledger does not have yet. It need not be where the ledger is, and is used while that is
 * away: a block cannot wait for a database.
 */
export interface BlockJournal {
  /** Notes a block; it is durable when this returns. @throws Sv2Error `journal-unavailable` */
  note(noted: NotedBlock): void;
  /** Those that were noted and not cleared, the oldest first. @throws Sv2Error `journal-unavailable` */
  noted(): readonly NotedBlock[];
  /** All that were noted are in the ledger. @throws Sv2Error `journal-unavailable` */
  clear(): void;
}

/** What a block's payments change, as JSON has it. */
export const changesToJson = ({ changes }: Pick<StoredBlock, 'changes'>): string =>
  JSON.stringify([...changes].map(([script, change]) => [script, String(change)]));

/** Reads {@link changesToJson}. @throws SyntaxError */
export const changesFromJson = (text: string): Map<string, bigint> =>
  new Map((JSON.parse(text) as [string, string][]).map(([script, change]) => [script, BigInt(change)]));

interface NotedJson {
  readonly hash: string;
  readonly height: number;
  readonly prevHash?: string;
  readonly state: BlockState;
  readonly confirmations: number;
  readonly changes: string;
  readonly statement: Statement | null;
  readonly record: string | null;
}

/** A block and its share in one line of text. */
export const notedToJson = ({ block, record }: NotedBlock): string =>
  JSON.stringify({
    ...block,
    changes: changesToJson(block),
    record: record === null ? null : bytesToHex(encodeRecord(record)),
  } satisfies NotedJson);

/** Reads {@link notedToJson}. @throws Sv2Error `invalid-note` */
export const notedFromJson = (text: string): NotedBlock => {
  try {
    const { record: bytes, changes, ...stated } = JSON.parse(text) as NotedJson;
    const block = { ...stated, changes: changesFromJson(changes) };
    if (bytes === null) return { block, record: null };
    const [record] = decodeRecords(hexToBytes(bytes));
    if (record?.type !== 'share') throw new Error('it has no share');
    return { block, record };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Sv2Error('invalid-note', `not a block that was noted: ${reason}`, {}, error);
  }
};
