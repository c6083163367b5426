import type { NextObserver, Observable, OperatorFunction } from 'rxjs';
import type { AnyMessageCreator } from '../messages/own-messages.js';
import { acceptStreams, type HandshakeFailure } from './accept-streams.js';
import type { ByteStream } from './byte-stream.js';
import type { Connection } from './connection.js';
import { handshakeQueue } from './handshake-queue.js';
import {
  completeLimits,
  completeListenerLimits,
  type ConnectionLimits,
  type ListenerLimits,
} from './limits.js';
import { declaredMessages } from './knowing.js';
import { openConnection } from './open-connection.js';
import { serverHandshakes, type ServerSecurity } from './security.js';

/** How a listener secures and limits its connections. */
export interface AcceptOptions extends ServerSecurity, ConnectionLimits, ListenerLimits {
  /** Messages that connections know besides those of the specification; to them others of extensions are `Unknown`. */
  readonly messages?: readonly AnyMessageCreator[];
  /** Told about each client that was not let in. */
  readonly handshakeErrorObserver?: NextObserver<HandshakeFailure>;
}

/**
 * Turns the streams of a listener into its clients' connections. A client that fails is reported to the
 * `handshakeErrorObserver` and disturbs nobody else. Unsubscribing closes every handshake under way and every
 * connection.
 * @param shortage$ emits when the system has no place for another client: some of the newcomers that say nothing
 * make place then
 * @throws TransportError `invalid-option`; NoiseError `authority-key`, `certificate-validity`
 */
export function acceptConnections(
  options: AcceptOptions,
  shortage$?: Observable<unknown>,
): OperatorFunction<ByteStream, Connection> {
  const listenerLimits = completeListenerLimits(options);
  const limits = completeLimits(options, 'client');
  const messages = declaredMessages(options.messages);
  const handshakes = serverHandshakes(options, () => limits.scheduler.now());
  const { handshakeErrorObserver } = options;
  return acceptStreams<Connection>(
    {
      limits,
      listenerLimits,
      handshakeErrorObserver,
      begin(shared) {
        const keys = handshakes?.();
        const inTurn = handshakeQueue(shared.turns, keys?.atOnce ?? 1);
        return {
          connect: (stream, spoke) =>
            openConnection(stream, {
              ...limits,
              receivesFrom: 'client',
              messages,
              handshake: keys?.start,
              inTurn: (work$) => {
                spoke();
                return inTurn(work$);
              },
              shared,
            }),
          end: () => keys?.clear(),
        };
      },
    },
    shortage$,
  );
}
