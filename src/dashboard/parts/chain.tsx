/** What is built on: the tip, and the template for the next block. */
import type { LiveParts } from '../../observe/live.js';
import { ago, bitcoin, count, difficulty, duration } from '../format.js';

/** What is built on. */
export function Chain({ parts, now }: { readonly parts: LiveParts; readonly now: number }) {
  const { tip, template } = parts;
  if (tip === undefined && template === undefined) return null;
  return (
    <section class="panel" aria-labelledby="chain">
      <h2 id="chain">Next block</h2>
      {template == null ? (
        <p class="dim">There is no template yet.</p>
      ) : (
        <dl class="pairs">
          <dt>Height</dt>
          <dd class="strong">{template.height === null ? '–' : count(template.height)}</dd>
          <dt>Template</dt>
          <dd class={template.isOld ? 'bad' : ''}>
            {template.isOld ? 'stale, ' : ''}
            {ago(template.at, now)}
          </dd>
          <dt>{template.fees === undefined ? 'Worth' : 'Fees'}</dt>
          <dd title={template.fees === undefined ? 'Subsidy and fees' : 'Without the subsidy'}>
            {bitcoin(template.fees ?? template.value)} BTC
          </dd>
        </dl>
      )}
      {tip != null && (
        <dl class="pairs">
          <dt>Difficulty</dt>
          <dd>{difficulty(tip.difficulty)}</dd>
          <dt>Tip since</dt>
          <dd>{duration(now - tip.at)}</dd>
          <dt>Builds on</dt>
          <dd class="mono hash" title={tip.prevHash}>
            {tip.prevHash.slice(0, 8)}…{tip.prevHash.slice(-12)}
          </dd>
        </dl>
      )}
    </section>
  );
}
