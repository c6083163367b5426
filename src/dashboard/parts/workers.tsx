/** All workers as a table, of which only those rows exist that can be seen. */
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { LiveRow, LiveRows } from '../../observe/live-rows.js';
import type { DefaultWindow } from '../../observe/windows.js';
import { ago, count, difficulty, hashRate, inWords, percent } from '../format.js';
import { nameOf, statusOf, visibleRows, type SortKey, type Sorting, type WorkerStatus } from '../table.js';
import { brief, shown } from '../text.js';
import { mainReason } from '../words.js';
import { Worker } from './worker.js';

/** Rows that are there above and below those that can be seen. */
const spare = 8;

interface Column {
  readonly key: SortKey;
  readonly heading: string;
  readonly cell: (row: LiveRow, now: number, window: DefaultWindow, highest: number) => ComponentChildren;
}

const columns: readonly Column[] = [
  {
    key: 'name',
    heading: 'Worker',
    cell: (row, now) => (
      <>
        <span class={`dot ${{ working: 'good', silent: 'warn', offline: 'bad' }[statusOf(row, now)]}`} />
        <span class="hidden">{statusOf(row, now)} </span>
        <bdi title={shown(nameOf(row), 300)}>{brief(shown(nameOf(row), 300))}</bdi>
      </>
    ),
  },
  {
    key: 'rate',
    heading: 'Hash rate',
    cell: ({ hashRate: rates }, _, window, highest) => (
      <>
        <progress max={highest || 1} value={rates[window]} aria-hidden="true" />
        {inWords(hashRate(rates[window]))}
      </>
    ),
  },
  { key: 'difficulty', heading: 'Difficulty', cell: (row) => difficulty(row.difficulty) },
  { key: 'accepted', heading: 'Accepted', cell: (row) => count(row.accepted) },
  {
    key: 'rejected',
    heading: 'Rejected',
    cell: ({ accepted, rejected, rejectedByCode }) =>
      rejected === 0 ? (
        <span class="dim">0</span>
      ) : (
        <span title={mainReason(rejectedByCode)}>
          {count(rejected)} <span class="warn">{percent(rejected, accepted + rejected)}</span>{' '}
          <span class="why">{mainReason(rejectedByCode)}</span>
        </span>
      ),
  },
  { key: 'last', heading: 'Last share', cell: (row, now) => ago(row.lastAcceptedAt, now) },
  { key: 'best', heading: 'Best', cell: (row) => difficulty(row.bestDifficulty) },
  {
    key: 'device',
    heading: 'Device',
    cell: (row) => (
      <bdi title={`${shown(row.device, 200)} at ${shown(row.address)}`}>{shown(row.device, 40) || '–'}</bdi>
    ),
  },
];

const statuses = { all: 'All', working: 'Working', silent: 'Silent', offline: 'Offline' } as const;

/** Pixels that a row is high in a wide table. */
const usual = 40;

/** Pixels that a row is high, as the style sheet has it: narrow pages have rows of two lines. */
const heightOf = (table: Element | null): number => {
  const rows = table?.querySelector('.rows');
  return rows == null ? usual : Number.parseFloat(getComputedStyle(rows).getPropertyValue('--row')) || usual;
};

