/** The socket under the API: where it listens, and how much time and memory whoever connects can take. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Observable } from 'rxjs';
import { createTurns } from '../../transport/turns.js';
import type { ListenAddress } from '../tcp-options.js';
import { listenError } from '../tcp-errors.js';
import { formatAddress } from '../tcp-stream.js';

/** Connections at one time; those of event streams are limited below that. */
const maxConnections = 256;

/** Bytes of a request, all its headers. */
const maxHeaderSize = 8_192;

/** Milliseconds that a request may take to come. */
const requestTimeout = 10_000;

/** Milliseconds without any traffic after which a connection is ended; streams have a heartbeat well within. */
const stuckTimeout = 60_000;

/** Requests of one connection that may wait for their answers: browsers ask for one, and whoever reads for few ahead. */
const maxAhead = 16;

/** Answers a request. */
export type Fetch = Parameters<typeof getRequestListener>[0];

/**
 * Serves HTTP while subscribed, and emits once where it listens. Requests of more than 8 KiB, and those that take more
 * than ten seconds to come, are refused; beyond 256 connections the next is closed; a reader that takes nothing for a
 * minute is let go, and so is who asks 17 times without an answer. Requests are answered in turns, four at most between two looks at
 * all sockets of the process, so that miners are served meanwhile. Bodies are not read.
 * @param fetch what answers
 * @returns fails with a TransportError such as `address-in-use` when it cannot listen
 */
export function httpServer(fetch: Fetch, { host, port }: ListenAddress): Observable<ListenAddress> {
  return new Observable((subscriber) => {
    // the rest of the program keeps its own `Request` and `Response`
    const answer = getRequestListener(fetch, { overrideGlobalObjects: false });
    const limits = { maxHeaderSize, requestTimeout, headersTimeout: requestTimeout, keepAliveTimeout: 5_000 };
    const turns = createTurns(() => performance.now(), setImmediate);
    const ahead = new WeakMap<Socket, number>();
    const server = createServer(limits, (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const { socket } = incoming;
      const waiting = (ahead.get(socket) ?? 0) + 1;
      ahead.set(socket, waiting);
      if (waiting > maxAhead) {
        socket.destroy();
        return;
      }
      outgoing.once('close', () => ahead.set(socket, (ahead.get(socket) ?? 1) - 1));
      turns.connection(() => {
        if (!socket.destroyed) void answer(incoming, outgoing);
        return false;
      });
    });
    server.maxConnections = maxConnections;
    server.setTimeout(stuckTimeout);
    server.on('clientError', (_, socket) => socket.destroy());
    server.on('error', (error) => subscriber.error(listenError(error, formatAddress(host, port))));
    server.listen({ host, port }, () => {
      const { address, port: actual } = server.address() as AddressInfo;
      subscriber.next({ host: address, port: actual });
    });
    return () => {
      server.close();
      server.closeAllConnections();
    };
  });
}
