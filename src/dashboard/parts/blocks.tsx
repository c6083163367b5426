/** Blocks that were found, and what became of them. */
import type { LiveParts } from '../../observe/live.js';
import { ago, count } from '../format.js';
import { nameOf } from '../table.js';
import { brief, shown } from '../text.js';
import { fates } from '../words.js';

const tones = {
  ...{ confirmed: 'good', sent: 'warn', held: 'bad', unanswered: 'warn', lost: 'bad', declared: 'warn' },
} as const;

/** Blocks that are listed; the others are counted. */
const listed = 8;

/** Blocks. */
export function Blocks({ parts, now }: { readonly parts: LiveParts; readonly now: number }) {
  const { blocks } = parts;
  if (blocks === undefined) return null;
  const newest = [...blocks].reverse();
  return (
    <section class="panel" aria-labelledby="blocks">
      <h2 id="blocks">Blocks</h2>
      {newest.length === 0 && <p class="dim">None yet. It takes work, and luck.</p>}
      <ol class="plain blocks">
        {newest.slice(0, listed).map((block) => (
          <li key={block.hash}>
            <p>
              <span class={`dot ${tones[block.fate]}`} />
              <span class="strong">{block.height === null ? 'Block' : count(block.height)}</span>{' '}
              <span class="dim">{ago(block.foundAt, now)}</span>
            </p>
            <p title={shown(nameOf(block), 300)}>by {brief(shown(nameOf(block)))}</p>
            <p class="dim">{fates[block.fate]}</p>
            <p class="dim mono hash" title={block.hash}>
              {block.hash.slice(0, 10)}…{block.hash.slice(-10)}
            </p>
          </li>
        ))}
      </ol>
      {newest.length > listed && <p class="dim">and {count(newest.length - listed)} before</p>}
    </section>
  );
}
