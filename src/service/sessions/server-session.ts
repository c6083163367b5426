import { Observable, Subject, Subscription, type SchedulerLike } from 'rxjs';
import { quoted } from '../../codec/printable.js';
import { SetupConnection } from '../../messages/common.js';
import type { Subprotocol } from '../../messages/define-message.js';
import type { RequestExtensions } from '../../messages/extensions.js';
import type { OwnMessages } from '../../messages/own-messages.js';
import type { Message } from '../../messages/registry.js';
import type { Connection } from '../../transport/connection.js';
import { knowing } from '../../transport/knowing.js';
import { admit } from './admission.js';
import { disconnectReason, ServiceError, type DisconnectReason } from '../errors.js';
import type { ClientInfo, ServerEvent } from '../events.js';
import { answerExtensions, listed, negotiatedTlvs, type ExtensionPolicy } from '../extensions/negotiation.js';
import type { Rejected, ServerOutcome } from '../outcomes.js';
import { answerSetup, type SetupPolicy, type Versions } from '../setup/server-setup.js';
import { nonsenseBucket, type NonsenseBucket, type NonsenseLimits } from './nonsense.js';
import { outgoing } from './outgoing.js';
import { silence } from './timing.js';

/** What all sessions of a server have in common. */
export interface ServerSessionContext {
  readonly policies: Partial<Record<Subprotocol, SetupPolicy>>;
  readonly versions: Versions;
  readonly extensions: ExtensionPolicy;
  /** Messages that are known besides those of the specification. */
  readonly messages: OwnMessages;
  /** Milliseconds a client has for its SetupConnection, and then to negotiate required extensions. */
  readonly setupTimeout: number;
  /** Milliseconds of silence after which a client is disconnected. */
  readonly inactivityLimit: number;
  readonly nonsense: Required<NonsenseLimits>;
  readonly scheduler: SchedulerLike;
  /** The clients whose SetupConnection was accepted; the session keeps its own entry. */
  readonly clients: Map<number, ClientInfo>;
  push(event: ServerEvent): void;
  emit(outcome: ServerOutcome): void;
}

const peerClosed: DisconnectReason = { code: 'peer-closed', message: 'the client closed the connection' };

/** Extensions that one RequestExtensions may name: many more than there are. */
const maxRequested = 64;

/** Messages that may wait for the end of a negotiation; a handler that has more to say is told that it failed. */
const maxHeld = 256;

/** The life of one client: the SetupConnection gate, extension negotiation, then its messages as events. */
// A class, as every client has one: as closures, and a dictionary for what was written down with a getter, it took 4 KiB.
export class ServerSession {
  readonly #connection: Connection;
  readonly #clientId: number;
  readonly #context: ServerSessionContext;
  readonly #bucket: NonsenseBucket;
  /** What is received, and what is waited for. */
  readonly #running = new Subscription();
  /** A message came. */
  readonly #sign$ = new Subject<void>();
  /** NaN before the first: a number from the start is changed in its place, where one made anew for each message outlives it. */
  #lastMessageAt = NaN;
  /** When extensions have to be negotiated. */
  #negotiation: Subscription | undefined;
  #client: ClientInfo | undefined;
  #closing: DisconnectReason | undefined;
  /** Whether the connection has ended by itself. */
  #hasEnded = false;
  /** Whether extensions were agreed upon, which is for good unless the channel's endpoint changes. */
  #agreed = false;
  #held: readonly Message[] = [];
  #lastWords: (() => readonly Message[]) | undefined;

  /**
   * @param connection a fresh connection
   * @param clientId the client's id
   * @param context what all sessions have in common
   */
  constructor(connection: Connection, clientId: number, context: ServerSessionContext) {
    this.#connection = knowing(connection, context.messages);
    this.#clientId = clientId;
    this.#context = context;
    this.#bucket = nonsenseBucket(context.nonsense, context.scheduler);
  }

  /** When the client's last message came, in milliseconds of the scheduler's clock. */
  get lastMessageAt(): number | undefined {
    return Number.isNaN(this.#lastMessageAt) ? undefined : this.#lastMessageAt;
  }

  /** Runs the connection while subscribed, once; completes when it has ended, whatever the reason. */
  get run$(): Observable<never> {
    return new Observable((subscriber) => {
      subscriber.add(() => this.#release());
      this.#run(() => {
        this.#release();
        this.#tellOfEnd();
        subscriber.complete();
      });
    });
  }

