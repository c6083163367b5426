import { quoted } from '../codec/printable.js';
import { TransportError, type TransportErrorCode } from '../transport/errors.js';

type Explanation = readonly [code: TransportErrorCode, problem: string];

const connecting: Readonly<Record<string, Explanation>> = {
  ECONNREFUSED: [
    'connection-refused',
    'refused the connection: check that the server runs and that host and port are right',
  ],
  ENOTFOUND: ['host-not-found', 'could not be found: check the spelling of the host name'],
  EAI_AGAIN: [
    'host-not-found',
    'could not be looked up: check the host name and that this machine can reach a name server',
  ],
  ETIMEDOUT: ['connection-timeout', 'did not answer: check the address and firewalls on the way'],
  EHOSTUNREACH: ['host-unreachable', 'cannot be reached: check the address and the network'],
  ENETUNREACH: ['host-unreachable', 'cannot be reached: check the address and the network'],
  ECONNRESET: ['connection-reset', 'dropped the connection'],
  EPIPE: ['connection-reset', 'dropped the connection'],
};

const listening: Readonly<Record<string, Explanation>> = {
  EADDRINUSE: ['address-in-use', 'is in use: choose another port, or stop the program that listens there'],
  EADDRNOTAVAIL: [
    'address-not-available',
    'is not an address of this machine: check the host, or use 0.0.0.0 or :: for all interfaces',
  ],
  EACCES: ['permission-denied', 'may not be used by this process: choose a port above 1023'],
  ENOTFOUND: ['host-not-found', 'could not be found: check the spelling of the host name'],
  EAI_AGAIN: ['host-not-found', 'could not be looked up: check the host name, or use an address'],
};

const noDescriptor =
  'has no file descriptor left for another client: lower maxConnections, or raise the limit of the system (ulimit -n)';
const accepting: Readonly<Record<string, Explanation>> = {
  EMFILE: ['too-many-connections', noDescriptor],
  ENFILE: ['too-many-connections', noDescriptor],
};

/** What a failed or lost connection with `address` means; `cause` is the error given. */
export function connectionError(error: Error, address: string): TransportError {
  return explain(connecting, error, address, ['connection-failed', 'failed']);
}

/** What a failure to listen at `address` means; `cause` is the error given. */
export function listenError(error: Error, address: string): TransportError {
  return explain(listening, error, address, ['listen-failed', 'could not be listened at']);
}

/** What a failure to take a client at `address` means; `cause` is the error given. */
export function acceptError(error: Error, address: string): TransportError {
  return explain(accepting, error, address, ['connection-failed', 'could not take a client']);
}

function explain(
  explanations: Readonly<Record<string, Explanation>>,
  error: NodeJS.ErrnoException,
  address: string,
  otherwise: Explanation,
): TransportError {
  const systemCode = error.code ?? '';
  const known = explanations[systemCode];
  const [code, problem] = known ?? otherwise;
  return new TransportError(
    code,
    `${address} ${problem}${known === undefined ? ` (${quoted(error.message)})` : ''}`,
    { address, systemCode },
    error,
  );
}
