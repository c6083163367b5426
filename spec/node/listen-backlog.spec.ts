import { expect, it } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { startListener } from './support.js';

/** Clients that the system has taken for a listener and that it has not accepted yet: Linux alone tells, as its receive queue. */
function waitingAt(port: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const line = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((text) => text.trim().split(/\s+/))
    .find(([, address = '', , state]) => address.endsWith(local) && state === '0A');
  return parseInt(line?.[4]?.split(':')[1] ?? '', 16);
}

it('a listener that is busy leaves more clients waiting than the usual 511, so that none has to knock again', async () => {
  const listener = await startListener();
  const sockets = Array.from({ length: 700 }, () => createConnection(listener.port, '127.0.0.1'));
  await new Promise<void>((resolve) => process.nextTick(resolve)); // they dial now, and nobody is accepted before the next turn
  const waiting = waitingAt(listener.port);
  listener.close();
  await Promise.all(
    sockets.map((socket) => {
      const closed = once(socket, 'close');
      socket.on('error', () => undefined).destroy();
      return closed;
    }),
  );
  expect(waiting).toBe(process.platform === 'linux' ? 700 : undefined);
});
