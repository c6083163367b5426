import { toDisplayHex } from '../bitcoin/hash.js';
import { difficultyFromTarget } from '../bitcoin/target.js';
import type { PoolAccounts, PoolMiningOutcome, PoolOutcome, SolutionHeld } from '../roles/pool/pool.js';
import type { ClientOutcome, ServerOutcome } from '../service/outcomes.js';
import { formatDifficulty, formatHashRate } from './format.js';
import { clientLine } from './role-client.js';
import { serverLine } from './role-server.js';
import { info, trouble, type LogLine } from './run-role.js';

/** The line that tells of an outcome of a pool; nothing for messages. */
export function poolLine(outcome: PoolOutcome): LogLine | undefined {
  return isTemplateClients(outcome)
    ? (clientLine(outcome, 'template provider', '--no-template-provider-encryption') ?? solutionLine(outcome))
    : (serverLine(outcome) ?? miningLine(outcome));
}

function isTemplateClients(outcome: PoolOutcome): outcome is ClientOutcome<SolutionHeld> {
  if (outcome.type === 'handlerError') return outcome.handler === 'templateDistribution';
  return outcome.type === 'SolutionHeld' || ('protocol' in outcome && !('clientId' in outcome));
}

function solutionLine(outcome: ClientOutcome<SolutionHeld>): LogLine | undefined {
  return outcome.type === 'SolutionHeld'
    ? trouble('a block was found while the template provider is away: it is sent as soon as it is back')
    : undefined;
}

function miningLine(outcome: ServerOutcome<PoolMiningOutcome>): LogLine | undefined {
  switch (outcome.type) {
    case 'NewTip':
      return info(`new block to build on: ${toDisplayHex(outcome.prevHash)}`);
    case 'ChannelOpened': {
      const { kind, userIdentity, nominalHashRate, target } = outcome;
      const rate = formatHashRate(nominalHashRate);
      return info(
        `${channelOf(outcome)}: ${userIdentity} opened it, ${kind}, ${rate} nominal, difficulty ${difficultyOf(target)}`,
      );
    }
    case 'ChannelRefused': {
      const { clientId, userIdentity, errorCode } = outcome;
      return trouble(`client ${clientId}: no channel for ${userIdentity}: ${errorCode}`);
    }
    case 'ChannelClosed':
      return info(`${channelOf(outcome)}: closed (${outcome.userIdentity}): ${outcome.reason}`);
    case 'TargetChanged':
      return info(`${channelOf(outcome)}: difficulty ${difficultyOf(outcome.target)} from the next job on`);
    case 'ShareAccepted': {
      const { userIdentity, difficulty, hash } = outcome;
      const reached = difficultyOf(hash);
      return info(
        `${channelOf(outcome)}: share of ${userIdentity} accepted, difficulty ${formatDifficulty(difficulty)} (reached ${reached})`,
      );
    }
    case 'ShareRejected': {
      const { userIdentity, errorCode, reason } = outcome;
      const whose = userIdentity === null ? '' : ` of ${userIdentity}`;
      return trouble(`${channelOf(outcome)}: share${whose} rejected, ${errorCode}: ${reason}`);
    }
    case 'BlockFound':
      return info(
        `${channelOf(outcome)}: BLOCK found by ${outcome.userIdentity}: ${toDisplayHex(outcome.hash)}`,
      );
    default:
      return undefined;
  }
}

const channelOf = ({
  clientId,
  channelId,
}: {
  readonly clientId: number;
  readonly channelId: number;
}): string => `client ${clientId} channel ${channelId}`;

const difficultyOf = (target: Uint8Array): string => formatDifficulty(difficultyFromTarget(target));

/** Users in a report; those who did most. */
const maxUsers = 20;

/**
 * What the users delivered between two looks at the accounts: a line for all of them, and one for each that did
 * anything.
 * @param seconds between the two
 */
export function reportLines(before: PoolAccounts, after: PoolAccounts, seconds: number): LogLine[] {
  const changes = [...after.users].map(([userIdentity, totals]) => {
    const earlier = before.users.get(userIdentity);
    const accepted = totals.accepted - (earlier?.accepted ?? 0);
    const rejected = totals.rejected - (earlier?.rejected ?? 0);
    const difficultySum = totals.difficultySum - (earlier?.difficultySum ?? 0);
    return { userIdentity, accepted, rejected, difficultySum, totals };
  });
  const active = changes.filter(({ accepted, rejected }) => accepted + rejected > 0);
  const sum = (value: (change: (typeof changes)[number]) => number) =>
    changes.reduce((total, change) => total + value(change), 0);
  const blocks = sum(({ totals }) => totals.blocksFound) + after.others.blocksFound;
  const rate = (difficultySum: number) => formatHashRate((difficultySum * 2 ** 32) / seconds);
  return [
    info(
      `last ${seconds} s: ${sum(({ accepted }) => accepted)} shares accepted, ${sum(({ rejected }) => rejected)} rejected, ` +
        `${rate(sum(({ difficultySum }) => difficultySum))} by ${active.length} users; ${blocks} blocks since the start`,
    ),
    ...active
      .sort((a, b) => b.difficultySum - a.difficultySum)
      .slice(0, maxUsers)
      .map(({ userIdentity, accepted, rejected, difficultySum, totals }) =>
        info(
          `last ${seconds} s: ${userIdentity}: ${accepted} accepted, ${rejected} rejected, ${rate(difficultySum)}; ` +
            `since the start ${totals.accepted} accepted, ${totals.rejected} rejected, difficulty ${formatDifficulty(totals.difficultySum)}, ${totals.blocksFound} blocks`,
        ),
      ),
  ];
}
