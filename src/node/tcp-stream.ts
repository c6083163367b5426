import type { Socket } from 'node:net';
import { Observable, type Subscriber } from 'rxjs';
import type { ByteStream } from '../transport/byte-stream.js';
import type { TransportError } from '../transport/errors.js';
import { connectionError } from './tcp-errors.js';

/** How long a connection is silent before the system asks whether the peer is still there, in milliseconds. */
export const keepAliveDelay = 60_000;

/**
 * A byte stream over a connected TCP socket that is paused and allows half-open connections.
 * @param address the other end
 */
export function tcpStream(socket: Socket, address: string): ByteStream {
  let reader: Subscriber<Uint8Array> | undefined;
  let failure: TransportError | undefined;
  let ended = false;

  const finish = () => {
    ended = true;
    if (failure === undefined) reader?.complete();
    else reader?.error(failure);
  };
  socket
    .on('data', (data: Buffer) => reader?.next(new Uint8Array(data.buffer, data.byteOffset, data.length)))
    .on('end', finish)
    .on('error', (error) => (failure ??= connectionError(error, address)))
    .on('close', finish);
  // A listener for data makes a socket flow unless it was paused explicitly.
  socket.pause();

  return {
    address,
    chunk$: new Observable((subscriber) => {
      if (ended) {
        if (failure === undefined) subscriber.complete();
        else subscriber.error(failure);
        return undefined;
      }
      reader = subscriber;
      socket.resume();
      return () => {
        // the next reader may have come already: a connection that is closed is read to its end
        if (reader !== subscriber) return;
        reader = undefined;
        socket.pause();
      };
    }),
    closed$: new Observable((subscriber) => {
      if (socket.closed) subscriber.complete();
      const onClose = () => subscriber.complete();
      socket.once('close', onClose);
      return () => socket.off('close', onClose);
    }),
    get queuedBytes() {
      return socket.writableLength;
    },
    drained$: new Observable((subscriber) => {
      const onDrain = () => subscriber.complete();
      if (socket.writableLength === 0 || socket.closed) onDrain();
      // 'drain' comes only after more than a highWaterMark was queued
      else if (!socket.writableNeedDrain && socket.writable) socket.write('', onDrain);
      socket.once('drain', onDrain).once('close', onDrain);
      return () => socket.off('drain', onDrain).off('close', onDrain);
    }),
    write(bytes) {
      if (socket.writable) socket.write(bytes);
    },
    end() {
      if (!socket.destroyed) socket.end();
    },
    destroy() {
      socket.destroy();
    },
  };
}

/** `host:port`, with an IPv6 host in brackets and an IPv4 address that came through an IPv6 socket as such. */
export function formatAddress(host: string, port: number): string {
  const plain = host.startsWith('::ffff:') && host.includes('.') ? host.slice('::ffff:'.length) : host;
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}
