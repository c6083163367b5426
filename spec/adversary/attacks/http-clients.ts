/** What hostile clients do to the monitoring server. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSocket } from '../../bench/stratum-socket.js';
import { again, rest, sockets, taken, type Attacks, type Battle } from '../battle.js';

const get = (path: string, ...headers: readonly string[]): string =>
  `GET ${path} HTTP/1.1\r\n${['Host: 127.0.0.1', ...headers].join('\r\n')}\r\n\r\n`;

/** Sends the same requests as fast as they are taken, and reads what is answered. */
const flood =
  (clients: number, requests: (index: number) => string) =>
  (battle: Battle): Promise<undefined> =>
    again(battle, clients, async (index) => {
      const socket = await openReader(battle);
      while (!battle.over() && !socket.destroyed && !socket.readableEnded) {
        socket.write(requests(index));
        await taken(socket);
        await Promise.race([once(socket, 'data'), once(socket, 'close'), sleep(200)]);
      }
      socket.destroy();
    });

async function openReader({ port }: Battle): Promise<Socket> {
  const socket = await openSocket(port);
  return socket.on('error', () => undefined).resume();
}

const numbers = [
  '-1',
  '0',
  '1',
  '1e308',
  'NaN',
  'Infinity',
  '0x10',
  '9'.repeat(400),
  '%00',
  '%ff',
  '1%2C1',
  '',
];
const hostile = numbers.flatMap((number) => [
  `/api/v1/history?since=${number}`,
  `/api/v1/accounts?offset=${number}&limit=${number}`,
  `/api/v1/clients/${number}`,
  `/api/v1/clients/${number}/channels?offset=${number}&limit=${number}`,
  `/api/v1/clients?offset=${number}&limit=${number}`,
  `/${number}/../${number}//api`,
]);

export const httpClients: Attacks = {
  'slow-readers': {
    title: '200 readers of events, of what the dashboard shows and of the state, that read nothing',
    async run(battle) {
      const paths = ['/api/v1/events', '/api/v1/live', '/api/v1/state', '/api-docs/openapi.json'];
      const opened = await sockets(200, battle, (socket, index) => {
        // more and more on the same connection, which is never read
        socket.write(get(paths[index % paths.length] as string, 'Last-Event-ID: x-0').repeat(50));
      });
      await rest(battle);
      opened.forEach((socket) => socket.destroy());
      return undefined;
    },
  },
  'event-readers': {
    title: '100 at a time begin to read events, with ids and types of all kinds, and go',
    run: (battle) =>
      again(battle, 100, async (index) => {
        const socket = await openReader(battle);
        const types = Array.from({ length: 500 }, (_, type) => `t${type}`).join(',');
        socket.write(
          get(`/api/v1/events?types=${index % 2 === 0 ? types : ''}`, `Last-Event-ID: ${index}-1`),
        );
        await Promise.race([once(socket, 'data'), sleep(200)]);
        socket.resetAndDestroy();
      }),
  },
  connections: {
    title: '5,000 connections that say nothing',
    async run(battle) {
      const opened = await sockets(5_000, battle, (socket) => socket.resume());
      await rest(battle);
      return { sockets: opened.length };
    },
  },
  'slow-requests': {
    title: '250 requests, a byte at a time',
    async run(battle) {
      const opened = await sockets(250, battle, (socket) => socket.resume().write('GET / HTTP/1.1\r\nX: '));
      while (!battle.over()) {
        for (const socket of opened) if (socket.writable) socket.write('x');
        await sleep(100);
      }
      return undefined;
    },
  },
  'huge-headers': {
    title: 'twenty clients with headers and paths of a mebibyte, again and again',
    run: flood(20, (index) =>
      index % 2 === 0
        ? get('/', ...Array.from({ length: 100 }, (_, header) => `X-${header}: ${'x'.repeat(10_000)}`))
        : get(`/${'x/'.repeat(500_000)}`),
    ),
  },
  'many-headers': {
    title: 'twenty clients with as many headers and parameters as fit into 8 KiB',
    run: flood(20, (index) =>
      get(
        `/api/v1/history?${index % 2 === 0 ? 'since=1&'.repeat(400) : ''}`,
        ...Array.from({ length: 500 }, (_, header) => `x${header}: 1`),
      ).repeat(5),
    ),
  },
  queries: {
    title: 'twenty clients with parameters of all kinds on all paths',
    run: flood(20, () => hostile.map((path) => get(path)).join('')),
  },
  states: {
    title: 'fifty clients that ask for state, metrics and the API document without pause',
    run: flood(50, () =>
      ['/api/v1/state', '/metrics', '/api-docs/openapi.json', '/api/v1/clients']
        .map((path) => get(path))
        .join(''),
    ),
  },
  pipelines: {
    title: 'ten clients that ask 10,000 times and read nothing',
    async run(battle) {
      await again(battle, 10, async () => {
        const socket = await openSocket(battle.port); // paused
        socket.on('error', () => undefined);
        socket.write(get('/metrics').repeat(10_000));
        await Promise.race([once(socket, 'close'), sleep(1_000)]);
        socket.destroy();
      });
      return undefined;
    },
  },
  bodies: {
    title: 'ten clients that post 10 MB to every path, in good chunks and in broken ones',
    run: (battle) =>
      again(battle, 10, async (index) => {
        const socket = await openReader(battle);
        const chunked = index % 2 === 0;
        socket.write(
          `POST /api/v1/state HTTP/1.1\r\nHost: 127.0.0.1\r\n${chunked ? 'Transfer-Encoding: chunked' : 'Content-Length: 10000000'}\r\n\r\n`,
        );
        const piece = Buffer.alloc(65_536, 'x');
        for (let sent = 0; sent < 160 && !battle.over() && !socket.destroyed; sent += 1) {
          socket.write(
            chunked ? Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')]) : piece,
          );
          await taken(socket);
        }
        socket.destroy();
      }),
  },
};
