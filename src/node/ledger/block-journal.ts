/** A file for the blocks that a ledger does not have yet. */
import { closeSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { Sv2Error } from '../../codec/errors.js';
import { notedFromJson, notedToJson, type BlockJournal } from '../../ledger/block-journal.js';

/**
 * Opens a file of blocks, or makes it, with its directory. A line that was cut short by a power failure is of a block that
 * never went out, and is left out.
 * @param file its path; of one pool alone
 * @throws Sv2Error `journal-unavailable`
 */
export const blockJournal = (file: string): BlockJournal => {
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (error instanceof Sv2Error) throw error;
      const { code = '' } = error as NodeJS.ErrnoException;
      const why = code === 'ENOSPC' ? 'the disk is full' : code;
      throw new Sv2Error(
        'journal-unavailable',
        `${file}, for blocks on their way, cannot be used: ${why}`,
        {},
        error,
      );
    }
  };
  const opened = <T>(work: (descriptor: number) => T): T =>
    guarded(() => {
      const descriptor = openSync(file, 'a', 0o600);
      try {
        return work(descriptor);
      } finally {
        closeSync(descriptor);
      }
    });
  guarded(() => mkdirSync(dirname(file), { recursive: true, mode: 0o700 }));
  opened(() => undefined);
  guarded(() => {
    const directory = openSync(dirname(file), 'r');
    fsyncSync(directory); // a new file's name is durable, too
    closeSync(directory);
  });
  return {
    note(noted) {
      opened((descriptor) => {
        // after what a line that was cut short may have left
        writeSync(descriptor, `\n${notedToJson(noted)}\n`);
        fsyncSync(descriptor);
      });
    },
    noted: () =>
      guarded(() => readFileSync(file, 'utf8'))
        .split('\n')
        .filter((line) => line !== '')
        .flatMap((line) => {
          try {
            return [notedFromJson(line)];
          } catch {
            return []; // cut short
          }
        }),
    clear() {
      opened(ftruncateSync);
    },
  };
};
