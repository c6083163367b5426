/** Which workers the table shows, and in which order. */
import type { LiveRow } from '../observe/live-rows.js';
import { isSilent, usualSilence } from '../observe/silence.js';
import type { DefaultWindow } from '../observe/windows.js';

/** What a worker is doing. */
export type WorkerStatus = 'working' | 'silent' | 'offline';

/** What a worker is doing. */
export function statusOf(row: LiveRow, now: number): WorkerStatus {
  if (!row.isConnected) return 'offline';
  return isSilent(row, now, usualSilence) ? 'silent' : 'working';
}

/** What the table can be sorted by. */
export type SortKey = 'name' | 'rate' | 'difficulty' | 'accepted' | 'rejected' | 'last' | 'best' | 'device';

/** How the table is sorted. */
export interface Sorting {
  readonly key: SortKey;
  readonly isDescending: boolean;
}

/** The name of a worker: that of the user, and behind it its own. */
export const nameOf = ({ user, worker }: Pick<LiveRow, 'user' | 'worker'>): string =>
  worker === '' ? user : `${user} / ${worker}`;

/** The part of its shares that is rejected. */
const rejectedPart = ({ accepted, rejected }: LiveRow): number =>
  accepted + rejected === 0 ? 0 : rejected / (accepted + rejected);

/** What a row is sorted by. */
function valueOf(row: LiveRow, key: SortKey, window: DefaultWindow): number | string {
  switch (key) {
    case 'name':
      return nameOf(row);
    case 'rate':
      return row.hashRate[window];
    case 'difficulty':
      return row.difficulty;
    case 'accepted':
      return row.accepted;
    case 'rejected':
      return rejectedPart(row);
    case 'last':
      return row.lastAcceptedAt ?? 0;
    case 'best':
      return row.bestDifficulty;
    case 'device':
      return row.device;
  }
}

/** Names with numbers in them in the order of the numbers. */
const { compare } = new Intl.Collator('en', { numeric: true });

/** Whether a row has all words of a search, each anywhere in its name, device or address. */
const has = (row: LiveRow, words: readonly string[]): boolean => {
  if (words.length === 0) return true;
  const text = `${row.user} ${row.worker} ${row.device} ${row.address}`.toLowerCase();
  return words.every((word) => text.includes(word));
};

/** What the table is told to show. */
export interface View {
  readonly search: string;
  readonly sorting: Sorting;
  readonly window: DefaultWindow;
  readonly status: WorkerStatus | 'all';
}

/** The rows to be shown, in order; those that are equal by name. */
export function visibleRows(rows: Iterable<LiveRow>, view: View, now: number): readonly LiveRow[] {
  const { search, sorting, window, status } = view;
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const found: { readonly row: LiveRow; readonly value: number | string }[] = [];
  for (const row of rows)
    if (has(row, words) && (status === 'all' || statusOf(row, now) === status))
      found.push({ row, value: valueOf(row, sorting.key, window) });
  const sign = sorting.isDescending ? -1 : 1;
  found.sort((a, b) => {
    const order =
      typeof a.value === 'number' && typeof b.value === 'number'
        ? a.value - b.value
        : compare(String(a.value), String(b.value));
    return sign * order || compare(a.row.key, b.row.key);
  });
  return found.map(({ row }) => row);
}
