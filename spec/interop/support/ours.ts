import { ignoreElements, merge, Subject, type Observable, type Subscription } from 'rxjs';
import { nodeCrypto } from '../../../src/node/crypto.js';
import { connect, type ConnectOptions } from '../../../src/node/connect.js';
import { listen, type ListenAddress, type ListenOptions } from '../../../src/node/listen.js';
import { generateAuthorityKeyPair, encodeAuthorityPublicKey } from '../../../src/noise/index.js';
import {
  createClient,
  createServer,
  sendToServer,
  send,
  type ClientEvent,
  type ClientOptions,
  type ClientOutcome,
  type ServerEvent,
  type ServerOptions,
  type ServerOutcome,
} from '../../../src/service/index.js';
import type { Message, Subprotocol } from '../../../src/messages/index.js';
import type { HandshakeFailure } from '../../../src/transport/index.js';
import { inbox, type Inbox } from './inbox.js';

/** The subprotocols by the number they have in SetupConnection. */
export const protocols: readonly Subprotocol[] = ['mining', 'jobDeclaration', 'templateDistribution'];

/** How both sides talk. */
export type Mode = 'encrypted' | 'plaintext';
export const modes: readonly Mode[] = ['encrypted', 'plaintext'];

/** An authority for each run. */
export const authority = generateAuthorityKeyPair(nodeCrypto);
export const authorityText = encodeAuthorityPublicKey(authority.publicKey);
export const otherAuthorityText = encodeAuthorityPublicKey(generateAuthorityKeyPair(nodeCrypto).publicKey);

const subscriptions = new Set<Subscription>();

/** Stops everything of ours. */
export const stopOurs = (): void => {
  for (const subscription of subscriptions) subscription.unsubscribe();
  subscriptions.clear();
};

/** A service of ours that runs. */
export interface Running<O extends { readonly type: string }> {
  readonly outcomes: Inbox<O>;
  outcome<T extends O['type']>(type: T): Promise<Extract<O, { readonly type: T }>>;
  /** The error or the completion that ended it. */
  readonly end: Inbox<{ readonly error: unknown }>;
}

const run = <O extends { readonly type: string }>(name: string, outcome$: Observable<O>): Running<O> => {
  const outcomes = inbox<O>(`our ${name}`);
  const end = inbox<{ readonly error: unknown }>(`the end of our ${name}`);
  subscriptions.add(
    outcome$.subscribe({
      next: (outcome) => outcomes.push(outcome),
      error: (error: unknown) => end.push({ error }),
      complete: () => end.push({ error: undefined }),
    }),
  );
  return {
    outcomes,
    end,
    outcome: (type) =>
      outcomes.take(
        `outcome ${type}`,
        (outcome): outcome is Extract<typeof outcome, { readonly type: typeof type }> =>
          outcome.type === type,
      ),
  };
};

/** A server of ours, where it listens, and what it can be made to send. */
export interface OurServer extends Running<ServerOutcome> {
  readonly address: ListenAddress;
  readonly failures: Inbox<HandshakeFailure>;
  send(clientId: number, ...messages: readonly Message[]): void;
}

/** A server with a handler for each of these subprotocols that sends what it is told. */
export const startServer = async (
  mode: Mode,
  options: Partial<ServerOptions> & {
    readonly protocols?: readonly Subprotocol[];
    readonly listen?: never;
  } = {},
  listenOptions: Partial<ListenOptions> = {},
): Promise<OurServer> => {
  const send$ = new Subject<ReturnType<typeof send>>();
  const handler = (event$: Observable<ServerEvent>) => merge(send$, ignoring(event$));
  const silent = (event$: Observable<ServerEvent>) => ignoring(event$);
  const listening = inbox<ListenAddress>('our listener');
  const failures = inbox<HandshakeFailure>('failed handshakes');
  const { protocols: wanted = protocols, listen: _, ...rest } = options;
  const handlers = Object.fromEntries(
    wanted.map((protocol, index) => [protocol, index === 0 ? handler : silent]),
  );
  const server = createServer({
    ...handlers,
    ...rest,
    listen: listen({
      port: 0,
      ...(mode === 'encrypted' ? { authority } : {}),
      listeningObserver: { next: (address) => listening.push(address) },
      handshakeErrorObserver: { next: (failure) => failures.push(failure) },
      ...listenOptions,
    }),
  });
  const running = run('server', server.start());
  return {
    ...running,
    address: await listening.take('an address', () => true),
    failures,
    send: (clientId, ...messages) => send$.next(send(clientId, ...messages)),
  };
};

const ignoring = (event$: Observable<unknown>): Observable<never> => event$.pipe(ignoreElements());

/** A client of ours, and what it can be made to send. */
export interface OurClient extends Running<ClientOutcome> {
  send(...messages: readonly Message[]): void;
}

/** A client of one subprotocol. */
export const startClient = (
  protocol: Subprotocol,
  where: Partial<ConnectOptions> & { readonly port: number },
  options: Partial<ClientOptions> & { readonly flags?: number } = {},
): OurClient => {
  const send$ = new Subject<ReturnType<typeof sendToServer>>();
  const handler = (event$: Observable<ClientEvent>) => merge(send$, ignoring(event$));
  const { flags = 0, ...rest } = options;
  const client = createClient({
    ...rest,
    [protocol]: { connect: connect({ host: '127.0.0.1', ...where }), handler, flags },
  });
  return { ...run('client', client.start()), send: (...messages) => send$.next(sendToServer(...messages)) };
};
