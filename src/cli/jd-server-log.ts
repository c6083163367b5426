import { filter, map, tap, type Observable } from 'rxjs';
import { counted } from '../codec/counted.js';
import { toDisplayHex } from '../bitcoin/hash.js';
import type { JobDeclarationServerOutcome } from '../roles/jd-server/jd-server.js';
import type { ServerOutcome } from '../service/outcomes.js';
import { extraSubmissionLine, isKnownBlock } from './extra-nodes.js';
import { about, info, trouble, type LogLine } from './log-line.js';
import type { CountsByType } from './counts-by-type.js';
import { quoted } from './printable.js';
import { serverLine } from './role-server.js';

/** The log of a declaration server. @param counts what outcomes are counted in */
export function jdServerLog(
  outcome$: Observable<ServerOutcome<JobDeclarationServerOutcome>>,
  counts: CountsByType,
): Observable<LogLine> {
  return outcome$.pipe(
    tap((outcome) => counts.note(outcome)),
    map((outcome) => about(outcome, serverLine(outcome) ?? declarationLine(outcome))),
    filter((line) => line !== undefined),
  );
}

/** What a declaration server has done, for the last line. */
export const declarationTotals = ({ of }: CountsByType): string =>
  `${counted(of('TokenAllocated'), 'token')} given, ${counted(of('JobDeclared'), 'declared job')} taken, ` +
  `${of('DeclarationRefused')} refused, ${counted(of('SolutionPushed'), 'block')} found, ` +
  `${of('PushedBlockAccepted')} accepted by the node, ${of('PushedBlockRejected')} rejected`;

const judges = { node: 'the node', own: 'what is known here' } as const;

/** The line that tells of an outcome of a declaration server; nothing for messages. */
function declarationLine(outcome: ServerOutcome<JobDeclarationServerOutcome>): LogLine | undefined {
  switch (outcome.type) {
    case 'TokenAllocated':
      return info(
        `client ${outcome.clientId}: a token for ${quoted(outcome.userIdentifier)}`,
        `token: ${outcome.clientId}`,
      );
    case 'TokenDropped':
      return trouble(
        `client ${outcome.clientId} has asked for more tokens than it may have: its oldest is worth nothing any more`,
        'token dropped',
      );
    case 'TransactionsMissing':
      return info(
        `client ${outcome.clientId}: asked for ${outcome.missing} of ${counted(outcome.of, 'transaction')}`,
        `missing: ${outcome.clientId}`,
      );
    case 'JobDeclared': {
      const { clientId, userIdentifier, height, transactions, provided, value, validatedBy } = outcome;
      return info(
        `client ${clientId} (${quoted(userIdentifier)}) declared block ${height}: ${counted(transactions, 'transaction')}, ` +
          `${provided} of them new, ${value} satoshis; valid by ${judges[validatedBy]}`,
        `declared: ${clientId}`,
      );
    }
    case 'DeclarationRefused': {
      const { clientId, errorCode, reason, validatedBy } = outcome;
      return trouble(
        `client ${clientId}: declaration refused by ${judges[validatedBy]}: ${errorCode}: ${quoted(reason)}`,
        `declaration refused: ${errorCode}`,
      );
    }
    case 'DeclarationIgnored':
      return trouble(
        `client ${outcome.clientId} sent ${outcome.message}: ${outcome.reason}`,
        'declaration ignored',
      );
    case 'SolutionPushed':
      return info(
        `client ${outcome.clientId} found block ${outcome.height}: ${toDisplayHex(outcome.hash)}, submitted`,
      );
    case 'SolutionKnown':
      return info(
        `client ${outcome.clientId} pushed block ${outcome.height}: ${toDisplayHex(outcome.hash)}, which the pool has submitted`,
      );
    case 'CustomBlockFound':
      return info(
        `the pool has found block ${outcome.height} on a declared job: ${toDisplayHex(outcome.hash)}, ` +
          (outcome.isKnown ? 'which its client has pushed' : 'submitted'),
      );
    case 'CustomBlockUnknown':
      return trouble(
        `the pool has found block ${toDisplayHex(outcome.hash)} on a custom job, and its client alone can publish it: ${outcome.reason}`,
      );
    case 'SolutionRefused':
      return trouble(
        `client ${outcome.clientId} pushed a solution that makes no block: ${outcome.reason}`,
        'solution refused',
      );
    case 'PushedBlockAccepted':
      return info(`block ${outcome.height} accepted by the node: ${toDisplayHex(outcome.hash)}`);
    case 'PushedBlockRejected': {
      const { height, hash, reason, message } = outcome;
      // its client's own node was faster
      if (isKnownBlock(reason))
        return info(`block ${height} is known to the node already: ${toDisplayHex(hash)}`);
      return trouble(
        `block ${height}, ${toDisplayHex(hash)}, rejected by the node: ${quoted(reason)}: ${message}`,
      );
    }
    case 'ExtraSubmission':
      return extraSubmissionLine(outcome);
    case 'ProposalUnjudged':
      return trouble(
        `the node could not judge a declared block ${outcome.height}: ${outcome.message}`,
        `unjudged: ${outcome.code}`,
      );
    case 'SourceError':
      return trouble(
        `the Bitcoin node: ${outcome.message}; trying again until it works`,
        `source: ${outcome.code}`,
      );
    case 'SourceWarning':
      return trouble(outcome.message);
    case 'SourceRecovered':
      return info('the Bitcoin node is back');
    default:
      return undefined;
  }
}
