import { readFileSync } from 'node:fs';

/** Rows of a vector file in spec/vectors, by column name. The files quote nothing. */
export function readVectors(name: string): readonly Readonly<Record<string, string>>[] {
  const lines = readFileSync(new URL(`../vectors/${name}`, import.meta.url), 'utf8')
    .trim()
    .split(/\r?\n/);
  const columns = lines[0]!.split(',');
  return lines.slice(1).map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? '']));
  });
}
