import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  asyncScheduler,
  catchError,
  concat,
  defer,
  EMPTY,
  endWith,
  finalize,
  from,
  fromEvent,
  map,
  merge,
  mergeMap,
  of,
  Subject,
  take,
  takeUntil,
  takeWhile,
  tap,
  throwError,
  timeout,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { CodecError } from '../codec/codec-error.js';
import { Sv2Error } from '../codec/errors.js';
import { FramingError, maxPayloadLength } from '../framing/header.js';
import { toJson } from '../framing/json.js';
import { SetupConnectionError, SetupConnectionSuccess } from '../messages/common.js';
import type { Subprotocol } from '../messages/define-message.js';
import { connect } from '../node/connect.js';
import { NoiseError } from '../noise/errors.js';
import { setupConnectionOf } from '../service/setup/client-setup.js';
import { ServiceError } from '../service/errors.js';
import { protocolVersions } from '../service/setup/server-setup.js';
import type { Connection, Connector } from '../transport/connection.js';
import type { SilentServer } from '../transport/encryption-mismatch.js';
import { messageFromLine } from './encode.js';
import type { CommandContext, CommandIo } from './io.js';
import { errorLine, readLines } from './lines.js';
import { printable } from './printable.js';

/** The subprotocols by the names they have on the command line. */
const protocolNames = {
  mining: 'mining',
  'job-declaration': 'jobDeclaration',
  'template-distribution': 'templateDistribution',
} as const satisfies Record<string, Subprotocol>;

interface ConnectOptions {
  readonly protocol: keyof typeof protocolNames;
  readonly flags: number;
  readonly encryption: boolean;
}

/** Gives `sv2 connect URL` its options and what it does. */
export function registerConnect(command: Command, context: CommandContext): void {
  command
    .argument('<URL>', 'stratum2+tcp://host:port[/AUTHORITY_KEY]; without a key any server is accepted')
    .addOption(
      new Option('--protocol <NAME>', 'the subprotocol to set up')
        .choices(Object.keys(protocolNames))
        .default('mining'),
    )
    .option('--flags <N>', 'the flags of SetupConnection, decimal or hex (0x…)', parseFlags, 0)
    .option('--no-encryption', 'plaintext instead of Noise; an authority key is then of no use')
    .addHelpText(
      'after',
      `
Sends SetupConnection and prints every message it receives, the answer first. Once that is a success, lines of stdin
are sent: what \`sv2 encode\` takes. A line that cannot be sent, or a frame that cannot be decoded, gives
{"error":{"code":…,"message":…}} on stdout, and exit status 1 at the end; so does SetupConnection.Error.

It stays connected when stdin ends, so that answers are not lost, and ends when the server closes or with Ctrl-C.

Example:
  $ echo '{"name":"CloseChannel","payload":{"channelId":1,"reasonCode":""}}' |
      timeout 5 sv2 connect stratum2+tcp://127.0.0.1:34254 --no-encryption`,
    )
    .action(async (url: string, { protocol, flags, encryption }: ConnectOptions, command: Command) => {
      const setup = { protocol: protocolNames[protocol], flags };
      context.setExitCode(await converse(connectorFor(url, encryption, command, context), setup, context));
    });
}

function connectorFor(
  url: string,
  encrypted: boolean,
  command: Command,
  { stderr }: CommandContext,
): Connector {
  try {
    const silenceObserver = {
      next: ({ message }: SilentServer) =>
        void stderr.write(`sv2: ${printable(message)}
`),
    };
    return connect(url, { encrypted, silenceObserver });
  } catch (error) {
    // an argument parser's error would repeat the URL, and with it a secret key put there by mistake
    if (error instanceof Sv2Error) command.error(`error: ${error.message}`);
    throw error;
  }
}

/**
 * Dials, sets up the connection, and prints and sends messages until the server closes, the user interrupts or
 * nobody reads stdout any more.
 * @param connector dials the server
 * @param setup what to ask for
 * @param scheduler the clock that limits the time until SetupConnection is answered
 * @returns the exit status: 1 if an error line was printed or the server refused
 * @throws TransportError, NoiseError if there is no connection, or none any more; ServiceError `setup-timeout`, or
 * `setup-connection-required` if the server closes without an answer
 */
