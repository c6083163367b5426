import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { afterEach, expect, it } from '@jest/globals';
import { postgres } from '../../../src/node/ledger/postgres.js';

let server: Server | undefined;
afterEach(() => void server?.close());

/** A database that refuses whoever comes, in these words (PostgreSQL's protocol 3.0, ErrorResponse). */
const refusing = async (message: string): Promise<number> => {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C28000\0M${message}\0\0`);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(4 + fields.length);
  server = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .once('data', () => socket.end(Buffer.concat([Buffer.from('E'), size, fields])));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

it('quotes what a database says, which can move no cursor and look like no words of ours', async () => {
  const port = await refusing('no entry\u001b[2J\u202e for you: the ledger is fine');
  const opened = postgres(`postgres://rx:secret@127.0.0.1:${port}/ledger`);
  await expect(opened).rejects.toMatchObject({
    code: 'ledger-unavailable',
    message:
      `the ledger in PostgreSQL at 127.0.0.1:${port}/ledger cannot be used: ` +
      '"no entry\\u001b[2J\\u202e for you: the ledger is fine"',
  });
});
