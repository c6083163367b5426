/** A client with next to no cost of its own: the handshake and the setup, then bytes. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import {
  act2Length,
  createFrameOpener,
  createInitiator,
  decodeMessage,
  encodeFrame,
  readHeader,
  sealFrames,
  SetupConnection,
  wasmCrypto,
  type CipherState,
  type FrameOpener,
  type Message,
} from 'rx-sv2';

/** The fastest at handshakes, of which there are thousands. */
const crypto = await wasmCrypto();

/** A TCP connection to a server on this machine, paused. */
export async function openSocket(port: number, options: { allowHalfOpen?: boolean } = {}): Promise<Socket> {
  const socket = createConnection({ ...options, port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket.pause();
}

/** An encrypted connection. */
export interface StratumSocket {
  readonly socket: Socket;
  readonly send: CipherState;
  readonly opener: FrameOpener;
  /** Sends messages, and waits for as many as are expected in answer. */
  request(messages: readonly Message[], answers: number): Promise<readonly Message[]>;
}

/** Shakes hands over a socket that is paused, and stays so. */
export async function shakeHands(
  socket: Socket,
  initiator = createInitiator(crypto, undefined),
): Promise<StratumSocket> {
  socket.write(initiator.act1);
  const { send, receive } = initiator.finish(await take(socket, act2Length), Date.now() / 1000);
  const opener = createFrameOpener(receive);
  return {
    socket,
    send,
    opener,
    async request(messages, count) {
      const answers: Message[] = [];
      socket.write(sealFrames(send, Buffer.concat(messages.map(encodeFrame))));
      while (answers.length < count) answers.push(...openFrames(opener, await take(socket)));
      return answers;
    },
  };
}

/** Connects, shakes hands and sets up. */
export async function openStratumSocket(port: number, flags = 0): Promise<StratumSocket> {
  const client = await shakeHands(await openSocket(port));
  const [answer] = await client.request([setupConnection({ flags })], 1);
  if (answer?.type !== 'SetupConnection.Success') throw new Error(`setup was answered with ${answer?.type}`);
  return client;
}

/** A SetupConnection for the Mining Protocol, unless told otherwise. */
export const setupConnection = ({ protocol = 0, flags = 0 } = {}): SetupConnection =>
  SetupConnection({
    protocol,
    minVersion: 2,
    maxVersion: 2,
    flags,
    endpointHost: '127.0.0.1',
    endpointPort: 34254,
    vendor: 'rx-sv2',
    hardwareVersion: 'bench',
    firmware: '1.0',
    deviceId: '',
  });

/** The messages in bytes that arrived. */
export function openFrames(opener: FrameOpener, bytes: Uint8Array): Message[] {
  const messages: Message[] = [];
  opener.push(bytes, (header, payload) => messages.push(decodeMessage(readHeader(header, 0), payload)));
  return messages;
}

/** So many bytes of a paused socket, or as many as there are. */
async function take(socket: Socket, length?: number): Promise<Uint8Array> {
  for (;;) {
    const bytes = socket.read(length) as Buffer | null;
    if (bytes !== null && bytes.length >= (length ?? 1)) return new Uint8Array(bytes);
    if (socket.readableEnded || socket.destroyed) throw new Error('the server closed the connection');
    await Promise.race([once(socket, 'readable'), once(socket, 'end'), once(socket, 'close')]);
  }
}

/** Opens many, some at a time. */
export async function openMany<T>(count: number, open: (index: number) => Promise<T>): Promise<T[]> {
  const opened: T[] = [];
  while (opened.length < count) {
    const batch = Array.from({ length: Math.min(50, count - opened.length) }, (_, index) =>
      open(opened.length + index),
    );
    opened.push(...(await Promise.all(batch)));
  }
  return opened;
}
