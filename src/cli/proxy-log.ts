import { asyncScheduler, connect, filter, map, merge, tap, type OperatorFunction } from 'rxjs';
import { counted } from '../codec/counted.js';
import { toDisplayHex } from '../bitcoin/hash.js';
import { difficultyFromTarget } from '../bitcoin/target.js';
import type { ForwardedShare } from '../mining/aggregation/upstream-route.js';
import type { ProxyMiningOutcome, ProxyOutcome } from '../roles/proxy/proxy.js';
import { isOfSide } from '../roles/sides.js';
import type { ServerOutcome } from '../service/outcomes.js';
import { formatDifficulty, formatDuration, formatHashRate } from './format.js';
import type { Fold } from '../observe/fold.js';
import type { ProxyState } from '../observe/proxy-state.js';
import type { LogSettings } from './log-settings.js';
import { isWorthALine, miningLine } from './pool-log.js';
import { quoted } from './printable.js';
import { nameOf, upstreamReports } from './proxy-report.js';
import { reportInterval, reports, totalsOf } from './report.js';
import { clientLine } from './role-client.js';
import { serverLine } from './role-server.js';
import { about, detail, info, trouble, type LogLine } from './log-line.js';

/** The log of a proxy: lines for what happens, and a report every minute. @param fold what outcomes are noted in */
export const proxyLog =
  (fold: Fold<ProxyState>, level: LogSettings['log_level']): OperatorFunction<ProxyOutcome, LogLine> =>
  (outcome$) =>
    outcome$.pipe(
      tap((outcome) => fold.note(outcome, asyncScheduler.now())),
      connect((shared$) =>
        merge(
          shared$.pipe(
            filter(isWorthALine(level)),
            map((outcome) => about(outcome, proxyLine(outcome, asyncScheduler.now()))),
            filter((line) => line !== undefined),
          ),
          reports(fold),
          shared$.pipe(upstreamReports(reportInterval, asyncScheduler)),
        ),
      ),
    );

/** What was delivered in all, and what became of it at pools, for the last line. */
export const forwardedTotals = (state: ProxyState): string => {
  const { submitted, accepted, rejected, unanswered } = state.upstreamShares;
  return `${totalsOf(state)}; of ${submitted} that pools were sent ${accepted} accepted, ${rejected} rejected, ${unanswered} not answered`;
};

/**
 * The line that tells of an outcome of a proxy; nothing for messages.
 *
 * @param now milliseconds since 1970
 */
export function proxyLine(outcome: ProxyOutcome, now: number): LogLine | undefined {
  if (isOfSide('client', outcome)) return clientLine(outcome, 'upstream', '--no-upstream-encryption');
  return (
    serverLine(outcome) ??
    upstreamLine(outcome, now) ??
    miningLine(outcome as Parameters<typeof miningLine>[0])
  );
}

function upstreamLine(outcome: ServerOutcome<ProxyMiningOutcome>, now: number): LogLine | undefined {
  switch (outcome.type) {
    case 'UpstreamConnected':
      return info(`work comes from ${nameOf(outcome)} now`);
    case 'UpstreamLost': {
      const { since, reason } = outcome;
      return trouble(
        `${nameOf(outcome)} gave work for ${formatDuration(now - since)} and does no more: ${reason.message}`,
      );
    }
    case 'UpstreamChannelOpened': {
      const { channelId, userIdentity, target } = outcome;
      return info(
        `upstream channel ${channelId} opened for ${quoted(userIdentity)}, difficulty ${difficultyOf(target)}`,
        'upstream channel opened',
      );
    }
    case 'UpstreamChannelRefused': {
      const { userIdentity, errorCode } = outcome;
      return trouble(
        `the upstream refused a channel for ${quoted(userIdentity)}: ${quoted(errorCode)}`,
        `upstream refused: ${errorCode}`,
      );
    }
    case 'UpstreamChannelClosed':
      return info(
        `upstream channel ${outcome.channelId} closed: ${quoted(outcome.reason)}`,
        'upstream channel closed',
      );
    case 'UpstreamTargetChanged': {
      const { channelId, target } = outcome;
      return info(
        `upstream channel ${channelId}: difficulty ${difficultyOf(target)} from the next job on`,
        'upstream target',
      );
    }
    case 'HashRateTold':
      return info(
        `upstream channel ${outcome.channelId}: told the upstream ${formatHashRate(outcome.hashRate)}`,
        'hash rate told',
      );
    case 'UpstreamJobStarted': {
      const { channelId, jobId, prevHash } = outcome;
      return info(
        `upstream channel ${channelId}: job ${jobId} on ${toDisplayHex(prevHash)}`,
        'upstream job started',
      );
    }
    case 'ClientMoved': {
      const { clientId, from, to } = outcome;
      return info(
        `client ${clientId} works for another upstream now (connection ${to + 1}, before ${from + 1})`,
        'client moved',
      );
    }
    case 'ShareNotForwarded': {
      const { clientId, channelId, sequenceNumber, reason } = outcome;
      if (reason === 'below-upstream-target') return undefined;
      return trouble(
        `client ${clientId}, channel ${channelId}: share ${sequenceNumber} is lost to the upstream: ${reason}`,
        `lost: ${reason}`,
      );
    }
    case 'UpstreamAccepted': {
      const { shares, count } = outcome;
      const wrong = count === shares.length ? '' : `, of ${count} that it speaks of`;
      return detail(
        `the upstream accepted ${shares.length} ${shares.length === 1 ? 'share' : 'shares'}${wrong}, difficulty ` +
          formatDifficulty(shares.reduce((sum, { upstreamDifficulty }) => sum + upstreamDifficulty, 0)),
        'upstream accepted',
      );
    }
    case 'UpstreamRejected': {
      const { share, errorCode } = outcome;
      const whose = share === null ? '' : ` of ${sharerOf(share)}`;
      return trouble(
        `the upstream rejected a share${whose}: ${quoted(errorCode)}`,
        `upstream rejected: ${errorCode}`,
      );
    }
    case 'UpstreamUnanswered':
      return trouble(
        `sent to the upstream and not answered: ${counted(outcome.shares.length, 'share')}: ${outcome.reason}`,
        'upstream unanswered',
      );
    case 'UpstreamNonsense':
      return trouble(
        `the upstream said what makes no sense: ${outcome.message} (${quoted(outcome.code)})`,
        'upstream nonsense',
      );
    case 'UpstreamFault':
      return trouble(`the upstream is left: ${outcome.message} (${outcome.code})`);
    default:
      return undefined;
  }
}

const sharerOf = ({ clientId, channelId, userIdentity, worker }: ForwardedShare): string =>
  `client ${clientId}, channel ${channelId} (${quoted(userIdentity)}${worker === '' ? '' : `, ${quoted(worker)}`})`;

const difficultyOf = (target: Uint8Array): string => formatDifficulty(difficultyFromTarget(target));
