import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { firstValueFrom, ReplaySubject, Subject, type Observable } from 'rxjs';
import { connect, type ConnectOptions } from '../../src/node/connect.js';
import { listen, type ListenAddress, type ListenOptions } from '../../src/node/listen.js';
import type { Connection, HandshakeFailure } from '../../src/transport/index.js';

/** A listener on loopback, on a port of its own. */
export interface TestListener {
  readonly host: string;
  readonly port: number;
  readonly connection$: Observable<Connection>;
  readonly failure$: Observable<HandshakeFailure>;
  close(): void;
}

export async function startListener(options: Partial<ListenOptions> = {}): Promise<TestListener> {
  const listening$ = new Subject<ListenAddress>();
  const failure$ = new ReplaySubject<HandshakeFailure>(Infinity);
  const connection$ = new ReplaySubject<Connection>(Infinity);
  const bound = firstValueFrom(listening$);
  const subscription = listen({
    port: 0,
    listeningObserver: listening$,
    handshakeErrorObserver: failure$,
    ...options,
  }).subscribe(connection$);
  return {
    ...(await bound),
    connection$,
    failure$,
    close: () => subscription.unsubscribe(),
  };
}

/** Connects to a listener. */
export function connectTo(
  { host, port }: { host: string; port: number },
  options: Partial<ConnectOptions> = {},
): Promise<Connection> {
  return firstValueFrom(connect({ host, port, ...options }));
}

/** A client without any protocol, which does not read yet. */
export async function rawClient({ host, port }: { host: string; port: number }): Promise<Socket> {
  const socket = createConnection({ host, port, allowHalfOpen: true });
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  return socket;
}

/** A server without any protocol that drops what it reads, and where it listens. */
export async function rawServer(
  onClient: (socket: Socket) => void,
): Promise<{ server: Server; host: string; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined).resume();
    onClient(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return { server, host: '127.0.0.1', port };
}

/** The sockets, servers and look-ups that keep this process alive. */
export function handles(): readonly string[] {
  return process.getActiveResourcesInfo().filter((name) => /^(TCP|GetAddrInfo)/.test(name));
}

/** Lets the event loop turn until a condition holds, a bounded number of times. */
export async function eventually(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100_000; turn += 1) {
    if (condition()) return;
    await setImmediate();
  }
  throw new Error(`still not so: ${String(condition)}`);
}
