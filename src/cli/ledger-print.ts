/** How what a ledger has is printed. */
import { printable } from './printable.js';

/** JSON for people and programs: the same value, though nothing that somebody called himself can move a cursor. */
export const json = (value: unknown): string =>
  `${JSON.stringify(value, null, 2).split('\n').map(printable).join('\n')}\n`;

/** Rows under a head: all columns but the last end at the same place, the last begins there. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const last = head.length - 1;
  return [head, ...rows]
    .map((row) =>
      row.map((text, column) => (column < last ? text.padStart(widths[column] ?? 0) : text)).join('  '),
    )
    .map((line) => `${line}\n`)
    .join('');
};
