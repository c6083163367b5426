/** What somebody should look after, in one line each, as the server's alerts have it. */
import type { LiveParts } from '../../observe/live.js';
import { alertLines } from '../alerts.js';
import { duration } from '../format.js';

/** What somebody should look after; nothing when all is well. */
export function Alerts({ parts, now }: { readonly parts: LiveParts; readonly now: number }) {
  const lines = alertLines(parts);
  if (lines.length === 0) return null;
  return (
    <ul class="plain alerts" role="alert">
      {lines.map(({ tone, text, detail, since }) => (
        <li key={text} class={tone}>
          <span>
            {text} {detail !== '' && <span class="detail">{detail}</span>}
          </span>
          {since !== null && <span class="since">{duration(now - since)}</span>}
        </li>
      ))}
    </ul>
  );
}
