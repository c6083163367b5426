import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { firstValueFrom, share, ReplaySubject } from 'rxjs';
import { httpServer } from '../../../src/node/monitoring/http-server.js';

const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

/** Sends requests at once to a server of its own, and waits for the end. @returns how many were answered, and what came */
async function ask(requests: number, end: string) {
  let answered = 0;
  const server$ = httpServer(
    () => {
      answered += 1;
      return new Response('here');
    },
    { host: '127.0.0.1', port: 0 },
  ).pipe(share({ connector: () => new ReplaySubject(1) }));
  const running = server$.subscribe();
  const { port } = await firstValueFrom(server$);
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  socket.on('error', () => undefined); // a reset is an end, too
  socket.write(request.repeat(requests - 1) + request.replace('\r\n\r\n', end));
  await once(socket, 'close');
  running.unsubscribe();
  return { answered, heads: text.split('HTTP/1.1 200').length - 1 };
}

describe('the HTTP server', () => {
  it('answers sixteen requests that come at once on one connection', async () => {
    expect(await ask(16, '\r\nConnection: close\r\n\r\n')).toEqual({ answered: 16, heads: 16 });
  });

  it('lets go who asks for more without an answer, and answers none of it', async () => {
    expect(await ask(100, '\r\n\r\n')).toEqual({ answered: 0, heads: 0 });
  });
});
