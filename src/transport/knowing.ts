/** Connections that know messages which the specification does not have. */
import { map } from 'rxjs';
import {
  noOwnMessages,
  ownMessages,
  type AnyMessageCreator,
  type OwnMessages,
} from '../messages/own-messages.js';
import { TransportError } from './errors.js';
import type { Connection } from './connection.js';

/** A connection whose `message$` and `send` have these messages as what they are. */
export function knowing(connection: Connection, own: OwnMessages): Connection {
  if (own === noOwnMessages) return connection;
  return {
    ...connection,
    message$: connection.message$.pipe(map((message) => own.read(message))),
    send: (...messages) => connection.send(...messages.map((message) => own.write(message))),
    get queuedBytes() {
      return connection.queuedBytes;
    },
  };
}

/** What the option `messages` declares. @throws TransportError `invalid-option`; its cause says more */
export function declaredMessages(creators: readonly AnyMessageCreator[] | undefined): OwnMessages {
  try {
    return creators === undefined ? noOwnMessages : ownMessages(creators);
  } catch (error) {
    throw new TransportError('invalid-option', (error as Error).message, { option: 'messages' }, error);
  }
}
