/** Where a core notes the blocks that its ledger does not have yet. */
import type { BlockJournal, NotedBlock } from '../../ledger/block-journal.js';

/** A `BlockJournal`, or one that takes its time and is shared by all cores there may be. */
export interface CoreJournal {
  /** Notes a block; it is durable when this returns, or resolves. @throws Sv2Error `journal-unavailable` */
  note(noted: NotedBlock): void | Promise<void>;
  /** Those that were noted and not cleared when it was opened, the oldest first. @throws Sv2Error `journal-unavailable` */
  noted(): readonly NotedBlock[];
  /** These are in the ledger. @param hashes as explorers show them @throws Sv2Error `journal-unavailable` */
  clear(hashes: Iterable<string>): void;
}

/**
 * A journal that is one file, which is cleared when the ledger has all that is in it.
 * @throws Sv2Error `journal-unavailable`
 */
export const coreJournalOf = (journal: BlockJournal): CoreJournal => {
  const waiting = new Set(journal.noted().map(({ block: { hash } }) => hash));
  return {
    note(noted) {
      journal.note(noted);
      waiting.add(noted.block.hash);
    },
    noted: () => journal.noted(),
    clear(hashes) {
      if (waiting.size === 0) return;
      for (const hash of hashes) waiting.delete(hash);
      if (waiting.size === 0) journal.clear();
    },
  };
};
