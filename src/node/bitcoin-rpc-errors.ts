import { Sv2Error } from '../codec/errors.js';
import { quoted } from '../codec/printable.js';

/** What can go wrong between us and a Bitcoin node. */
export type BitcoinRpcErrorCode =
  /** It cannot be reached: not running, wrong address, network. */
  | 'node-unreachable'
  /** It went away before it had answered. */
  | 'node-connection-lost'
  /** It did not answer in time. */
  | 'node-timeout'
  /** HTTP 401 or 403. */
  | 'node-unauthorized'
  /** Its cookie file cannot be read. */
  | 'cookie-unreadable'
  /** HTTP 503: too many requests, unless it says something else. */
  | 'node-busy'
  /** HTTP 503 or RPC error -9, and it says that it is being stopped. */
  | 'node-stopping'
  /** RPC error -28: it is starting. */
  | 'node-warming-up'
  /** RPC error -10: it has not all blocks yet. */
  | 'node-syncing'
  /** RPC error -9: it has no peers, unless it says something else. */
  | 'node-not-connected'
  /** Any other RPC error; `detail` has `rpcCode` and `rpcMessage`. */
  | 'rpc-error'
  /** What it answered makes no sense. */
  | 'invalid-answer'
  /** Its blocks follow a rule that is not known here. */
  | 'unsupported-rule'
  /** Its blocks must be signed for a signet (BIP 325). */
  | 'signet-signature-needed'
  /** Blocks are found faster than it takes them. */
  | 'too-many-blocks'
  /** An option of ours makes no sense. */
  | 'invalid-option';

/** A Bitcoin node could not be used. Never holds a password or cookie. */
export class BitcoinRpcError extends Sv2Error {
  override readonly name = 'BitcoinRpcError';

  /**
   * @param code stable identifier
   * @param message what was wrong and what to check
   * @param detail the offending values
   * @param cause the error that led to this one
   */
  constructor(
    override readonly code: BitcoinRpcErrorCode,
    message: string,
    detail: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(code, message, detail, cause);
  }
}

/** Whether an error is one of these. */
export const hasCode = (error: unknown, ...codes: readonly BitcoinRpcErrorCode[]): boolean =>
  error instanceof BitcoinRpcError && codes.includes(error.code);

/** Whether an error says that the node lacks a method. */
export const isMethodUnknown = (error: unknown): boolean =>
  error instanceof BitcoinRpcError && error.detail['rpcCode'] === -32601;

/** Whether an error says that a method may not be called by us (Bitcoin Core: `-rpcwhitelist`). */
export const isForbidden = (error: unknown): boolean =>
  error instanceof BitcoinRpcError && error.detail['status'] === 403;

/**
 * What a failed request means.
 * @param error of Node.js, with the system's code
 * @param address the node's host and port
 */
