/** What a client and its server say to each other, and what of it concerns the relay between them. */
import { concat, defer, EMPTY, merge, timeout, type Observable } from 'rxjs';
import { quoted } from '../../codec/printable.js';
import { decodeMessage, encodeFrame } from '../../framing/frame.js';
import type { Frame } from '../../framing/frame-assembler.js';
import { headerSize, maxPayloadLength, readHeader } from '../../framing/header.js';
import { Reconnect, SetupConnectionError, SetupConnectionSuccess } from '../../messages/common.js';
import { RequestExtensionsSuccess } from '../../messages/extensions.js';
import { isUnknownExtension, type Message } from '../../messages/registry.js';
import { extensionNegotiation } from '../../messages/user-identity.js';
import type { Connection } from '../../transport/connection.js';
import { sourceOf } from '../../transport/source.js';
import { ServiceError } from '../errors.js';
import { judgeRedirect } from '../setup/client-setup.js';
import type { Dialled } from './dialling.js';
import { direction, type Direction } from './direction.js';
import type { Ending } from './ending.js';
import type { PairContext } from './pair.js';
import type { RelayClient } from './relay.js';

/** Milliseconds that the delivery of what is queued for an end may take, once nothing more will come. */
const drainTimeout = 10_000;

/** Asks a client to come back to where it is. */
const comeBack = encodeFrame(Reconnect({ newHost: '', newPort: 0 }));

/** What flows between a client and its server. */
export interface Conversation {
  /** From the client to the server. */
  readonly up: Direction;
  /** From the server to the client. */
  readonly down: Direction;
  /** Pipes both ways while subscribed; completes when both ends are closed. */
  readonly pipe$: Observable<never>;
  /** Takes what the server says, the answer to SetupConnection first. @throws what ends the pair */
  onServerFrame(frame: Frame): void;
}

/** A conversation that has not begun. @param onAccepted called once the server has accepted SetupConnection */
export function conversation(
  client: Connection,
  relayed: RelayClient,
  { server, connector }: Dialled,
  context: PairContext,
  ending: Ending,
  onAccepted: () => void,
): Conversation {
  const { emit, scheduler, redirects, messages, toServer, toClient } = context;
  const { clientId } = relayed;
  const up = direction(client, server, messages, scheduler);
  const down = direction(server, client, messages, scheduler);
  const pair = { client: relayed, server: { peer: server.peer, endpoint: connector.endpoint } };
  let isAnswered = false;

  /** Delivers everything that a direction has to say, then closes the end that it was for. */
  function closing(name: string, run$: Observable<never>, to: Connection): Observable<never> {
    return concat(
      run$,
      defer(() => {
        ending.failed('relay', new ServiceError('handler-failed', `${name} completed`));
        return to.drained$.pipe(timeout({ first: drainTimeout, scheduler, with: () => EMPTY }));
      }),
      defer(() => {
        to.close();
        return EMPTY;
      }),
    );
  }

  const onAnswer = (message: Message): void => {
    if (SetupConnectionError.match(message)) {
      const { errorCode, flags } = message;
      ending.by('server', {
        code: 'setup-refused',
        message: `SetupConnection was refused: ${quoted(errorCode)}`,
      });
      emit({ type: 'setupRefused', clientId, errorCode, flags });
    } else if (SetupConnectionSuccess.match(message)) {
      isAnswered = true;
      onAccepted();
      emit({ type: 'connected', clientId, ...pair });
    } else throw setupRequired('an answer to SetupConnection', message);
  };

  const onReconnect = (message: Reconnect): void => {
    const judged = judgeRedirect(message, connector, server.peer);
    const { endpoint } = judged;
    if (judged.refused !== undefined) {
      emit({ type: 'redirectRefused', clientId, endpoint, reason: judged.refused });
      return;
    }
    if (judged.connector !== connector)
      redirects.remember(sourceOf(client.peer.address), connector.endpoint, judged.connector);
    emit({ type: 'redirected', clientId, endpoint });
    ending.by('server', { code: 'redirected', message: 'the server asked to reconnect' });
    down.receive({ header: readHeader(comeBack, 0), payload: comeBack.subarray(headerSize) });
    server.close();
  };

  return {
    up,
    down,
    pipe$: merge(
      closing(
        'toServer',
        up.run(
          'toServer',
          toServer &&
            ((message$) =>
              toServer(message$, { ...pair, fromServer$: down.received$, toClient$: down.sent$ })),
        ),
        server,
      ),
      closing(
        'toClient',
        down.run(
          'toClient',
          toClient &&
            ((message$) => toClient(message$, { ...pair, fromClient$: up.received$, toServer$: up.sent$ })),
        ),
        client,
      ),
    ),
    onServerFrame(frame) {
      const { extensionType, messageType } = frame.header;
      const isCommon = extensionType === 0 && messageType <= Reconnect.schema.messageType;
      if (!isAnswered || isCommon || extensionType === extensionNegotiation) {
        const message = decodeMessage(frame.header, frame.payload);
        if (!isAnswered) onAnswer(message);
        if (Reconnect.match(message)) {
          onReconnect(message);
          return;
        }
        // nobody here can know how large the messages of such extensions are
        if (RequestExtensionsSuccess.match(message) && message.supportedExtensions.some(isUnknownExtension)) {
          client.limitPayload(maxPayloadLength);
          server.limitPayload(maxPayloadLength);
        }
      }
      down.receive(frame);
    },
  };
}

/** Says which message had to be the first, and which one came. */
export const setupRequired = (expected: string, { type }: Message): ServiceError =>
  new ServiceError('setup-connection-required', `the first message must be ${expected}, got ${type}`, {
    type,
  });