export async function converse(
  connector: Connector,
  setup: { readonly protocol: Subprotocol; readonly flags: number },
  { stdin, stdout, interrupt$ }: CommandIo,
  scheduler: SchedulerLike = asyncScheduler,
): Promise<0 | 1> {
  let status: 0 | 1 = 0;
  const hello = setupConnectionOf({ ...setup, versions: protocolVersions, device: {} }, connector.endpoint);
  const end$ = merge(interrupt$, fromEvent(stdout, 'close'), fromEvent(stdout, 'error'));
  await new Promise<void>((resolve, reject) => {
    connector
      .pipe(
        mergeMap((connection) => {
          connection.limitPayload(maxPayloadLength); // whatever comes is shown, of any size
          connection.send(hello);
          return exchange(connection, stdin, scheduler);
        }),
        takeUntil(end$),
        finalize(() => {
          stdin.destroy(); // or the process would wait for more of it
          resolve();
        }),
      )
      .subscribe({
        next: ({ line, failed }) => {
          if (failed) status = 1;
          stdout.write(`${line}\n`);
        },
        error: reject,
      });
  });
  return status;
}

/** What is printed. */
interface Printed {
  readonly line: string;
  /** It tells of something that makes for exit status 1. */
  readonly failed: boolean;
}

/** Milliseconds a server has to say anything at all. */
const setupTimeout = 10_000;

/** What a connection's messages and the lines that cannot be sent print; ends with the connection. */
function exchange(
  connection: Connection,
  stdin: CommandIo['stdin'],
  scheduler: SchedulerLike,
): Observable<Printed> {
  const accepted$ = new Subject<void>();
  let answered = false;

  const received$ = connection.message$.pipe(
    timeout({ first: setupTimeout, scheduler, with: () => throwError(noAnswer) }),
    tap((message) => {
      if (!SetupConnectionSuccess.match(message)) return;
      answered = true;
      accepted$.next();
    }),
    map((message): Printed => {
      const refused = !answered && SetupConnectionError.match(message);
      if (refused) answered = true;
      return { line: printable(JSON.stringify(toJson(message))), failed: refused };
    }),
    takeWhile(({ failed }) => !failed, true),
  );
  const unanswered$ = defer(() => (answered ? EMPTY : throwError(closedUnanswered)));

  const unsendable$ = accepted$.pipe(
    take(1),
    mergeMap(() => from(readLines(stdin))),
    mergeMap((lines) => lines.flatMap((line) => sendLine(connection, line))),
  );

  return merge(
    unsendable$,
    concat(received$, unanswered$).pipe(catchError(undecodable), endWith(undefined)),
  ).pipe(takeWhile((printed) => printed !== undefined));
}

/** Sends the message of a line, or says why not. */
function sendLine(connection: Connection, line: string): Printed[] {
  const trimmed = line.trim();
  if (trimmed === '') return [];
  try {
    connection.send(messageFromLine(trimmed));
    return [];
  } catch (error) {
    if (!(error instanceof Sv2Error)) throw error;
    return [failure(error)];
  }
}

/** A frame that cannot be decoded is a line of output; that the connection broke is an error of the command. */
function undecodable(error: unknown): Observable<Printed> {
  const isFrame = error instanceof CodecError || error instanceof FramingError || error instanceof NoiseError;
  return isFrame ? of(failure(error)) : throwError(() => error);
}

const failure = ({ code, message }: Sv2Error): Printed => ({ line: errorLine(code, message), failed: true });

const noAnswer = (): ServiceError =>
  new ServiceError('setup-timeout', `the server did not answer SetupConnection within ${setupTimeout} ms`);

const closedUnanswered = (): ServiceError =>
  new ServiceError('setup-connection-required', 'the server closed without an answer to SetupConnection');

function parseFlags(text: string): number {
  const flags = /^(?:\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : NaN;
  if (flags <= 0xffff_ffff) return flags;
  throw new InvalidArgumentError('Expected 32 bits, decimal or as 0x and hex digits.');
}
