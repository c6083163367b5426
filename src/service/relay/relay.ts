/** Pipes connections: for each client that comes a server is dialled, and messages flow both ways through operators. */
import { asyncScheduler, isObservable, mergeMap, Observable, type SchedulerLike } from 'rxjs';
import type { SetupConnection } from '../../messages/common.js';
import type { MessageOf } from '../../messages/define-message.js';
import type { AnyMessageCreator } from '../../messages/own-messages.js';
import type { Message } from '../../messages/registry.js';
import type { Connection, Connector, Endpoint, Peer } from '../../transport/connection.js';
import { checkMessages, checkMilliseconds, checkStream } from '../configuration.js';
import { nameOf, ServiceError, type DisconnectReason } from '../errors.js';
import { relayPair } from './pair.js';
import { rememberRedirects } from './redirects.js';

/** A client of a relay, once its SetupConnection is here. */
export interface RelayClient {
  /** Unique among all clients of a relay, from 1 on; never used again. */
  readonly clientId: number;
  readonly peer: Peer;
  /** What the client asked for, and what it says of itself. */
  readonly setup: SetupConnection;
}

/** The server that was dialled for a client. */
export interface RelayServer {
  readonly peer: Peer;
  readonly endpoint: Endpoint | undefined;
}

/** The two ends of a pair. */
export interface RelayPair {
  readonly client: RelayClient;
  readonly server: RelayServer;
}

/**
 * An operator from what a client sends, SetupConnection first, to what its server is sent; subscribed to once for every
 * pair. `fromServer$` is what the server sends, `toClient$` what of it, or instead of it, the client was sent.
 */
export type ToServer<M = Message> = (
  message$: Observable<M>,
  pair: RelayPair & { readonly fromServer$: Observable<M>; readonly toClient$: Observable<M> },
) => Observable<M>;

/**
 * An operator from what a server sends, the answer to SetupConnection first, to what its client is sent; subscribed to
 * once for every pair. `fromClient$` is what the client sends, `toServer$` what of it, or instead of it, the server was
 * sent.
 */
export type ToClient<M = Message> = (
  message$: Observable<M>,
  pair: RelayPair & { readonly fromClient$: Observable<M>; readonly toServer$: Observable<M> },
) => Observable<M>;

/** What a relay is made of. */
export interface RelayOptions<Own extends readonly AnyMessageCreator[] = readonly []> {
  /** Where clients come from; `listen(…)` of rx-sv2/node, or any Observable of connections. */
  readonly listen: Observable<Connection>;
  /**
   * Dials a server; `connect(…)` of rx-sv2/node, or what chooses one by the client: `({ setup }) => …`. A client whose
   * server fails with a `SetupRefusedError` is told so; for any other failure its connection is closed.
   */
  readonly connect: Connector | ((client: RelayClient) => Connector);
  /** What becomes of what clients send; they pass unchanged unless given. */
  readonly toServer?: ToServer<Message | MessageOf<Own[number]>>;
  /** What becomes of what servers send; they pass unchanged unless given. */
  readonly toClient?: ToClient<Message | MessageOf<Own[number]>>;
  /** Messages of extensions that operators see besides those of the specification; others are `Unknown` to them. */
  readonly messages?: Own;
  /**
   * Milliseconds a client has to send SetupConnection, and then its server to be dialled and to answer it; 10,000
   * unless given.
   */
  readonly setupTimeout?: number;
  /**
   * Milliseconds in which neither end says anything, after which both are disconnected, a sixteenth later at the latest; 3,600,000 (an
   * hour) unless given.
   */
  readonly inactivityLimit?: number;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/** What a relay emits: what happens to each pair. Messages are for its operators to see. */
export type RelayOutcome =
  | {
      /** The server has accepted the client's SetupConnection. */
      readonly type: 'connected';
      readonly clientId: number;
      readonly client: RelayClient;
      readonly server: RelayServer;
    }
  | {
      /** The server has refused it, and the client is told. */
      readonly type: 'setupRefused';
      readonly clientId: number;
      readonly errorCode: string;
      readonly flags: number;
    }
  | {
      /** The server has sent Reconnect: the client is asked to come back, and its server will be this one then. */
      readonly type: 'redirected';
      readonly clientId: number;
      readonly endpoint: Endpoint;
    }
  | {
      /** A Reconnect that would have led away from a known authority was not followed (spec §3.6.5). */
      readonly type: 'redirectRefused';
      readonly clientId: number;
      readonly endpoint: Endpoint;
      readonly reason: string;
    }
  | {
      /** A pair has ended, whatever of it there was; its last outcome. */
      readonly type: 'disconnected';
      readonly clientId: number;
      /** The client. */
      readonly peer: Peer;
      /** Whose doing it was. */
      readonly by: 'client' | 'server' | 'relay';
      readonly reason: DisconnectReason;
    };

/**
 * Relays between clients and servers while subscribed. For each client a server is dialled once its SetupConnection is
 * here, which is relayed as the first message; messages flow through `toServer` and `toClient` in order. What an
 * operator leaves as it is, messages that are unknown here above all, passes byte for byte. Payloads are limited to what
 * the agreed subprotocol has; an extension that is unknown here has its own sizes once both ends have negotiated it.
 *
 * Whatever fails ends its pair: what was received is delivered, then both ends are closed. While an end does not read,
 * the other is not read either. A Reconnect of a server is judged as a client would (spec §3.6.5): the client is asked
 * to come back to the relay, which has the other server for it then.
 *
 * Completes when no more clients can come and all are gone; errors when it cannot listen. Unsubscribing closes every
 * connection.
 * @throws ServiceError `invalid-configuration`
 * @example relay({ listen: listen({ port: 34254, authority }), connect: connect(url) }).subscribe(console.log)
 */
export function relay<const Own extends readonly AnyMessageCreator[] = readonly []>(
  options: RelayOptions<Own>,
): Observable<RelayOutcome> {
  const { listen, connect, toServer, toClient, scheduler = asyncScheduler } = options;
  checkStream('relay: listen', listen, 'an Observable of connections, such as listen({ … })');
  if (typeof connect !== 'function')
    checkStream('relay: connect', connect, 'what dials a server, such as connect(url)');
  checkOperator('toServer', toServer);
  checkOperator('toClient', toClient);
  const common = {
    // what they see beside the specification's messages is what `messages` declares
    toServer: toServer as ToServer | undefined,
    toClient: toClient as ToClient | undefined,
    messages: checkMessages(options.messages),
    setupTimeout: checkMilliseconds('setupTimeout', options.setupTimeout ?? 10_000),
    inactivityLimit: checkMilliseconds('inactivityLimit', options.inactivityLimit ?? 3_600_000),
    scheduler,
    route: (client: RelayClient): Connector => {
      const connector = typeof connect === 'function' ? connect(client) : connect;
      if (isObservable(connector)) return connector;
      throw new ServiceError(
        'handler-failed',
        `relay: connect returned ${nameOf(connector)}, expected what dials a server, such as connect(url)`,
      );
    },
  };

  return new Observable((subscriber) => {
    const emit = (outcome: RelayOutcome) => subscriber.next(outcome);
    const context = { ...common, emit, redirects: rememberRedirects(scheduler) };
    let lastClientId = 0;
    return listen.pipe(mergeMap((client) => relayPair(client, ++lastClientId, context))).subscribe({
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.complete(),
    });
  });
}

function checkOperator(name: string, operator: unknown): void {
  if (operator === undefined || typeof operator === 'function') return;
  throw new ServiceError(
    'invalid-configuration',
    `relay: ${name}: expected an operator on messages, got ${nameOf(operator)}`,
  );
}
