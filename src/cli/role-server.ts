import { NEVER, Subject, type Observable, type OperatorFunction } from 'rxjs';
import * as z from 'zod';
import { Sv2Error } from '../codec/errors.js';
import { handshakeWorkers } from '../node/handshake-workers.js';
import { listen, type ListenOptions } from '../node/listen.js';
import { listenEither } from '../node/listen-either.js';
import type { ApplicationOutcome, ServerOutcome } from '../service/outcomes.js';
import type { Sv1Connection } from '../sv1/connection.js';
import type { Connection } from '../transport/connection.js';
import { TransportError } from '../transport/errors.js';
import { defaultListenerLimits } from '../transport/limits.js';
import { authorityPublicKey, authoritySecretKey, ConfigError, hostPort, number } from './config.js';
import { exposedFile } from './exposed-file.js';
import { quoted } from './printable.js';
import { info, trouble, type LogLine } from './log-line.js';

/** The settings of a role that listens, for its zod schema; keys as in the reference pool's configuration. */
export const listenSettings = (defaultAddress: string) => ({
  listen_address: hostPort(0).default(hostPort(0).parse(defaultAddress)),
  authority_public_key: authorityPublicKey().optional(),
  authority_secret_key: authoritySecretKey().optional(),
  cert_validity_sec: number({ min: 2, max: 0xffff_ffff, integer: true, unit: 'seconds' }).default(3600),
  encryption: z.boolean({ error: 'expected true or false' }).optional(),
  max_connections: limit().default(defaultListenerLimits.maxConnections),
  max_connections_per_address: limit().default(defaultListenerLimits.maxConnectionsPerAddress),
});

/** How many there may be of what clients take up: a number above 0. */
export function limit() {
  return number({ min: 1, max: 1_000_000, integer: true });
}

/** What {@link listenSettings} come out as. */
export interface ListenSettings {
  readonly listen_address: { readonly host: string; readonly port: number };
  readonly authority_public_key?: string | undefined;
  readonly authority_secret_key?: string | undefined;
  readonly cert_validity_sec: number;
  /** `false` for plaintext in spite of clients on other machines. */
  readonly encryption?: boolean | undefined;
  readonly max_connections: number;
  readonly max_connections_per_address: number;
}

/** The options of a command whose role listens, as Commander takes them. */
export const listenOptions = [
  ['--listen <HOST:PORT>', 'where to listen; port 0 for any that is free'],
  ['--authority-public-key <KEY>', 'of the authority that vouches for this server; without keys, plaintext'],
  ['--authority-secret-key <KEY>', 'better put into the configuration file: others can see command lines'],
  ['--cert-validity-sec <SECONDS>', 'how long a certificate is valid'],
  ['--no-encryption', 'plaintext, though other machines can connect; this one alone needs no such flag'],
  ['--max-connections <NUMBER>', `at one time (default: ${defaultListenerLimits.maxConnections})`],
  [
    '--max-connections-per-address <NUMBER>',
    `of all clients behind it (default: ${defaultListenerLimits.maxConnectionsPerAddress})`,
  ],
] as const;

/** Clients of a role, and what there is to say about how they come. */
export interface RoleListener {
  readonly listen: Observable<Connection>;
  readonly line$: Observable<LogLine>;
}

/** What else a listener may have. */
export interface RoleListenerOptions {
  /** The configuration file, if there is one: others should not be able to read what is secret in it. */
  readonly file?: string | undefined;
  /** What makes clients of miners that speak Stratum V1, if they are to come to the same port. */
  readonly sv1Operator?: OperatorFunction<Sv1Connection, Connection> | undefined;
  /** Once it emits, nobody else is let in; never unless given. */
  readonly acceptUntil$?: Observable<unknown>;
}

/**
 * Listens as the settings say.
 * @param settings results of {@link listenSettings}
 * @param role what listens, for the log: `template provider`
 * @throws ConfigError for a key without its other half, keys that are not a pair, and plaintext for other machines that was
 * not asked for
 */