/** The table. Keys: `/` to the search, arrows from row to row, Enter for all of a worker. */
export function Workers(props: {
  readonly rows: LiveRows;
  readonly window: DefaultWindow;
  readonly now: number;
}) {
  const { rows, window: span, now } = props;
  const [search, setSearch] = useState('');
  const [sorting, setSorting] = useState<Sorting>({ key: 'rate', isDescending: true });
  const [status, setStatus] = useState<WorkerStatus | 'all'>('all');
  const [top, setTop] = useState(0);
  const [openKey, setOpenKey] = useState<string>();
  const place = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  // the clock alone changes no order within ten seconds that anybody would miss
  const slowly = Math.floor(now / 10_000);
  const list = useMemo(
    () => visibleRows(rows.values(), { search, sorting, window: span, status }, now),
    [rows, search, sorting, span, status, slowly],
  );
  const highest = useMemo(
    () => Math.max(0, ...[...rows.values()].map(({ hashRate: rates }) => rates[span])),
    [rows, span],
  );

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      field.current?.focus();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);

  // another choice is looked at from its beginning
  useEffect(() => place.current?.scrollTo(0, 0), [search, sorting, status]);

  const height = heightOf(place.current);
  const seen = (place.current?.clientHeight ?? 600) / height;
  const first = Math.max(0, Math.min(Math.floor(top / height) - spare, list.length));
  const shownRows = list.slice(first, first + Math.ceil(seen) + 2 * spare);

  const sortBy = (key: SortKey) =>
    setSorting(
      sorting.key === key
        ? { key, isDescending: !sorting.isDescending }
        : { key, isDescending: key !== 'name' && key !== 'device' },
    );
  const onRowKey = (event: KeyboardEvent, row: LiveRow) => {
    const target = event.currentTarget as HTMLElement;
    const steps: Readonly<Record<string, Element | null>> = {
      ArrowDown: target.nextElementSibling,
      ArrowUp: target.previousElementSibling,
    };
    if (event.key === 'Enter' || event.key === ' ') setOpenKey(row.key);
    else if (event.key in steps) (steps[event.key] as HTMLElement | null)?.focus();
    else return;
    event.preventDefault();
  };
  const open = openKey === undefined ? undefined : rows.get(openKey);

  return (
    <section class="panel workers" aria-labelledby="workers">
      <div class="tools">
        <h2 id="workers">
          Workers{' '}
          <span class="dim">
            {list.length === rows.size ? count(rows.size) : `${count(list.length)} of ${count(rows.size)}`}
          </span>
        </h2>
        <div class="choice" role="group" aria-label="Show">
          {(Object.keys(statuses) as (keyof typeof statuses)[]).map((name) => (
            <button type="button" key={name} aria-pressed={name === status} onClick={() => setStatus(name)}>
              {statuses[name]}
            </button>
          ))}
        </div>
        <input
          ref={field}
          type="search"
          placeholder="Search  /"
          aria-label="Search workers by name, device or address"
          value={search}
          maxLength={200}
          onInput={({ currentTarget }) => setSearch(currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') setSearch('');
          }}
        />
      </div>
      <div
        class="table"
        ref={place}
        role="table"
        aria-rowcount={list.length + 1}
        aria-label="Workers"
        onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}
      >
        <div class="row head" role="row">
          {columns.map(({ key, heading }) => (
            <div
              role="columnheader"
              key={key}
              class={key}
              aria-sort={sorting.key !== key ? 'none' : sorting.isDescending ? 'descending' : 'ascending'}
            >
              <button type="button" onClick={() => sortBy(key)}>
                {heading}
                {sorting.key === key && <span aria-hidden="true">{sorting.isDescending ? ' ↓' : ' ↑'}</span>}
              </button>
            </div>
          ))}
        </div>
        <div class="rows" role="rowgroup" style={{ height: `${list.length * height}px` }}>
          <div style={{ transform: `translateY(${first * height}px)` }}>
            {shownRows.map((row, index) => (
              <div
                role="row"
                key={row.key}
                class="row"
                aria-rowindex={first + index + 2}
                tabIndex={0}
                onClick={() => setOpenKey(row.key)}
                onKeyDown={(event) => onRowKey(event, row)}
              >
                {columns.map(({ key, cell }) => (
                  <div role="cell" key={key} class={key}>
                    {cell(row, now, span, highest)}
                  </div>
                ))}
              </div>
            ))}
          </div>
        </div>
        {list.length === 0 && (
          <p class="none dim">
            {rows.size === 0 ? 'No worker yet: point a miner here.' : 'No worker is like that.'}
          </p>
        )}
      </div>
      {open !== undefined && <Worker row={open} now={now} onClose={() => setOpenKey(undefined)} />}
    </section>
  );
}
