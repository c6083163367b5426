import { map, Subject, type NextObserver, type Observable } from 'rxjs';
import type { ApplicationOutcome, ClientOutcome } from '../service/outcomes.js';
import type { SilentServer } from '../transport/encryption-mismatch.js';
import { quoted } from './printable.js';
import { codeOf, messageOf } from './role-server.js';
import { info, trouble, type LogLine } from './log-line.js';

/**
 * What an outcome that all clients have says in the log; nothing for messages and the application's own.
 * @param server what the client is connected to, for the log: `pool`
 * @param plaintextFlag what makes it connect to a server that has no keys
 */
export function clientLine(
  outcome: ClientOutcome<ApplicationOutcome>,
  server: string,
  plaintextFlag: string,
): LogLine | undefined {
  if (!isClientOutcome(outcome)) return undefined;
  switch (outcome.type) {
    case 'connected':
      return info(`connected to the ${server} at ${outcome.server.peer.address}`);
    case 'disconnected': {
      const { code, message } = outcome.reason;
      const hint =
        code === 'peer-closed-during-handshake' || code === 'encryption-mismatch'
          ? ` (if it has no keys, ${plaintextFlag} is needed)`
          : '';
      return trouble(`no connection to the ${server}: ${message}${hint}`);
    }
    case 'reconnecting': {
      const { delay, endpoint } = outcome;
      const where = endpoint === undefined ? '' : ` at ${quoted(endpoint.host)}:${endpoint.port}`;
      return info(`trying the ${server}${where} again in ${(delay / 1000).toFixed(1)} s`);
    }
    case 'switched': {
      const { endpoint, upstream, left } = outcome;
      const where =
        endpoint === undefined ? `number ${upstream + 1}` : `${quoted(endpoint.host)}:${endpoint.port}`;
      return trouble(`going to the ${server} ${where} now: ${left.reason.message}`);
    }
    case 'redirectRefused': {
      const { endpoint, reason } = outcome;
      return trouble(
        `the ${server} sent us to ${quoted(endpoint.host)}:${endpoint.port}, not followed: ${reason}`,
      );
    }
    case 'rejected':
      return trouble(
        `the ${server} sent ${outcome.message.type}, which was rejected: ${outcome.code}`,
        `rejected: ${server} ${outcome.code}`,
      );
    case 'undeliverable':
      return trouble(
        `not connected to the ${server}, not sent: ${outcome.messages.map(({ type }) => type).join(', ')}`,
      );
    case 'handlerError': {
      const { error, event } = outcome;
      const what = event === undefined ? '' : ` while handling ${event.type}`;
      return trouble(`error${what}: ${messageOf(error)}`, `error: ${codeOf(error)}`);
    }
    default:
      return undefined;
  }
}

/** Hears of servers that say nothing, and tells of it. */
export interface SilenceLog {
  readonly silenceObserver: NextObserver<SilentServer>;
  readonly line$: Observable<LogLine>;
}

/**
 * What there is to say about servers that say nothing.
 * @param plaintextFlag what makes it connect to a server that has no keys
 */
export function silenceLog(plaintextFlag: string): SilenceLog {
  const silent$ = new Subject<SilentServer>();
  return {
    silenceObserver: { next: (silent) => silent$.next(silent) },
    line$: silent$.pipe(map((silent) => silenceLine(silent, plaintextFlag))),
  };
}

const silenceLine = ({ encrypted, message }: SilentServer, plaintextFlag: string): LogLine =>
  trouble(
    `${message}${encrypted ? ` (if it has no keys, ${plaintextFlag} is needed)` : ''}`,
    'server does not answer',
  );

const types = [
  'connected',
  'disconnected',
  'reconnecting',
  'switched',
  'redirectRefused',
  'rejected',
  'undeliverable',
  'handlerError',
];

const isClientOutcome = (outcome: ClientOutcome<ApplicationOutcome>): outcome is ClientOutcome =>
  types.includes(outcome.type);
