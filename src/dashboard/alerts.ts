/** Alerts in the words of the page. */
import type { Alert } from '../observe/alerts.js';
import type { LiveParts } from '../observe/live.js';
import { count } from './format.js';
import { brief, shown } from './text.js';

/** Characters of an alert. */
const maxLength = 200;

/** Silent workers that are named; of more only their number is told. */
const named = 3;

/** What it means for miners that a server is away. */
const upstreams: Readonly<Record<string, string>> = {
  mining: 'The pool is away: miners have nothing new to do',
  templateDistribution: 'The template provider is away: miners go on with the last template',
  jobDeclaration: 'The job declarator is away',
};

/** An alert as it is shown. */
export interface AlertLine {
  readonly tone: 'bad' | 'warn';
  readonly text: string;
  readonly detail: string;
  readonly since: number | null;
}

function lineOf({ kind, subject, message, since }: Alert): AlertLine {
  const said = shown(message, maxLength);
  if (kind === 'upstream-lost')
    return { tone: 'bad', text: upstreams[subject] ?? said, detail: subject in upstreams ? said : '', since };
  if (kind === 'worker-silent')
    return { tone: 'warn', text: `${brief(shown(subject))} is silent`, detail: '', since };
  if (kind === 'template-stale') return { tone: 'bad', text: 'The template is stale', detail: '', since };
  return { tone: kind === 'rejects-rising' ? 'warn' : 'bad', text: said, detail: '', since };
}

/** The present alerts as they are shown, the worst first; of many silent workers only the number. */
export function alertLines({ alerts = [], alertCount = alerts.length }: LiveParts): readonly AlertLine[] {
  const silent = alerts.filter(({ kind }) => kind === 'worker-silent');
  const others = alerts.filter(({ kind }) => kind !== 'worker-silent').map(lineOf);
  const silentCount = alertCount - others.length;
  const text = `${count(silentCount)} workers are silent`;
  return [
    ...others.filter(({ tone }) => tone === 'bad'),
    ...others.filter(({ tone }) => tone === 'warn'),
    ...(silentCount <= named
      ? silent.map(lineOf)
      : [{ tone: 'warn' as const, text, detail: '', since: null }]),
  ];
}