  /**
   * Sends messages if the connection is set up; while extensions have yet to be negotiated they wait.
   * @returns those that may not be sent
   * @throws CodecError if a message cannot be encoded, ServiceError `invalid-effect`; then none of them is sent
   */
  send(messages: readonly Message[]): readonly Message[] {
    if (this.#client === undefined || this.#closing !== undefined) return messages;
    const { extensions } = this.#client;
    if (!this.#requiredAgreed(extensions)) return this.#hold(messages);
    const { sendable, withheld } = outgoing(messages, extensions, this.#context.messages);
    this.#transmit(sendable);
    return withheld;
  }

  /** Has messages ready that are sent when the server ends the connection; they replace those before. */
  prepare(messages: () => readonly Message[]): void {
    this.#lastWords = messages;
  }

  /** Counts messages of the client that were refused; with too many it has to go. */
  nonsense(count: number): void {
    if (this.#closing !== undefined || this.#bucket.take(count)) return;
    const { nonsenseBurst, nonsensePerSecond } = this.#context.nonsense;
    this.close({
      code: 'too-much-nonsense',
      message: `more messages had to be refused than ${nonsenseBurst} at once and ${nonsensePerSecond} a second`,
    });
  }

  /** Makes up for refused messages. */
  earned(count: number): void {
    this.#bucket.put(count);
  }

  /** Sends what is queued, then closes; further messages of the client are dropped. */
  close(reason: DisconnectReason): void {
    this.#closing ??= reason;
    this.#sayLast();
    this.#connection.close();
  }

  /** @param end called when the connection has ended, or has to */
  #run(end: () => void): void {
    const { scheduler, setupTimeout, inactivityLimit } = this.#context;
    const fail = (error: unknown): void => {
      this.#closing ??= disconnectReason(error);
      end();
    };
    const error = (): ServiceError =>
      this.#client === undefined
        ? new ServiceError('setup-timeout', `no SetupConnection within ${setupTimeout} ms`)
        : new ServiceError('inactive', `no message within ${inactivityLimit} ms`);
    const limits = { first: setupTimeout, each: inactivityLimit, scheduler, error };
    this.#running.add(silence(this.#sign$, limits).subscribe({ error: fail }));
    // a stream of its own for each step of this, as operators make them, took a share 1 to 3 µs and a connection 2 KiB
    this.#running.add(
      this.#connection.message$.subscribe({
        next: (message) => {
          this.#lastMessageAt = scheduler.now();
          this.#sign$.next();
          try {
            this.#receive(message, fail);
          } catch (error) {
            fail(error);
          }
        },
        error: (error: unknown) => {
          this.#hasEnded = true;
          fail(error);
        },
        complete: () => {
          this.#hasEnded = true;
          end();
        },
      }),
    );
  }

  /** Ends what runs; what is to be said last is said before. */
  #release(): void {
    if (this.#running.closed) return;
    this.#negotiation?.unsubscribe();
    if (!this.#hasEnded) this.#sayLast();
    this.#running.unsubscribe();
  }

  #tellOfEnd(): void {
    const { emit, push, clients } = this.#context;
    const clientId = this.#clientId;
    const reason = (this.#closing ??= peerClosed);
    const { peer } = this.#connection;
    if (this.#held.length > 0) emit({ type: 'undeliverable', clientId, messages: this.#held });
    if (this.#client === undefined) {
      emit({ type: 'disconnected', clientId, peer, reason });
      return;
    }
    const { protocol } = this.#client;
    clients.delete(clientId);
    emit({ type: 'disconnected', clientId, peer, protocol, reason });
    push({ type: 'clientRemoved', clientId, protocol, reason });
  }

  #transmit(messages: readonly Message[]): void {
    const { emit } = this.#context;
    this.#connection.send(...messages);
    for (const message of messages) {
      emit({ type: 'sent', clientId: this.#clientId, message });
      if (message.type === 'ChannelEndpointChanged') this.#renewExtensions();
    }
  }

  /** Extension state starts anew (spec §3.6.4). */
  #renewExtensions(): void {
    if (this.#client === undefined) return;
    this.#agreed = false;
    this.#update({ ...this.#client, extensions: [] });
  }

  #sayLast(): void {
    const messages = this.#lastWords;
    this.#lastWords = undefined;
    const client = this.#client;
    if (messages === undefined || client === undefined || !this.#requiredAgreed(client.extensions)) return;
    try {
      this.#transmitAllowed(messages(), client.extensions);
    } catch (error) {
      this.#context.emit({ type: 'handlerError', handler: client.protocol, error });
    }
  }

  /** Sends what may be sent, and says what may not. */
  #transmitAllowed(messages: readonly Message[], extensions: readonly number[]): void {
    const { sendable, withheld } = outgoing(messages, extensions, this.#context.messages);
    this.#transmit(sendable);
    if (withheld.length === 0) return;
    this.#context.emit({ type: 'undeliverable', clientId: this.#clientId, messages: withheld });
  }

  #update(info: ClientInfo): void {
    this.#client = info;
    this.#context.clients.set(this.#clientId, info);
  }

  /** @param fail ends the connection */
  #setUp(message: Message, fail: (error: unknown) => void): void {
    if (!SetupConnection.match(message)) {
      throw new ServiceError(
        'setup-connection-required',
        `the first message must be SetupConnection, got ${message.type}`,
        { type: message.type },
      );
    }
    const { emit, push, policies, versions, scheduler, setupTimeout } = this.#context;
    const clientId = this.#clientId;
    const { peer } = this.#connection;
    const answer = answerSetup(message, policies, versions);
    this.#transmit([answer.reply]);
    if (!answer.accepted) {
      const { errorCode, flags } = answer.reply;
      emit({ type: 'setupRefused', clientId, peer, errorCode, flags });
      this.close({ code: 'setup-refused', message: `SetupConnection was refused: ${quoted(errorCode)}` });
      return;
    }
    const { protocol, version, successFlags } = answer;
    const added: ClientInfo = {
      clientId,
      peer,
      protocol,
      version,
      flags: message.flags,
      successFlags,
      setupConnection: message,
      extensions: [],
      connectedAt: scheduler.now(),
    };
    this.#update(added);
    if (!this.#requiredAgreed([])) {
      this.#negotiation = scheduler.schedule(
        () => fail(this.#negotiationRequired(`within ${setupTimeout} ms`)),
        setupTimeout,
      );
    }
    emit({ type: 'connected', clientId, client: added });
    push({ type: 'clientAdded', clientId, protocol, client: added });
  }

  #reject(code: Rejected['code'], message: Message): void {
    this.#context.emit({ type: 'rejected', clientId: this.#clientId, code, message });
    this.nonsense(1);
  }

