/** What is done with rows of states: the first of them, and what has changed from state to state. */
import { map, scan, type OperatorFunction } from 'rxjs';

/**
 * The first rows by some measure, greatest first.
 * @param count how many at most
 * @param measure what they are compared by; rows that are `NaN` come last
 * @example state$.pipe(map(({ workers }) => workers), topN(10, ({ hashRate }) => hashRate['5m'].value))
 */
export const topN = <R>(
  count: number,
  measure: (row: R) => number,
): OperatorFunction<readonly R[], readonly R[]> =>
  map((rows) => {
    const first: { readonly row: R; readonly value: number }[] = [];
    for (const row of rows) {
      const measured = measure(row);
      const value = Number.isNaN(measured) ? -Infinity : measured;
      if (first.length === count && value <= (first.at(-1)?.value ?? Infinity)) continue;
      let place = first.length;
      while (place > 0 && value > (first[place - 1]?.value ?? Infinity)) place -= 1;
      first.splice(place, 0, { row, value });
      if (first.length > count) first.pop();
    }
    return first.map(({ row }) => row);
  });

/** Rows by the names that they have in states, and what tells them apart. */
const keys: Readonly<Record<string, (row: never) => string>> = {
  clients: ({ clientId }: { readonly clientId: number }) => String(clientId),
  channels: keyOfChannel,
  users: ({ user }: { readonly user: string }) => user,
  workers: ({ user, worker }: { readonly user: string; readonly worker: string }) =>
    JSON.stringify([user, worker]),
  upstreams: ({ protocol }: { readonly protocol: string }) => protocol,
  blocks: ({ hash }: { readonly hash: string }) => hash,
  upstreamChannels: ({ upstream, channelId }: { readonly upstream: number; readonly channelId: number }) =>
    `${upstream}/${channelId}`,
};

function keyOfChannel({
  clientId = 0,
  channelId,
}: {
  readonly clientId?: number;
  readonly channelId: number;
}): string {
  return `${clientId}/${channelId}`;
}

/** Rows of a table that have changed. */
export interface RowChanges {
  /** New ones, and those that are others than before. */
  readonly put: readonly object[];
  /** What tells those apart that are gone. */
  readonly gone: readonly string[];
}

/** What is another in a state than in the one before: plain data, as states are. */
export interface StateChange {
  /** The whole of what is no table. */
  readonly set: Readonly<Record<string, unknown>>;
  /** Of tables the rows. */
  readonly rows: Readonly<Record<string, RowChanges>>;
}

type Rows = readonly object[];

const isTable = (name: string, value: unknown): value is Rows =>
  Object.hasOwn(keys, name) && Array.isArray(value);

const byKey = (name: string, rows: Rows): Map<string, object> => {
  const keyOf = keys[name] as (row: object) => string;
  return new Map(rows.map((row) => [keyOf(row), row]));
};

/**
 * What is another in `after` than in `before`. It takes what is the same object for the same, as states share it: of 10,000
 * rows those that are equal cost little.
 */
export function changeOf(before: object, after: object): StateChange {
  const set: Record<string, unknown> = {};
  const rows: Record<string, RowChanges> = {};
  const old = before as Readonly<Record<string, unknown>>;
  for (const [name, value] of Object.entries(after)) {
    const earlier = old[name];
    if (earlier === value) continue;
    if (!isTable(name, value) || !isTable(name, earlier)) {
      set[name] = value;
      continue;
    }
    const known = byKey(name, earlier);
    const put: object[] = [];
    for (const [key, row] of byKey(name, value)) {
      if (known.get(key) !== row) put.push(row);
      known.delete(key);
    }
    rows[name] = { put, gone: [...known.keys()] };
  }
  return { set, rows };
}

/** The state after a change: `applyChange(before, changeOf(before, after))` is as `after`, with rows in another order. */
export function applyChange<S extends object>(before: S, { set, rows }: StateChange): S {
  const state: Record<string, unknown> = { ...before, ...set };
  for (const [name, { put, gone }] of Object.entries(rows)) {
    const table = state[name];
    if (!isTable(name, table)) continue;
    const all = byKey(name, table);
    for (const key of gone) all.delete(key);
    for (const [key, row] of byKey(name, put)) all.set(key, row);
    state[name] = [...all.values()];
  }
  return state as S;
}

/**
 * From states to what changed from one to the next, for those who have the one before: first all of the first state, `set`.
 *
 * ```text
 * state$    s----t----u---
 *   changes()
 *           S----d----e---     S = { set: s, rows: {} }
 * ```
 */
export const changes =
  <S extends object>(): OperatorFunction<S, StateChange> =>
  (state$) =>
    state$.pipe(
      scan<S, { readonly state: S; readonly change: StateChange }, undefined>(
        (last, state) => ({
          state,
          change:
            last === undefined
              ? { set: { ...state } as Record<string, unknown>, rows: {} }
              : changeOf(last.state, state),
        }),
        undefined,
      ),
      map(({ change }) => change),
    );
