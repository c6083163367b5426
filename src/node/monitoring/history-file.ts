/** The file of a history. */
import { appendFile, mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { defer, type Observable } from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import { oneAfterAnother } from '../ledger/one-after-another.js';

/** Where a history is kept. Each does its work when it is subscribed to, after what was begun before, and finishes it. */
export interface HistoryFile {
  /** As people know it. */
  readonly name: string;
  /**
   * All that is in it, of no bytes if there was none: it is made then.
   * @param limit bytes; errors with Sv2Error `history-too-large` when there are more
   */
  read$(limit: number): Observable<Uint8Array>;
  /** Puts bytes after what there is; completes. */
  append$(bytes: Uint8Array): Observable<void>;
  /** Puts these bytes in the place of what there is, all at once; completes when they are on the disk. */
  replace$(parts: readonly Uint8Array[]): Observable<void>;
}

/** A file for a history, which nobody else can read, and its directory, if it is new. */
export function historyFile(path: string): HistoryFile {
  const inTurn = oneAfterAnother();
  const work$ = <T>(act: () => Promise<T>): Observable<T> => defer(() => inTurn(act));
  return {
    name: path,
    read$: (limit) =>
      work$(async () => {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        // who cannot write is told now, and not a minute later
        await (await open(path, 'a', 0o600)).close();
        const { size } = await stat(path);
        if (size > limit)
          throw new Sv2Error('history-too-large', `it has ${size} bytes; expected ${limit} at most`, {
            size,
            limit,
          });
        return readFile(path);
      }),
    append$: (bytes) => work$(() => appendFile(path, bytes, { mode: 0o600 })),
    replace$: (parts) =>
      work$(async () => {
        const file = await open(`${path}.new`, 'w', 0o600);
        try {
          for (const part of parts) await file.writeFile(part);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(`${path}.new`, path);
      }),
  };
}
