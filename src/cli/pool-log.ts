import { toDisplayHex } from '../bitcoin/hash.js';
import { difficultyFromTarget } from '../bitcoin/target.js';
import type { Account, AccountTotals } from '../mining/shares/accounts.js';
import type { PoolMiningOutcome, PoolOutcome, SolutionHeld } from '../roles/pool/pool.js';
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
      const { userIdentity, worker, difficulty, hash } = outcome;
      const reached = difficultyOf(hash);
      return info(
        `${channelOf(outcome)}: share of ${sharer(userIdentity, worker)} accepted, difficulty ${formatDifficulty(difficulty)} (reached ${reached})`,
      );
    }
    case 'ShareRejected': {
      const { userIdentity, worker, errorCode, reason } = outcome;
      const whose = userIdentity === null ? '' : ` of ${sharer(userIdentity, worker)}`;
      return trouble(`${channelOf(outcome)}: share${whose} rejected, ${errorCode}: ${reason}`);
    }
    case 'BlockFound':
      return info(
        `${channelOf(outcome)}: BLOCK found by ${sharer(outcome.userIdentity, outcome.worker)}: ${toDisplayHex(outcome.hash)}`,
      );
    default:
      return undefined;
  }
}

const sharer = (user: string, worker: string): string => (worker === '' ? user : `${user}, ${worker}`);

const channelOf = ({
  clientId,
  channelId,
}: {
  readonly clientId: number;
  readonly channelId: number;
}): string => `client ${clientId} channel ${channelId}`;

const difficultyOf = (target: Uint8Array): string => formatDifficulty(difficultyFromTarget(target));

/** Users in a report, and workers of each; those who did most. */
const maxUsers = 20;
const maxWorkers = 20;

/** What was delivered between two looks at the accounts. */
interface Delivery {
  readonly accepted: number;
  readonly rejected: number;
  readonly difficultySum: number;
  readonly blocksFound: number;
}

const nothing: Delivery = { accepted: 0, rejected: 0, difficultySum: 0, blocksFound: 0 };

/** Adds up deliveries, or takes them away. */
const sumOf = (deliveries: readonly Delivery[], sign: 1 | -1 = 1, from = nothing): Delivery =>
  deliveries.reduce(
    (sum, { accepted, rejected, difficultySum, blocksFound }) => ({
      accepted: sum.accepted + sign * accepted,
      rejected: sum.rejected + sign * rejected,
      difficultySum: sum.difficultySum + sign * difficultySum,
      blocksFound: sum.blocksFound + sign * blocksFound,
    }),
    from,
  );

/** Accounts by user, where a user that was given up and has come back is another. */
function byUser({ accounts }: AccountTotals): Map<number, Account[]> {
  const users = new Map<number, Account[]>();
  let serial = 0;
  for (const account of accounts) {
    if (account.worker === '') serial = account.serial;
    users.set(serial, [...(users.get(serial) ?? []), account]);
  }
  return users;
}

/** Whoever did anything, those who did most first, as many as there is room for. */
const most = <T extends { readonly change: Delivery }>(all: readonly T[], room: number): T[] =>
  all
    .filter(({ change: { accepted, rejected } }) => accepted + rejected > 0)
    .sort((a, b) => b.change.difficultySum - a.change.difficultySum)
    .slice(0, room);

/**
 * What was delivered between two looks at the accounts: a line for all, one for each user that did anything, and one
 * for each of its workers that has a name.
 * @param seconds between the two
 */
export function reportLines(before: AccountTotals, after: AccountTotals, seconds: number): LogLine[] {
  const usersBefore = byUser(before);
  const workersBefore = new Map(before.accounts.map((account) => [account.serial, account]));
  const rate = (difficultySum: number) => formatHashRate((Math.max(0, difficultySum) * 2 ** 32) / seconds);
  const line = (name: string, change: Delivery, since: Delivery) =>
    info(
      `last ${seconds} s: ${name}: ${change.accepted} accepted, ${change.rejected} rejected, ${rate(change.difficultySum)}; ` +
        `since the start ${since.accepted} accepted, ${since.rejected} rejected, ` +
        `difficulty ${formatDifficulty(since.difficultySum)}, ${since.blocksFound} blocks`,
    );

  const users = [...byUser(after)].map(([serial, accounts]) => {
    const since = sumOf(accounts);
    return { accounts, since, change: sumOf(usersBefore.get(serial) ?? [], -1, since) };
  });
  const all = sumOf([...after.accounts, after.others]);
  const change = sumOf([...before.accounts, before.others], -1, all);
  const active = most(users, Infinity);
  return [
    info(
      `last ${seconds} s: ${change.accepted} shares accepted, ${change.rejected} rejected, ` +
        `${rate(change.difficultySum)} by ${active.length} users; ${all.blocksFound} blocks since the start`,
    ),
    ...active.slice(0, maxUsers).flatMap((user) => {
      const name = user.accounts[0]?.user ?? '';
      const workers = user.accounts
        .filter(({ worker }) => worker !== '')
        .map((account) => {
          const earlier = workersBefore.get(account.serial);
          return { account, change: sumOf(earlier === undefined ? [] : [earlier], -1, account) };
        });
      return [
        line(name, user.change, user.since),
        ...most(workers, maxWorkers).map((worker) =>
          line(`${name}, ${worker.account.worker}`, worker.change, worker.account),
        ),
      ];
    }),
  ];
}
