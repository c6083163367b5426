import { counted } from '../codec/counted.js';
import { toDisplayHex } from '../bitcoin/hash.js';
import { difficultyFromTarget } from '../bitcoin/target.js';
import type {
  ChainRefused,
  PoolMiningOutcome,
  PoolOutcome,
  Solution,
  TemplateClientOutcome,
} from '../roles/pool/pool.js';
import { bytesToHex } from '../codec/hex.js';
import { encodeFrame } from '../framing/frame.js';
import type { AnyOutcome } from '../observe/fold.js';
import { isOfSide } from '../roles/sides.js';
import type { ClientOutcome, ServerOutcome } from '../service/outcomes.js';
import { formatDifficulty, formatHashRate } from './format.js';
import { clientLine } from './role-client.js';
import { serverLine } from './role-server.js';
import { extraSubmissionLine } from './extra-nodes.js';
import { quoted } from './printable.js';
import { detail, info, several, trouble, type LogLine } from './log-line.js';
import type { LogSettings } from './log-settings.js';

/**
 * Whether there is something to be told of an outcome at a level: never of messages, and of accepted shares, which the reports
 * count, at `debug` alone. It is for speed: of most outcomes no line is made.
 */
export const isWorthALine =
  (level: LogSettings['log_level']) =>
  <O extends AnyOutcome>({ type }: O): boolean =>
    type !== 'received' && type !== 'sent' && (level === 'debug' || type !== 'ShareAccepted');

/** What makes a pool connect to a template provider that has no keys. */
export const plaintextFlag = '--no-template-provider-encryption';

/** The line that tells of an outcome of a pool; nothing for messages. */
export function poolLine(outcome: PoolOutcome): LogLine | undefined {
  return isOfSide('client', outcome)
    ? (clientLine(outcome, 'template provider', plaintextFlag) ?? templateLine(outcome))
    : (serverLine(outcome) ?? miningLine(outcome));
}

/** What a template provider says of a block, and all that it takes to submit the block by hand. */
const byHand = ({ hash, header, solution }: Solution): string =>
  `block ${toDisplayHex(hash)}, header ${bytesToHex(header)}, SubmitSolution ${bytesToHex(encodeFrame(solution))}`;

function templateLine(outcome: ClientOutcome<TemplateClientOutcome>): LogLine | undefined {
  switch (outcome.type) {
    case 'SolutionHeld':
      return trouble(
        `a block was found while its template provider is away, and is sent as soon as that is back: ${byHand(outcome)}`,
      );
    case 'SolutionsSentAgain': {
      const { sent, found } = outcome;
      const among = found === sent ? '' : ` (of ${found}; of those on one previous block, only one can win)`;
      return info(`the template provider is back and was sent ${sent} ${blocks(sent)}${among}`);
    }
    case 'SolutionUnanswered':
      return trouble(
        `the template provider was sent a block ${seconds(outcome.waited)} ago and does not build on it: ` +
          `dialled again, and the block sent again${andOthers(outcome)}; ${byHand(outcome)}`,
      );
    case 'SolutionConfirmed':
      return info(`our block ${toDisplayHex(outcome.hash)} is on the chain`);
    case 'SolutionLost':
      return trouble(
        `the chain has gone on without a block of ours${andOthers(outcome)}: ${byHand(outcome)}`,
      );
    case 'ProviderFault': {
      const what = outcome.isLeft ? 'it is left' : 'not used, and there is no other to go to';
      return trouble(`the template provider sent ${outcome.message}: ${what} (${outcome.code})`);
    }
    case 'ClockDiffers': {
      const { seconds: difference } = outcome;
      const way = difference > 0 ? 'ahead of' : 'behind';
      return trouble(
        `check the clock: the template provider's time is ${Math.abs(difference)} s ${way} the time here`,
      );
    }
    case 'ChainRefused':
      return trouble(refusedChain(outcome));
    case 'TargetDiffers': {
      const { ratio } = outcome;
      return ratio < 1
        ? info(
            `the template provider wants to be sent what is up to ${formatDifficulty(1 / ratio)} times easier than a block, and is`,
          )
        : trouble(
            `the template provider's target is ${formatDifficulty(ratio)} times harder than that of a block: blocks are sent to it all the same`,
          );
    }
    case 'TemplateOld':
      return trouble(`no new template for ${seconds(outcome.age)}: is the template provider all right?`);
    case 'ExtraSubmission':
      return extraSubmissionLine(outcome);
    case 'TemplateRenewed':
      return info('there is a new template');
    default:
      return undefined;
  }
}

/** What there is to say when nothing can be mined, as the chain is another than the payout is for. */
export const refusedChain = ({ message }: ChainRefused): string =>
  `no template provider has a chain that the payout is for: ${message}`;

const andOthers = ({ others }: { readonly others: number }): string =>
  others === 0 ? '' : ` and ${others} on the same previous block`;

