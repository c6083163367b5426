/** Workers as a table that travels: each a short array, and after the first time only those that are other than before. */
import type { WorkerState } from './downstream-types.js';
import { defaultWindows, type DefaultWindow } from './windows.js';

/** A worker, as a dashboard shows it. Times are milliseconds since 1970, hash rates hashes per second to three digits. */
export interface LiveRow {
  /** Tells it from all others. */
  readonly key: string;
  readonly user: string;
  /** Empty for shares that name no worker. */
  readonly worker: string;
  readonly clientId: number;
  readonly channelId: number;
  readonly isConnected: boolean;
  readonly device: string;
  readonly address: string;
  readonly since: number;
  /** That its last share is credited with; 0 before the first. */
  readonly difficulty: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly rejectedByCode: Readonly<Record<string, number>>;
  /** The sum of the difficulties of its accepted shares. */
  readonly work: number;
  readonly bestDifficulty: number;
  readonly lastAcceptedAt: number | null;
  readonly lastRejectedAt: number | null;
  readonly blocksFound: number;
  readonly hashRate: Readonly<Record<DefaultWindow, number>>;
  /** Between what lies in 95 of 100 cases what is true of the last quarter of an hour; null while nothing is known. */
  readonly low: number;
  readonly high: number | null;
}

/** The cells of a row, in the order of {@link fields}. */
export type LiveCells = readonly unknown[];

/** What changed in a table since a reader saw it. */
export interface LiveRowChanges {
  readonly set: readonly LiveCells[];
  /** Keys of rows that are no longer there. */
  readonly gone: readonly string[];
}

/** What a row is made of when it travels: the place of a field in this list is its place in the cells. */
const fields = [
  ...(['key', 'user', 'worker', 'clientId', 'channelId', 'isConnected', 'device', 'address'] as const),
  ...(['since', 'difficulty', 'accepted', 'rejected', 'rejectedByCode', 'work', 'bestDifficulty'] as const),
  ...(['lastAcceptedAt', 'lastRejectedAt', 'blocksFound', 'low', 'high'] as const),
] as const satisfies (keyof LiveRow)[];

/** Three digits are more than a rate of some hundred shares has. */
const rounded = (value: number): number => Number(value.toPrecision(3));

const rowOf = (state: WorkerState): LiveRow => {
  const { user, worker, shares, hashRate } = state;
  const quarter = hashRate['15m'];
  return {
    // no identity has this character twice in a row, as JSON writes it
    key: JSON.stringify([user, worker]),
    ...{ user, worker, clientId: state.clientId, channelId: state.channelId, isConnected: state.isConnected },
    ...{ device: state.device, address: state.address, since: state.since },
    ...{ difficulty: shares.lastDifficulty, accepted: shares.accepted, rejected: shares.rejected },
    ...{ rejectedByCode: shares.rejectedByCode, work: shares.work, blocksFound: shares.blocksFound },
    ...{ bestDifficulty: rounded(shares.bestDifficulty) },
    ...{ lastAcceptedAt: shares.lastAcceptedAt, lastRejectedAt: shares.lastRejectedAt },
    hashRate: Object.fromEntries(
      defaultWindows.map((name) => [name, rounded(hashRate[name].value)]),
    ) as LiveRow['hashRate'],
    low: rounded(quarter.low),
    high: quarter.high === null ? null : rounded(quarter.high),
  };
};

/** A row as cells. */
const cellsOf = (row: LiveRow): LiveCells => [
  ...fields.map((field) => row[field]),
  ...defaultWindows.map((name) => row.hashRate[name]),
];

/** Cells as a row. */
const rowFromCells = (cells: LiveCells): LiveRow =>
  ({
    ...Object.fromEntries(fields.map((field, index) => [field, cells[index]])),
    hashRate: Object.fromEntries(defaultWindows.map((name, index) => [name, cells[fields.length + index]])),
  }) as unknown as LiveRow;

const isSame = (a: LiveRow, b: LiveRow): boolean =>
  fields.every((field) => a[field] === b[field]) &&
  defaultWindows.every((name) => a.hashRate[name] === b.hashRate[name]);

/** A table of rows by key: the same object as before for a row that shows the same. */
export type LiveRows = ReadonlyMap<string, LiveRow>;

/**
 * Makes tables of workers, each from the one before: a row that shows the same is the same object.
 * @returns a function from the workers of a state to a table
 */
export function liveRows(): (workers: readonly WorkerState[]) => LiveRows {
  const made = new WeakMap<WorkerState, LiveRow>();
  let last: { readonly workers: readonly WorkerState[]; readonly rows: LiveRows } = {
    workers: [],
    rows: new Map(),
  };
  return (workers) => {
    if (workers === last.workers) return last.rows;
    const rows = new Map<string, LiveRow>();
    for (const worker of workers) {
      let row = made.get(worker);
      if (row === undefined) {
        row = rowOf(worker);
        const before = last.rows.get(row.key);
        if (before !== undefined && isSame(before, row)) row = before;
        made.set(worker, row);
      }
      rows.set(row.key, row);
    }
    last = { workers, rows };
    return rows;
  };
}

/** What has changed between two tables of {@link liveRows}. */
export function rowChanges(before: LiveRows, after: LiveRows): LiveRowChanges {
  const set: LiveCells[] = [];
  for (const [key, row] of after) if (before.get(key) !== row) set.push(cellsOf(row));
  const gone = [...before.keys()].filter((key) => !after.has(key));
  return { set, gone };
}

/** The table after changes, as another object. */
export function withRowChanges(rows: LiveRows, { set, gone }: LiveRowChanges): LiveRows {
  const after = new Map(rows);
  for (const key of gone) after.delete(key);
  for (const cells of set) {
    const row = rowFromCells(cells);
    after.set(row.key, row);
  }
  return after;
}
