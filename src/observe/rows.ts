/** Rows of a table: who is connected, who works. Of many rows only those that have changed are made anew. */

/** A row while it changes. */
export interface Row<S> {
  /** As it was shown last; undefined if it has changed since. */
  shown: S | undefined;
  shownAt: number;
}

/** The rows of a table. See {@link rowsOf}. */
export interface Rows<R extends Row<S>, S> extends Iterable<R> {
  readonly size: number;
  add(row: R): void;
  delete(row: R): void;
  /** All rows in the order in which they were added; the same array as before if nothing has changed. */
  state(now: number): readonly S[];
}

/** Milliseconds after which a row is made anew though nothing has happened to it, as rates fall; up to twice as many. */
const refresh = 5_000;

/** Says that a row is to be made anew. */
export const changed = (row: Row<unknown>): void => {
  row.shown = undefined;
};

/**
 * Rows of a table.
 * @param show what a row is now
 * @param isSettled whether a row does not change by time alone any more, either: its rates are 0
 */
export function rowsOf<R extends Row<S>, S>(
  show: (row: R, now: number) => S,
  isSettled: (row: R, now: number) => boolean = () => true,
): Rows<R, S> {
  const rows = new Set<R>();
  let shown: readonly S[] = [];
  let isSame = true;

  return {
    get size() {
      return rows.size;
    },
    [Symbol.iterator]: () => rows[Symbol.iterator](),
    add(row) {
      rows.add(row);
      isSame = false;
    },
    delete(row) {
      if (rows.delete(row)) isSame = false;
    },
    state(now) {
      const all: S[] = [];
      // those that are refreshed are so in turns
      let turn = 0;
      for (const row of rows) {
        turn = (turn + 1) % 10;
        const isDue =
          row.shown === undefined ||
          (now - row.shownAt >= refresh + (turn * refresh) / 10 && !isSettled(row, row.shownAt));
        if (isDue) {
          row.shown = show(row, now);
          row.shownAt = now;
          isSame = false;
        }
        all.push(row.shown as S);
      }
      if (!isSame) shown = all;
      isSame = true;
      return shown;
    },
  };
}
