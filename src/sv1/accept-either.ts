/** One port for miners of Stratum V1 and clients of Stratum V2: their first bytes tell which they are. */
import { concatMap, map, type Observable, type OperatorFunction } from 'rxjs';
import { acceptStreams } from '../transport/accept-streams.js';
import type { AcceptOptions } from '../transport/accept-connections.js';
import type { Connection } from '../transport/connection.js';
import { firstBytes, unreadStream } from '../transport/first-bytes.js';
import { handshakeQueue } from '../transport/handshake-queue.js';
import { declaredMessages } from '../transport/knowing.js';
import { completeLimits, completeListenerLimits } from '../transport/limits.js';
import { openConnection } from '../transport/open-connection.js';
import { serverHandshakes } from '../transport/security.js';
import type { ByteStream } from '../transport/byte-stream.js';
import { openSv1, type Sv1Connection, type Sv1ConnectionLimits } from './connection.js';

/** How a listener for both secures and limits its connections: `maxConnections` … are of all together. */
export interface EitherAcceptOptions extends AcceptOptions, Pick<Sv1ConnectionLimits, 'maxLine'> {}

/** A connection of one of the two protocols. */
export type EitherConnection = (
  | { readonly protocol: 'sv1'; readonly connection: Sv1Connection }
  | { readonly protocol: 'sv2'; readonly connection: Connection }
) & { close(): void };

/**
 * Bytes of text that a line of Stratum V1 is known by. A key of ElligatorSwift, which a client that encrypts begins with, is 64 bytes
 * without any pattern: it begins like this once in 10^9 times at most.
 */
const judgedLength = 16;

const isText = (byte: number): boolean => (byte >= 0x20 && byte <= 0x7e) || (byte >= 0x09 && byte <= 0x0d);
const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

/**
 * Which protocol a client speaks: lines of Stratum V1 are JSON objects. Stratum V2 begins with a key, or in plaintext with two zeros.
 * @param received all that came so far, one byte or more
 * @returns null while that is too little to know
 */
export function protocolOf(received: Uint8Array): 'sv1' | 'sv2' | null {
  const begins = received.subarray(0, judgedLength);
  const first = begins.findIndex((byte) => !isSpace(byte));
  if (first >= 0 && begins[first] !== 0x7b) return 'sv2'; // {
  if (!begins.every(isText)) return 'sv2';
  const isLine = first >= 0 && begins.indexOf(0x0a, first) >= 0;
  if (begins.length < judgedLength && !isLine) return null;
  return first >= 0 ? 'sv1' : 'sv2';
}

/**
 * Turns the streams of a listener into connections of whichever protocol their clients speak. Who says nothing, or too little to tell,
 * within `handshakeTimeout` is reported to the `handshakeErrorObserver`, and counts as a newcomer until then: see `ListenerLimits`.
 * @param shortage$ as for `acceptConnections`
 * @throws TransportError `invalid-option`; NoiseError `authority-key`, `certificate-validity`
 */
export function acceptEither(
  options: EitherAcceptOptions,
  shortage$?: Observable<unknown>,
): OperatorFunction<ByteStream, EitherConnection> {
  const limits = completeLimits(options, 'client');
  const messages = declaredMessages(options.messages);
  const handshakes = serverHandshakes(options, () => limits.scheduler.now());
  return acceptStreams<EitherConnection>(
    {
      limits,
      listenerLimits: completeListenerLimits(options),
      handshakeErrorObserver: options.handshakeErrorObserver,
      begin(shared) {
        const keys = handshakes?.();
        const inTurn = handshakeQueue(shared.turns, keys?.atOnce ?? 1);
        const { maxPayload: _, ...own } = options;
        return {
          connect: (stream, spoke) =>
            firstBytes(stream, limits, (received) => protocolOf(received) !== null).pipe(
              concatMap((early) => {
                if (protocolOf(early) === 'sv1') {
                  spoke();
                  return openSv1(stream, { encrypted: false, limits: own, early, shared }, inTurn).pipe(
                    map((connection): EitherConnection => ({
                      ...{ protocol: 'sv1', connection, close: () => connection.close() },
                    })),
                  );
                }
                return openConnection(unreadStream(stream, early, limits.nextTurn), {
                  ...{ ...limits, receivesFrom: 'client', messages, handshake: keys?.start, shared },
                  inTurn: (work$) => {
                    spoke();
                    return inTurn(work$);
                  },
                }).pipe(
                  map((connection): EitherConnection => ({
                    ...{ protocol: 'sv2', connection, close: () => connection.close() },
                  })),
                );
              }),
            ),
          end: () => keys?.clear(),
        };
      },
    },
    shortage$,
  );
}
