import type { Socket } from 'node:net';
import { Observable, type Subscriber } from 'rxjs';
import { quoted } from '../codec/printable.js';
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
  return new TcpStream(socket, address);
}

// A class, as every connection has one: V8 makes a dictionary of an object that is written down with a getter.
class TcpStream implements ByteStream {
  readonly address: string;
  readonly #socket: Socket;
  #reader: Subscriber<Uint8Array> | undefined;
  #failure: TransportError | undefined;
  #ended = false;

  constructor(socket: Socket, address: string) {
    this.address = address;
    this.#socket = socket;
    const finish = () => this.#finish();
    socket
      .on('data', (data: Buffer) =>
        this.#reader?.next(new Uint8Array(data.buffer, data.byteOffset, data.length)),
      )
      .on('end', finish)
      .on('error', (error) => (this.#failure ??= connectionError(error, address)))
      .on('close', finish);
    // A listener for data makes a socket flow unless it was paused explicitly.
    socket.pause();
  }

  #finish(): void {
    this.#ended = true;
    this.#end(this.#reader);
  }

  #end(reader: Subscriber<Uint8Array> | undefined): void {
    if (this.#failure === undefined) reader?.complete();
    else reader?.error(this.#failure);
  }

  get chunk$(): Observable<Uint8Array> {
    return new Observable((subscriber) => {
      if (this.#ended) {
        this.#end(subscriber);
        return undefined;
      }
      this.#reader = subscriber;
      this.#socket.resume();
      return () => {
        // the next reader may have come already: a connection that is closed is read to its end
        if (this.#reader !== subscriber) return;
        this.#reader = undefined;
        this.#socket.pause();
      };
    });
  }

  get closed$(): Observable<never> {
    return new Observable((subscriber) => {
      const socket = this.#socket;
      if (socket.closed) subscriber.complete();
      const onClose = () => subscriber.complete();
      socket.once('close', onClose);
      return () => socket.off('close', onClose);
    });
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  get drained$(): Observable<never> {
    return new Observable((subscriber) => {
      const socket = this.#socket;
      const onDrain = () => subscriber.complete();
      if (socket.writableLength === 0 || socket.closed) onDrain();
      socket.once('drain', onDrain).once('close', onDrain);
      return () => socket.off('drain', onDrain).off('close', onDrain);
    });
  }

  write(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  end(): void {
    if (!this.#socket.destroyed) this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** `host:port`, with an IPv6 host in brackets and an IPv4 address that came through an IPv6 socket as such. */
export function formatAddress(host: string, port: number): string {
  const plain = host.startsWith('::ffff:') && host.includes('.') ? host.slice('::ffff:'.length) : host;
  return /^[\w.:%-]*:[\w.:%-]*$/.test(plain) ? `[${plain}]:${port}` : `${quoted(plain)}:${port}`;
}
