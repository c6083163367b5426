/**
 * Sockets without a protocol: answers every so many bytes with so many others, and writes to all on command.
 * Arguments: bytes of a request, bytes of the answer, bytes to write to all.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { machineTime, serve } from '../processes.js';

const [requestLength = 1, answerLength = 1, broadcastLength = 1] = process.argv.slice(2).map(Number);
const answers = new Uint8Array(1000 * answerLength);
const sockets = new Set<Socket>();

const server = createServer({ noDelay: true }, (socket) => {
  let received = 0;
  sockets.add(socket);
  socket
    .on('data', (chunk) => {
      received += chunk.length;
      const requests = Math.floor(received / requestLength);
      received -= requests * requestLength;
      // a buffer of its own for each write, as a server that has something to say needs it
      if (requests > 0) socket.write(answers.slice(0, requests * answerLength));
    })
    .on('error', () => undefined)
    .on('close', () => sockets.delete(socket));
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 2048 }, () => {
  serve((server.address() as AddressInfo).port, {
    broadcast() {
      const started = machineTime();
      for (const socket of sockets) socket.write(new Uint8Array(broadcastLength));
      return started;
    },
  });
});
