/** What somebody should look at: what of the present state is not as it should be. */
import type { LiveParts } from '../observe/live.js';
import type { LiveRows } from '../observe/live-rows.js';
import { count, percent } from './format.js';
import { nameOf, statusOf } from './table.js';
import { shown } from './text.js';
import { mainReason } from './words.js';

/** Something to look at. */
export interface PageAlert {
  readonly severity: 'bad' | 'warn';
  readonly text: string;
  /** Milliseconds since 1970, if it is known. */
  readonly since: number | null;
}

/** Shares from which on a part of them says something, and the part of rejected ones that is too much. */
const enoughShares = 100;
const tooManyRejected = 0.05;

const upstreamNames = {
  mining: 'The pool is away: miners have nothing new to do',
  templateDistribution: 'The template provider is away: miners go on with the last template',
  jobDeclaration: 'The job declarator is away',
} as const;

/** What is to be looked at now, the worst first. */
export function alertsOf(parts: LiveParts, rows: LiveRows, now: number): readonly PageAlert[] {
  const { upstreams = [], template, shares, blocks = [] } = parts;
  const alerts: PageAlert[] = [];
  for (const { protocol, status, since } of upstreams)
    if (status !== 'connected') alerts.push({ severity: 'bad', text: upstreamNames[protocol], since });
  if (template?.isOld === true)
    alerts.push({ severity: 'bad', text: 'The template is stale', since: template.at });
  for (const { fate, fateAt } of blocks)
    if (fate === 'held' || fate === 'unanswered')
      alerts.push({ severity: 'bad', text: 'A block that was found is not on the chain yet', since: fateAt });
  if (shares !== undefined && shares.accepted + shares.rejected >= enoughShares) {
    const all = shares.accepted + shares.rejected;
    if (shares.rejected / all > tooManyRejected)
      alerts.push({
        severity: 'warn',
        text: `${percent(shares.rejected, all)} of all shares were rejected, mostly ${mainReason(shares.rejectedByCode)}`,
        since: null,
      });
  }
  const silent = [...rows.values()].filter((row) => statusOf(row, now) === 'silent');
  const [first] = silent;
  if (first !== undefined)
    alerts.push({
      severity: 'warn',
      text:
        silent.length === 1
          ? `${shown(nameOf(first))} is silent`
          : `${count(silent.length)} workers are silent`,
      since: silent.length === 1 ? (first.lastAcceptedAt ?? first.since) : null,
    });
  return alerts;
}
