/** A relay of sockets without a protocol: what one end writes goes to the other. Argument: the port of the server. */
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { serve } from '../processes.js';

const [port] = process.argv.slice(2).map(Number);

const server = createServer({ noDelay: true }, (client) => {
  const upstream = createConnection({ port: port as number, host: '127.0.0.1', noDelay: true });
  const close = (): void => {
    client.destroy();
    upstream.destroy();
  };
  client.on('error', close).on('close', close);
  upstream.on('error', close).on('close', close);
  client.pipe(upstream).pipe(client);
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 2048 }, () =>
  serve((server.address() as AddressInfo).port),
);