export function roleListener(
  settings: ListenSettings,
  role: string,
  { file, sv1Operator, acceptUntil$ = NEVER }: RoleListenerOptions = {},
): RoleListener {
  const { authority_public_key: publicKey, authority_secret_key: secretKey } = settings;
  if ((publicKey === undefined) !== (secretKey === undefined)) {
    const [given, missing] = publicKey === undefined ? ['secret', 'public'] : ['public', 'secret'];
    throw new ConfigError([`authority_${missing}_key is missing: authority_${given}_key needs it`]);
  }
  checkEncryption(settings);
  const line$ = new Subject<LogLine>();
  const authority = publicKey === undefined || secretKey === undefined ? undefined : { publicKey, secretKey };
  try {
    const options: ListenOptions = {
      ...settings.listen_address,
      ...(authority === undefined ? {} : { authority }),
      certificateValidity: settings.cert_validity_sec,
      maxConnections: settings.max_connections,
      maxConnectionsPerAddress: settings.max_connections_per_address,
      acceptUntil$,
      responder: handshakeWorkers(undefined, { next: ({ message }) => line$.next(trouble(message)) }),
      listeningObserver: {
        next({ host, port }) {
          const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
          line$.next(info(`${role} listening on ${address}`));
          for (const line of exposedFile(file)) line$.next(line);
          if (authority === undefined) {
            line$.next(
              trouble(`no authority keys are configured: connections to ${address} are not encrypted`),
            );
          }
        },
      },
      handshakeErrorObserver: {
        next: ({ address, error }) =>
          line$.next(
            trouble(`${address} was not let in: ${messageOf(error)}`, `not let in: ${codeOf(error)}`),
          ),
      },
    };
    const connection$ =
      sv1Operator === undefined ? listen(options) : listenEither({ ...options, sv1Operator });
    return { listen: connection$, line$: line$.asObservable() };
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    const problem = error.detail['option'] === 'authority' ? 'authority_public_key' : 'listen_address';
    throw new ConfigError([`${problem}: ${error.message}`]);
  }
}

/** Plaintext off this machine is refused unless asked for: anybody on the way could take the work of all miners. */
function checkEncryption({
  listen_address: { host },
  authority_public_key: key,
  encryption,
}: ListenSettings): void {
  if (key !== undefined && encryption === false)
    throw new ConfigError(['authority_public_key: of no use without encryption, which is switched off']);
  if (key === undefined && encryption === true)
    throw new ConfigError([
      'encryption: it takes authority_public_key and authority_secret_key, see sv2 keygen',
    ]);
  if (key !== undefined || encryption === false || isLoopback(host)) return;
  throw new ConfigError([
    'listen_address: other machines could connect, and without authority keys nothing is encrypted: add keys ' +
      '(sv2 keygen), or say --no-encryption (encryption = false) if the network is yours alone',
  ]);
}

const isLoopback = (host: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/i.test(host);

/** What an outcome that all servers have says in the log; nothing for messages and the application's own. */
export function serverLine(outcome: ServerOutcome<ApplicationOutcome>): LogLine | undefined {
  if (!isServerOutcome(outcome)) return undefined;
  switch (outcome.type) {
    case 'connected': {
      const { clientId, client } = outcome;
      const { vendor, firmware } = client.setupConnection;
      const device = [vendor, firmware]
        .filter((part) => part !== '')
        .map(quoted)
        .join(' ');
      return info(
        `client ${clientId} connected from ${client.peer.address}${device && ` (${device})`}`,
        `connected: ${hostOf(client.peer.address)}`,
      );
    }
    case 'disconnected': {
      const { clientId, peer, reason } = outcome;
      return info(
        `client ${clientId} (${peer.address}) disconnected: ${reason.message}`,
        `disconnected: ${hostOf(peer.address)} ${reason.code}`,
      );
    }
    case 'setupRefused':
      return trouble(
        `client ${outcome.clientId} (${outcome.peer.address}) was refused: ${quoted(outcome.errorCode)}`,
        `refused: ${outcome.errorCode}`,
      );
    case 'rejected':
      return trouble(
        `client ${outcome.clientId} sent ${outcome.message.type}, which was rejected: ${outcome.code}`,
        `rejected: ${outcome.clientId} ${outcome.code}`,
      );
    case 'handlerError':
      return trouble(
        `error${outcome.event === undefined ? '' : ` while handling ${outcome.event.type}`}: ${messageOf(outcome.error)}`,
        `error: ${codeOf(outcome.error)}`,
      );
    default:
      return undefined;
  }
}

const isServerOutcome = (outcome: ServerOutcome<ApplicationOutcome>): outcome is ServerOutcome =>
  ['connected', 'disconnected', 'setupRefused', 'rejected', 'handlerError'].includes(outcome.type);

/** What an error says, and where it was raised if it is a fault of ours. */
export const messageOf = (error: unknown): string =>
  error instanceof Sv2Error || !(error instanceof Error)
    ? error instanceof Error
      ? error.message
      : String(error)
    : (error.stack ?? error.message);

/** By what errors are told apart in a log. */
export const codeOf = (error: unknown): string => (error instanceof Sv2Error ? error.code : 'unexpected');

/** An address without its port, which another connection from there would not share. */
const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(':'));