const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 1000)} s`;

const blocks = (count: number): string => (count === 1 ? 'block' : 'blocks');

/** What an outcome of a mining server says in the log. */
export function miningLine(outcome: ServerOutcome<PoolMiningOutcome>): LogLine | undefined {
  switch (outcome.type) {
    case 'NewTip':
      return info(`new block to build on: ${toDisplayHex(outcome.prevHash)}`);
    case 'JobTooLong': {
      const { size, limit, templateOutputs, payoutOutputs } = outcome;
      return trouble(
        `jobs for extended channels take ${size} bytes, and devices such as Bitaxe read ${limit}: ${payoutOutputs} are ` +
          `outputs that coinbase_reward_script asks for, ${templateOutputs} those that the template provider does`,
      );
    }
    case 'LedgerStalled':
      return trouble(
        `${outcome.message}: mining goes on, ${counted(outcome.waiting, 'share')} waiting, and none is acknowledged until the ledger can be written`,
      );
    case 'LedgerResumed':
      return info(`the ledger is written again, with ${counted(outcome.waiting, 'share')} that waited`);
    case 'LedgerFull':
      return trouble(
        `${counted(outcome.waiting, 'share')} waiting for the ledger, and no more can: those that come are neither credited nor acknowledged`,
      );
    case 'BlockNotNoted':
      return trouble(`block ${outcome.hash} goes out, and could not be noted: ${outcome.message}`);
    case 'BlockNotStated':
      return trouble(
        `block ${outcome.hash} goes out, and the ledger does not know what it pays: ${outcome.message}`,
      );
    case 'ChannelOpened': {
      const { kind, userIdentity, nominalHashRate, target } = outcome;
      const rate = formatHashRate(nominalHashRate);
      const text = `${channelOf(outcome)}: ${quoted(userIdentity)} opened it, ${kind}, ${rate} nominal, difficulty ${difficultyOf(target)}`;
      return several(info(text, `opened: ${outcome.clientId}`));
    }
    case 'PayoutStated': {
      const { hash, height, value, outputs: count } = outcome;
      return info(
        `block ${hash} at height ${height} pays ${value} satoshis to ${counted(count, 'output')}: see sv2 ledger statements`,
      );
    }
    case 'PayoutBooked':
      return info(
        `block ${outcome.hash} at height ${outcome.height} is deep enough: what it paid counts for good`,
      );
    case 'PayoutReversed':
      return trouble(
        `the chain has gone on without block ${outcome.hash} at height ${outcome.height}: what it paid is owed again`,
      );
    case 'ChannelRefused': {
      const { clientId, userIdentity, errorCode, reason } = outcome;
      return trouble(
        `client ${clientId}: no channel for ${quoted(userIdentity)}: ${errorCode}${reason === undefined ? '' : `, ${reason}`}`,
        `refused: ${clientId} ${errorCode}`,
      );
    }
    case 'ChannelClosed':
      return several(
        info(
          `${channelOf(outcome)}: closed (${quoted(outcome.userIdentity)}): ${quoted(outcome.reason)}`,
          `closed: ${outcome.clientId}`,
        ),
      );
    case 'TargetChanged':
      return several(
        info(
          `${channelOf(outcome)}: difficulty ${difficultyOf(outcome.target)} from the next job on`,
          `difficulty: ${outcome.clientId}`,
        ),
      );
    case 'ShareAccepted': {
      const { userIdentity, worker, difficulty, hash } = outcome;
      const reached = difficultyOf(hash);
      return detail(
        `${channelOf(outcome)}: share of ${sharer(userIdentity, worker)} accepted, difficulty ${formatDifficulty(difficulty)} (reached ${reached})`,
        `accepted: ${outcome.clientId}`,
      );
    }
    case 'ShareRejected': {
      const { userIdentity, worker, errorCode, reason } = outcome;
      const whose = userIdentity === null ? '' : ` of ${sharer(userIdentity, worker)}`;
      return trouble(
        `${channelOf(outcome)}: share${whose} rejected, ${errorCode}: ${reason}`,
        `share rejected: ${outcome.clientId} ${errorCode}`,
      );
    }
    case 'CustomJobAccepted':
      return detail(`${channelOf(outcome)}: job of its own accepted`, `custom job: ${outcome.clientId}`);
    case 'CustomJobRefused': {
      const { clientId, errorCode, reason } = outcome;
      return trouble(
        `${channelOf(outcome)}: job of its own refused, ${errorCode}: ${reason}`,
        `custom job refused: ${clientId} ${errorCode}`,
      );
    }
    case 'BlockFound':
      return info(
        `${channelOf(outcome)}: BLOCK found by ${sharer(outcome.userIdentity, outcome.worker)}: ${toDisplayHex(outcome.hash)}`,
      );
    case 'WeakBlockFound':
      return info(
        `${channelOf(outcome)}: weak block found by ${sharer(outcome.userIdentity, outcome.worker)}: ${toDisplayHex(outcome.hash)}`,
        `weak block: ${outcome.clientId}`,
      );
    default:
      return undefined;
  }
}

const sharer = (user: string, worker: string): string =>
  worker === '' ? quoted(user) : `${quoted(user)}, ${quoted(worker)}`;

const channelOf = ({
  clientId,
  channelId,
}: {
  readonly clientId: number;
  readonly channelId: number;
}): string => `client ${clientId} channel ${channelId}`;

const difficultyOf = (target: Uint8Array): string => formatDifficulty(difficultyFromTarget(target));