export function requestError(
  error: Error & { readonly code?: string | undefined },
  address: string,
): BitcoinRpcError {
  const { code: systemCode = '' } = error;
  const detail = { address, systemCode };
  const node = `the Bitcoin node at ${address}`;
  switch (systemCode) {
    case 'ECONNREFUSED':
      return new BitcoinRpcError(
        'node-unreachable',
        `${node} refused the connection: check that it runs, and host and port of its RPC`,
        detail,
        error,
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new BitcoinRpcError(
        'node-unreachable',
        `${node} could not be found: check the host name`,
        detail,
        error,
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return new BitcoinRpcError(
        'node-unreachable',
        `${node} cannot be reached: check the address and the network`,
        detail,
        error,
      );
    case 'ECONNRESET':
    case 'EPIPE':
      return connectionLost(address, error);
    default:
      return systemCode.startsWith('HPE_')
        ? new BitcoinRpcError(
            'invalid-answer',
            `${node} does not speak HTTP: check host and port of its RPC${tlsHint}`,
            detail,
            error,
          )
        : new BitcoinRpcError('node-unreachable', `${node} failed: ${quoted(error.message)}`, detail, error);
  }
}

/** The node closed the connection before its answer was complete. */
export const connectionLost = (address: string, cause?: unknown): BitcoinRpcError =>
  new BitcoinRpcError(
    'node-connection-lost',
    `the Bitcoin node at ${address} closed the connection before it had answered`,
    { address },
    cause,
  );

/** btcd's RPC speaks TLS unless told otherwise. */
const tlsHint = ' (btcd: with --notls)';

/** What an error is called, and what is told of it beside the node's own words. */
type Problem = readonly [code: BitcoinRpcErrorCode, problem: string];

/** Bitcoin Core's "Shutting down" and "Request rejected during server shutdown". */
const saysStopping = (said: string): boolean => /\b(shutting down|shutdown)\b/i.test(said);

const stopping: Problem = ['node-stopping', 'is being stopped'];

/** What an HTTP status means of a node that says this with it; undefined for a status that says nothing by itself. */
function httpProblem(status: number, said: string): Problem | undefined {
  switch (status) {
    case 401:
      return ['node-unauthorized', 'refused our user and password: check them, or the cookie file'];
    case 403:
      return ['node-unauthorized', 'does not let us do that: check its rpcallowip and rpcwhitelist'];
    case 503:
      if (saysStopping(said)) return stopping;
      // Bitcoin Core: "Work queue depth exceeded"; btcd: "503 Too busy.  Try again later."
      return /work queue|too busy/i.test(said)
        ? ['node-busy', 'has too much to do: check its rpcworkqueue and rpcthreads (btcd: rpcmaxclients)']
        : ['node-busy', 'has too much to do, or is being stopped'];
    default:
      return undefined;
  }
}

/** Characters of an answer that are looked at, and those that are shown. */
const [readAtMost, shownAtMost] = [1_000, 120];

/** What people can read of an answer that is not JSON-RPC: pages of web servers have tags. */
const textOf = (body: string): string =>
  body
    .slice(0, readAtMost)
    .replace(/<[^<>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, shownAtMost);

/**
 * What an HTTP status means, if the answer is not JSON-RPC.
 * @param body what came with it
 */
export function httpError(status: number, body: string, address: string): BitcoinRpcError {
  const said = textOf(body);
  const [code, problem] = httpProblem(status, said) ?? ['invalid-answer', undefined];
  const answer = `HTTP ${status}${said === '' ? '' : `: ${quoted(said)}`}`;
  const told =
    problem === undefined
      ? `answered ${answer}${said.includes('HTTPS') ? tlsHint : ''}`
      : `${problem} (${answer})`;
  return new BitcoinRpcError(code, `the Bitcoin node at ${address} ${told}`, { address, status });
}

/** What the number of an RPC error means of a node that says this with it; undefined for any other number. */
function rpcProblem(rpcCode: number, said: string): Problem | undefined {
  switch (rpcCode) {
    case -28:
      return ['node-warming-up', 'is starting'];
    case -10:
      return ['node-syncing', 'does not have all blocks yet'];
    case -9:
      if (saysStopping(said)) return stopping;
      return ['node-not-connected', /\bnot connected\b/i.test(said) ? 'has no peers' : 'is not ready'];
    default:
      return undefined;
  }
}

/**
 * What a JSON-RPC error means.
 * @param rpcCode the node's number, such as -28
 * @param rpcMessage the node's own words
 */
export function rpcError(
  method: string,
  rpcCode: number,
  rpcMessage: string,
  address: string,
): BitcoinRpcError {
  const [code, problem] = rpcProblem(rpcCode, rpcMessage) ?? ['rpc-error', `refused ${method}`];
  return new BitcoinRpcError(
    code,
    `the Bitcoin node at ${address} ${problem}: ${quoted(rpcMessage)} (RPC error ${rpcCode})`,
    { address, method, rpcCode, rpcMessage },
  );
}
