/** Connections that know messages which the specification does not have. */
import { map, type Observable } from 'rxjs';
import type { Frame } from '../framing/frame-assembler.js';
import {
  noOwnMessages,
  ownMessages,
  type AnyMessageCreator,
  type OwnMessages,
} from '../messages/own-messages.js';
import type { Message } from '../messages/registry.js';
import type { Connection, Peer } from './connection.js';
import { TransportError } from './errors.js';

/** A connection whose `message$` and `send` have these messages as what they are. */
export function knowing(connection: Connection, own: OwnMessages): Connection {
  if (own === noOwnMessages) return connection;
  return new KnowingConnection(connection, own);
}

class KnowingConnection implements Connection {
  readonly #connection: Connection;
  readonly #own: OwnMessages;

  constructor(connection: Connection, own: OwnMessages) {
    this.#connection = connection;
    this.#own = own;
  }

  get peer(): Peer {
    return this.#connection.peer;
  }

  get message$(): Observable<Message> {
    return this.#connection.message$.pipe(map((message) => this.#own.read(message)));
  }

  get frame$(): Observable<Frame> {
    return this.#connection.frame$;
  }

  send(...messages: readonly Message[]): void {
    this.#connection.send(...messages.map((message) => this.#own.write(message)));
  }

  sendFrames(...frames: readonly Frame[]): void {
    this.#connection.sendFrames(...frames);
  }

  get queuedBytes(): number {
    return this.#connection.queuedBytes;
  }

  get drained$(): Observable<never> {
    return this.#connection.drained$;
  }

  pause(until$: Observable<unknown>): void {
    this.#connection.pause(until$);
  }

  limitPayload(bytes: number): void {
    this.#connection.limitPayload(bytes);
  }

  close(): void {
    this.#connection.close();
  }
}

/** What the option `messages` declares. @throws TransportError `invalid-option`; its cause says more */
export function declaredMessages(creators: readonly AnyMessageCreator[] | undefined): OwnMessages {
  try {
    return creators === undefined ? noOwnMessages : ownMessages(creators);
  } catch (error) {
    throw new TransportError('invalid-option', (error as Error).message, { option: 'messages' }, error);
  }
}
