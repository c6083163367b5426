/** Text laid out in a terminal of any size: what is least important is left out, numbers are never cut. */

/** A column of a table. */
export interface Column {
  readonly heading: string;
  /** One for each row. */
  readonly cells: readonly string[];
  /** Numbers are aligned to the right. */
  readonly isNumeric: boolean;
  /** What has less of it is left out first. */
  readonly importance: number;
  /** How few characters of a cell still say something; the whole of it unless given. */
  readonly shortest?: number;
}

/** Lines that belong together. */
export interface Block {
  readonly lines: readonly string[];
  /** What has less of it is left out first, from its end. */
  readonly importance: number;
  /** How few of the lines still say something; 1 unless given. */
  readonly fewest?: number;
}

const gap = '  ';

const byImportance = <T extends { readonly importance: number }>(items: readonly T[]): T[] =>
  [...items].sort((a, b) => b.importance - a.importance);

/**
 * A text that says it was cut.
 * @param width 0 or more
 */
export const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}${width > 0 ? '…' : ''}`;

/**
 * Parts of one line, as many as there is room for.
 * @param width characters
 */
export function fitLine(
  parts: readonly { readonly text: string; readonly importance: number }[],
  width: number,
): string {
  const separator = '   ';
  const taken = new Set<(typeof parts)[number]>();
  let room = width;
  for (const part of byImportance(parts)) {
    const needed = part.text.length + (taken.size === 0 ? 0 : separator.length);
    if (needed > room) continue;
    taken.add(part);
    room -= needed;
  }
  return parts
    .filter((part) => taken.has(part))
    .map(({ text }) => text)
    .join(separator);
}

/**
 * A table with a heading, of as many columns as there is room for.
 * @param width characters
 * @returns no lines if there is no room for the most important column
 */
export function fitTable(columns: readonly Column[], width: number): string[] {
  const widths = new Map<Column, number>();
  let room = width;
  for (const [rank, column] of byImportance(columns).entries()) {
    if (rank > 0 && widths.size === 0) break; // numbers of nobody
    const full = Math.max(...[column.heading, ...column.cells].map(({ length }) => length));
    const available = room - (widths.size === 0 ? 0 : gap.length);
    const shortest = Math.max(column.heading.length, column.shortest ?? full);
    if (available < Math.min(full, shortest)) continue;
    const taken = Math.min(full, available);
    widths.set(column, taken);
    room = available - taken;
  }
  const shown = columns.filter((column) => widths.has(column));
  if (shown.length === 0) return [];
  const line = (cellOf: (column: Column) => string): string =>
    shown
      .map((column) => {
        const taken = widths.get(column) ?? 0;
        const text = cut(cellOf(column), taken);
        return column.isNumeric ? text.padStart(taken) : text.padEnd(taken);
      })
      .join(gap)
      .trimEnd();
  const rows = Math.max(...shown.map(({ cells }) => cells.length));
  return [
    line(({ heading }) => heading),
    ...Array.from({ length: rows }, (_, row) => line(({ cells }) => cells[row] ?? '')),
  ];
}

/**
 * Blocks one below the other, as many of their lines as there is room for, apart from each other if there is room for
 * that, too.
 * @param rows lines
 */
export function fitRows(blocks: readonly Block[], rows: number): string[] {
  const taken = new Map<Block, number>();
  let room = rows;
  const take = (block: Block, spare: number): boolean => {
    const count = Math.min(block.lines.length, room - spare);
    if (count < (block.fewest ?? 1)) return false;
    taken.set(block, count);
    room -= count;
    return true;
  };
  // the last of them may be shorter, so that there is air between all
  const ordered = byImportance(blocks.filter(({ lines }) => lines.length > 0));
  const air = ordered.length - 1;
  ordered.forEach((block, index) => {
    const isLast = index === ordered.length - 1;
    if (!isLast || !take(block, air)) take(block, 0);
  });
  const shown = blocks.filter((block) => taken.has(block));
  const separator = room >= shown.length - 1 ? [''] : [];
  return shown.flatMap((block, index) => [
    ...(index === 0 ? [] : separator),
    ...block.lines.slice(0, taken.get(block)),
  ]);
}
