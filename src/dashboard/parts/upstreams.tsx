/** The servers that work comes from, and how it goes with them. */
import type { LiveParts } from '../../observe/live.js';
import { ago, count } from '../format.js';
import { shown } from '../text.js';

const names = {
  mining: 'Pool',
  templateDistribution: 'Template provider',
  jobDeclaration: 'Job declarator',
} as const;
const words = { connected: 'connected', connecting: 'dialling', disconnected: 'away' } as const;

/** The servers. */
export function Upstreams({ parts, now }: { readonly parts: LiveParts; readonly now: number }) {
  const { upstreams } = parts;
  if (upstreams === undefined || upstreams.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="upstreams">
      <h2 id="upstreams">Upstream</h2>
      <ul class="plain">
        {upstreams.map(
          ({ protocol, status, since, server, address, encrypted, attempts, switches, lastFailure }) => (
            <li key={protocol}>
              <p>
                <span
                  class={`dot ${status === 'connected' ? 'good' : status === 'connecting' ? 'warn' : 'bad'}`}
                />
                <span class="strong">{names[protocol]}</span> {words[status]}{' '}
                <span class="dim">{ago(since, now)}</span>
              </p>
              <p class="dim mono">
                {shown(address) || '–'} {encrypted ? '' : '· not encrypted'}
              </p>
              <p class="dim">
                {server === 0 ? 'the preferred one' : `number ${server + 1} of those given`}
                {switches > 0 && ` · ${count(switches)} times changed over`}
                {attempts > 0 && ` · ${count(attempts)} times dialled in vain`}
              </p>
              {status !== 'connected' && lastFailure !== null && (
                <p class="bad">{shown(lastFailure.message, 200)}</p>
              )}
            </li>
          ),
        )}
      </ul>
    </section>
  );
}
