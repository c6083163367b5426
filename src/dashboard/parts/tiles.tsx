/** The figures that tell in a second whether all is well. */
import type { ComponentChildren } from 'preact';
import type { LiveParts } from '../../observe/live.js';
import type { LiveRows } from '../../observe/live-rows.js';
import { ago, count, difficulty, percent } from '../format.js';
import { statusOf } from '../table.js';
import { reasonInWords } from '../words.js';

function Tile(props: {
  readonly name: string;
  readonly value: ComponentChildren;
  readonly tone?: 'good' | 'warn' | 'bad' | undefined;
  readonly children?: ComponentChildren;
}) {
  const { name, value, tone, children } = props;
  return (
    <section class="panel tile">
      <h2>{name}</h2>
      <p class={`figure ${tone ?? ''}`}>{value}</p>
      <p class="dim">{children}</p>
    </section>
  );
}

/** A bar that is cut by how often each reason was. */
function Reasons({ byCode }: { readonly byCode: Readonly<Record<string, number>> }) {
  const sorted = Object.entries(byCode).sort(([, a], [, b]) => b - a);
  const [first] = sorted;
  if (first === undefined) return <>none so far</>;
  return (
    <span title={sorted.map(([code, times]) => `${count(times)} ${reasonInWords(code)}`).join('\n')}>
      mostly {reasonInWords(first[0])}
    </span>
  );
}

/** The figures. */
export function Tiles({
  parts,
  rows,
  now,
}: {
  readonly parts: LiveParts;
  readonly rows: LiveRows;
  readonly now: number;
}) {
  const { shares, counts, blocks = [] } = parts;
  const status = { working: 0, silent: 0, offline: 0 };
  for (const row of rows.values()) status[statusOf(row, now)] += 1;
  const last = blocks.at(-1);
  const rejects = shares === undefined ? 0 : shares.rejected / Math.max(1, shares.accepted + shares.rejected);
  return (
    <div class="tiles">
      {counts !== undefined && (
        <Tile
          name="Workers"
          value={count(status.working)}
          tone={status.silent > 0 ? 'warn' : status.working > 0 ? 'good' : undefined}
        >
          {status.silent > 0 && <b class="warn">{count(status.silent)} silent · </b>}
          {count(status.offline)} offline · {count(counts.clients)} connection
          {counts.clients === 1 ? '' : 's'}
        </Tile>
      )}
      {shares !== undefined && (
        <Tile name="Shares accepted" value={count(shares.accepted)}>
          last {ago(shares.lastAcceptedAt, now)}
        </Tile>
      )}
      {shares !== undefined && (
        <Tile
          name="Rejected"
          value={percent(shares.rejected, shares.accepted + shares.rejected)}
          tone={rejects > 0.05 ? 'bad' : rejects > 0.01 ? 'warn' : undefined}
        >
          {shares.rejected > 0 && `${count(shares.rejected)}, `}
          <Reasons byCode={shares.rejectedByCode} />
        </Tile>
      )}
      {shares !== undefined && (
        <Tile name="Best share" value={difficulty(shares.bestDifficulty)}>
          {parts.tip == null
            ? 'difficulty'
            : shares.bestDifficulty < parts.tip.difficulty
              ? `${percent(shares.bestDifficulty, parts.tip.difficulty)} of what a block takes`
              : `${count(Math.floor(shares.bestDifficulty / parts.tip.difficulty))} times what a block takes`}
        </Tile>
      )}
      {parts.blocks !== undefined && (
        <Tile name="Blocks found" value={count(shares?.blocksFound ?? blocks.length)} tone={last && 'good'}>
          {last === undefined ? 'none yet' : `last ${ago(last.foundAt, now)}`}
        </Tile>
      )}
    </div>
  );
}
