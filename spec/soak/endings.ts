/** The ways in which connections begin and end here. Each must lead to a closed connection in good time. */
import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import {
  createInitiator,
  encodeFrame,
  encryptedHeaderLength,
  headerSize,
  maxPayloadLength,
  NewMiningJob,
  sealFrames,
  SubmitSharesSuccess,
  UpdateChannel,
  writeHeader,
  type Message,
} from 'rx-sv2';
import { nodeCrypto } from 'rx-sv2/node';
import { share } from '../bench/messages.js';
import { randomOf } from '../simulation/random.js';
import {
  openSocket as connectTo,
  openStratumSocket,
  setupConnection,
  shakeHands,
} from '../bench/stratum-socket.js';

/** The same for each run, so that one that fails can be had again. */
const random = randomOf(1);

/** A way to end: connects to a port of this machine, and is done once the connection is closed. */
export type Ending = (port: number) => Promise<void>;

/** Milliseconds after which a server that was to close a connection has failed to do so. */
const patience = 20_000;

/** Reads and drops what comes, and waits until the server has closed. */
async function closedByServer(socket: Socket): Promise<void> {
  socket.resume();
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  if (!socket.closed) await within(closed, 'the server did not close the connection');
}

async function within<T>(promise: Promise<T>, problem: string): Promise<T> {
  const timer = new AbortController();
  const tooLate = setTimeout(patience, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${problem} within ${patience} ms`);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    timer.abort();
    tooLate.catch(() => undefined);
  }
}

/** A connection that may be reset at any time. */
async function openSocket(port: number, options?: { allowHalfOpen: boolean }): Promise<Socket> {
  const socket = await connectTo(port, options);
  return socket.on('error', () => undefined);
}

/** A connection that is set up. */
async function opened(port: number) {
  const client = await within(openStratumSocket(port), 'the setup did not succeed');
  client.socket.on('error', () => undefined);
  return client;
}

/** Sends messages on a connection that is set up. */
async function sends(port: number, ...messages: readonly Message[]) {
  const client = await opened(port);
  client.socket.write(sealFrames(client.send, Buffer.concat(messages.map(encodeFrame))));
  return client;
}

/** One share, answered. */
const shareAnswered: Ending = async (port) => {
  const { socket, request } = await opened(port);
  const [answer] = await within(request([share(1)], 1), 'a share was not answered');
  if (answer?.type !== 'SubmitShares.Success') throw new Error(`a share was answered with ${answer?.type}`);
  socket.end();
  await closedByServer(socket);
};

const resetAfterSetup: Ending = async (port) => {
  const { socket } = await opened(port);
  socket.resetAndDestroy();
};

const destroyedBeforeHandshake: Ending = async (port) => {
  const socket = await openSocket(port);
  socket.destroy();
};

const destroyedInHandshake: Ending = async (port) => {
  const socket = await openSocket(port);
  socket.write(createInitiator(nodeCrypto, undefined).act1);
  // the server may or may not have answered by then
  await setTimeout(random() * 20);
  socket.destroy();
};

const endedInFrame: Ending = async (port) => {
  const { socket, send } = await opened(port);
  socket.end(sealFrames(send, encodeFrame(share(1))).subarray(0, encryptedHeaderLength + 5));
  await closedByServer(socket);
};

/** Says in the handshake that it sends no more, and leaves its own side open until the server closes. */
const halfOpenInHandshake: Ending = async (port) => {
  const socket = await openSocket(port, { allowHalfOpen: true });
  socket.on('end', () => socket.end());
  socket.write(createInitiator(nodeCrypto, undefined).act1.subarray(0, 40));
  socket.end();
  await closedByServer(socket);
};

/** Is refused, and instead of closing goes on sending until it notices that the server has cut it off. */
const halfOpenAfterRefusal: Ending = async (port) => {
  const client = await within(
    openSocket(port, { allowHalfOpen: true }).then(shakeHands),
    'the handshake did not succeed',
  );
  const [answer] = await within(client.request([setupConnection({ protocol: 2 })], 1), 'no answer');
  if (answer?.type !== 'SetupConnection.Error') throw new Error(`expected a refusal, got ${answer?.type}`);
  const closed = closedByServer(client.socket);
  const sending = setInterval(() => client.socket.write(new Uint8Array(100)), 100);
  await closed.finally(() => clearInterval(sending));
};

const garbageHandshake: Ending = async (port) => {
  const socket = await openSocket(port);
  // any 64 bytes are a public key: what gives it away comes behind them
  socket.write(Uint8Array.from({ length: 200 }, () => Math.floor(random() * 256)));
  await closedByServer(socket);
};

const silentFromTheStart: Ending = async (port) => closedByServer(await openSocket(port));

const silentAfterHandshake: Ending = async (port) => {
  const socket = await openSocket(port);
  socket.write(createInitiator(nodeCrypto, undefined).act1);
  await closedByServer(socket);
};

/** Asks for more than it may let wait, and reads nothing until it was cut off. */
const slowReader: Ending = async (port) => {
  const maximumTarget = new Uint8Array(32).fill(0xff);
  const { socket } = await sends(port, UpdateChannel({ channelId: 1, nominalHashRate: 1, maximumTarget }));
  socket.pause();
  await setTimeout(100);
  await closedByServer(socket);
};

const oversizedFrame: Ending = async (port) => {
  const { socket, send } = await opened(port);
  const header = new Uint8Array(headerSize);
  writeHeader(header, 0, {
    extensionType: 0,
    channelMessage: true,
    messageType: 0x1a,
    payloadLength: maxPayloadLength,
  });
  const sealed = new Uint8Array(encryptedHeaderLength);
  send.encrypt(new Uint8Array(0), header, 0, header.length, sealed, 0);
  socket.write(sealed);
  await closedByServer(socket);
};

/** What only a server may send is refused, and the connection goes on. */
const wrongDirection: Ending = async (port) => {
  const { socket, request } = await opened(port);
  const wrong = NewMiningJob({
    channelId: 1,
    jobId: 1,
    minNtime: null,
    version: 0,
    merkleRoot: new Uint8Array(32),
  });
  const [answer] = await within(request([wrong, share(1)], 1), 'a share was not answered');
  if (!SubmitSharesSuccess.match(answer as Message)) throw new Error('a share was not accepted');
  socket.end();
  await closedByServer(socket);
};

const secondSetup: Ending = async (port) => closedByServer((await sends(port, setupConnection())).socket);

/** A payload that ends in the middle of a field. */
const malformedMessage: Ending = async (port) => {
  const { socket, send } = await opened(port);
  const frame = encodeFrame(share(1)).slice(0, headerSize + 10);
  writeHeader(frame, 0, { extensionType: 0, channelMessage: true, messageType: 0x1a, payloadLength: 10 });
  socket.write(sealFrames(send, frame));
  await closedByServer(socket);
};

/** All of them, to be taken in turn. */
export const endings: readonly Ending[] = [
  shareAnswered,
  resetAfterSetup,
  destroyedBeforeHandshake,
  destroyedInHandshake,
  endedInFrame,
  halfOpenInHandshake,
  halfOpenAfterRefusal,
  garbageHandshake,
  silentFromTheStart,
  silentAfterHandshake,
  oversizedFrame,
  wrongDirection,
  secondSetup,
  malformedMessage,
  shareAnswered,
  slowReader,
];
