/** What somebody should look at, in one line each. */
import type { LiveParts } from '../../observe/live.js';
import type { LiveRows } from '../../observe/live-rows.js';
import { duration } from '../format.js';
import { alertsOf } from '../alerts.js';

/** What somebody should look at; nothing when all is well. */
export function Alerts({
  parts,
  rows,
  now,
}: {
  readonly parts: LiveParts;
  readonly rows: LiveRows;
  readonly now: number;
}) {
  const alerts = alertsOf(parts, rows, now);
  if (alerts.length === 0) return null;
  return (
    <ul class="plain alerts" role="alert">
      {alerts.map(({ severity, text, since }) => (
        <li key={text} class={severity}>
          <span>{text}</span>
          {since !== null && <span class="since">{duration(now - since)}</span>}
        </li>
      ))}
    </ul>
  );
}