  /** Extensions are negotiated once; a client that was refused may ask for others (extension 0x0001 §4.6). */
  #negotiate(request: RequestExtensions, known: ClientInfo): void {
    if (this.#agreed) {
      this.#reject('extensions-agreed', request);
      return;
    }
    if (request.requestedExtensions.length > maxRequested) {
      this.#reject('too-many-extensions', request);
      return;
    }
    const { emit, push } = this.#context;
    const clientId = this.#clientId;
    const { reply, extensions } = answerExtensions(request, this.#context.extensions);
    this.#transmit([reply]);
    const isRefused = reply.type === 'RequestExtensions.Error';
    this.#agreed = !isRefused;
    this.#update({ ...known, extensions });
    emit({ type: 'extensions', clientId, extensions });
    if (this.#requiredAgreed(extensions)) {
      this.#negotiation?.unsubscribe();
      const waiting = this.#held;
      this.#held = [];
      if (waiting.length > 0) this.#transmitAllowed(waiting, extensions);
    }
    push({ type: 'clientExtensions', clientId, protocol: known.protocol, extensions });
    // last, as it may have to go
    if (isRefused) this.nonsense(1);
  }

  /** Keeps messages for the end of the negotiation; returns those for which there is no room. */
  #hold(messages: readonly Message[]): readonly Message[] {
    const room = maxHeld - this.#held.length;
    this.#held = [...this.#held, ...messages.slice(0, room)];
    return messages.slice(room);
  }

  #requiredAgreed(extensions: readonly number[]): boolean {
    const { required } = this.#context.extensions;
    return required === undefined || required.every((extension) => extensions.includes(extension));
  }

  #negotiationRequired(problem: string): ServiceError {
    const { required = [] } = this.#context.extensions;
    return new ServiceError(
      'extension-required',
      `expected RequestExtensions with ${listed(required)} ${problem}`,
      { required },
    );
  }

  #handle(message: Message, known: ClientInfo): void {
    if (message.type === 'SetupConnection') {
      throw new ServiceError(
        'setup-connection-repeated',
        'SetupConnection may be sent only once per connection',
      );
    }
    const { protocol, extensions } = known;
    const admission = admit(message, 'client', protocol, extensions, this.#context.messages);
    if (admission === 'ignore') this.nonsense(1);
    else if (admission !== 'handle') this.#reject(admission, message);
    else if (message.type === 'RequestExtensions') this.#negotiate(message, known);
    else if (!this.#requiredAgreed(extensions)) throw this.#negotiationRequired(`before ${message.type}`);
    else {
      const event = negotiatedTlvs(message, extensions);
      this.#context.push({ type: 'message', clientId: this.#clientId, protocol, message: event });
    }
  }

  /** @param fail ends the connection */
  #receive(message: Message, fail: (error: unknown) => void): void {
    if (this.#closing !== undefined) return;
    this.#context.emit({ type: 'received', clientId: this.#clientId, message });
    if (this.#client === undefined) this.#setUp(message, fail);
    else this.#handle(message, this.#client);
  }
}
