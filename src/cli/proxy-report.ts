/** What a proxy tells of each minute beside its users: what became of their work at each upstream. */
import {
  concatMap,
  defer,
  endWith,
  ignoreElements,
  interval,
  mergeWith,
  takeWhile,
  tap,
  type Observable,
  type OperatorFunction,
  type SchedulerLike,
} from 'rxjs';
import { counted } from '../codec/counted.js';
import type { ProxyOutcome, UpstreamUse } from '../roles/proxy/proxy.js';
import { quoted } from './printable.js';
import { info, type LogLine } from './log-line.js';

/** What happened at an upstream. Work is in difficulties. */
interface UpstreamTally {
  /** What miners here were credited with for its work. */
  work: number;
  sent: number;
  accepted: number;
  rejected: number;
  unanswered: number;
}

/** What an upstream is called in the log: `upstream 1 (pool.example:34254)`. */
export const nameOf = ({ endpoint, server }: Pick<UpstreamUse, 'endpoint' | 'server'>): string =>
  `upstream ${server + 1}${endpoint === undefined ? '' : ` (${quoted(endpoint.host)}:${endpoint.port})`}`;

/** Counts what happens at a proxy. See {@link upstreamReports}. */
const proxyTally = () => {
  const names = new Map<number, string>();
  const connected = new Set<number>();
  let tallies = new Map<number, UpstreamTally>();
  let lost = 0;

  const at = (upstream: number): UpstreamTally => {
    const known = tallies.get(upstream);
    if (known !== undefined) return known;
    const begun = { work: 0, sent: 0, accepted: 0, rejected: 0, unanswered: 0 };
    tallies.set(upstream, begun);
    return begun;
  };

  const lineOf = (upstream: number, all: number): string => {
    const { work: own, sent, accepted, rejected: refused, unanswered } = at(upstream);
    const part = all > 0 ? `${((100 * own) / all).toFixed(1)} % of the work, ` : '';
    const away = connected.has(upstream) ? '' : ', not connected';
    const rest = [
      ...(refused > 0 ? [`${refused} rejected`] : []),
      ...(unanswered > 0 ? [`${unanswered} not answered`] : []),
    ];
    return `${names.get(upstream) ?? 'an upstream'}: ${part}${counted(sent, 'share')} sent, ${[`${accepted} accepted`, ...rest].join(', ')}${away}`;
  };

  return {
    /** Takes note of an outcome. */
    add(outcome: ProxyOutcome): void {
      switch (outcome.type) {
        case 'UpstreamConnected':
          names.set(outcome.upstream, nameOf(outcome));
          connected.add(outcome.upstream);
          break;
        case 'UpstreamLost':
          connected.delete(outcome.upstream);
          break;
        case 'ShareForwarded':
          at(outcome.upstream).work += outcome.share.difficulty;
          at(outcome.upstream).sent += 1;
          break;
        case 'ShareNotForwarded':
          if (outcome.reason === 'below-upstream-target' && outcome.upstream !== null)
            at(outcome.upstream).work += outcome.difficulty;
          else lost += 1;
          break;
        case 'UpstreamAccepted':
          at(outcome.upstream).accepted += outcome.shares.length;
          break;
        case 'UpstreamRejected':
          at(outcome.upstream).rejected += 1;
          break;
        case 'UpstreamUnanswered':
          at(outcome.upstream).unanswered += outcome.shares.length;
      }
    },
    /** What there is to tell of the time since the last report; nothing of a time in which nothing was sent. */
    report(): readonly LogLine[] {
      const isQuiet = tallies.size === 0 && lost === 0;
      let all = 0;
      for (const one of tallies.values()) all += one.work;
      const known = new Set([...connected, ...tallies.keys()]);
      const lines = [
        ...[...known].sort((a, b) => a - b).map((upstream) => lineOf(upstream, all)),
        ...(lost > 0 ? [`${counted(lost, 'share')} lost to upstreams`] : []),
      ];
      tallies = new Map();
      lost = 0;
      return isQuiet ? [] : lines.map((line) => info(line));
    },
  };
};

/** Tells what happened at upstreams every so many seconds. */
export const upstreamReports =
  (seconds: number, scheduler: SchedulerLike): OperatorFunction<ProxyOutcome, LogLine> =>
  (outcome$: Observable<ProxyOutcome>) =>
    defer(() => {
      const tally = proxyTally();
      const told$ = outcome$.pipe(
        tap((outcome) => tally.add(outcome)),
        ignoreElements(),
        endWith(null),
      );
      return interval(1_000 * seconds, scheduler).pipe(
        mergeWith(told$),
        takeWhile((ticks) => ticks !== null),
        concatMap(() => tally.report()),
      );
    });
