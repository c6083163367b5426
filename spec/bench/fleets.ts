/** Connections to a server of shares, as many as wanted, to keep busy and to time. */
import type { Socket } from 'node:net';
import { firstValueFrom, type Subscription } from 'rxjs';
import {
  encodeFrame,
  encryptedLength,
  headerSize,
  sealFrames,
  SubmitSharesStandard,
  SubmitSharesSuccess,
  type Connection,
  type CryptoProvider,
} from 'rx-sv2';
import { connect } from 'rx-sv2/node';
import { outcomeToJson } from 'rx-sv2/observe';
import { share } from './messages.js';
import {
  openFrames,
  openMany,
  openSocket,
  openStratumSocket,
  setupConnection,
  type StratumSocket,
} from './stratum-socket.js';

/** Bytes of a share, encrypted. */
export const requestLength =
  encryptedLength(headerSize) + encryptedLength(SubmitSharesStandard.schema.maxSize);
/** Bytes of the answer to it, encrypted. */
export const answerLength = encryptedLength(headerSize) + encryptedLength(SubmitSharesSuccess.schema.maxSize);

/** Connections that each have one share under way at a time. */
export interface Fleet {
  /** Has every connection do so many round trips; returns round trips a second. */
  run(each: number): Promise<number>;
  close(): void;
}

/** Sockets that send as many bytes as a share has, and wait for as many as an answer has. */
export async function rawFleet(
  port: number,
  count: number,
  bytes = requestLength,
  bytesOfAnswer = answerLength,
): Promise<Fleet> {
  const sockets = await openMany(count, () => openSocket(port));
  const request = new Uint8Array(bytes);
  return {
    run: (each) =>
      exchange(
        sockets,
        each,
        () => request,
        () => undefined,
        bytesOfAnswer,
      ),
    close: () => sockets.forEach((socket) => socket.destroy()),
  };
}

/**
 * Sends what was sealed before, and opens the answers afterwards, so that it does no more than the raw client:
 * the difference is the server's.
 * @param onRequest called before each request; of a single connection, a round trip after it was called last
 */
export async function sealedFleet(
  port: number,
  count: number,
  onRequest: () => void = () => undefined,
): Promise<Fleet> {
  let sequenceNumber = 0;
  return sealedFleetOf(
    await openMany(count, () => openStratumSocket(port)),
    () => share((sequenceNumber += 1)),
    onRequest,
  );
}

/**
 * As {@link sealedFleet}, of clients that are there.
 * @param shareOf the next share of a client
 */
export function sealedFleetOf(
  clients: readonly StratumSocket[],
  shareOf: (client: number) => SubmitSharesStandard,
  onRequest: () => void,
): Fleet {
  return {
    async run(each) {
      const requests = clients.map(({ send }, client) =>
        Array.from({ length: each }, () => sealFrames(send, encodeFrame(shareOf(client)))),
      );
      const answers = clients.map((): Uint8Array[] => []);
      const [outcome] = await Promise.allSettled([
        exchange(
          clients.map(({ socket }) => socket),
          each,
          (client, index) => {
            onRequest();
            return requests[client]?.[index] as Uint8Array;
          },
          (client, chunk) => answers[client]?.push(chunk),
        ),
      ]);
      clients.forEach(({ opener }, client) => {
        const messages = openFrames(opener, Buffer.concat(answers[client] as Uint8Array[]));
        const wrong = messages.find((message) => !SubmitSharesSuccess.match(message));
        if (wrong !== undefined)
          throw new Error(`a share was answered with ${JSON.stringify(outcomeToJson(wrong))}`);
        if (outcome.status === 'fulfilled' && messages.length !== each)
          throw new Error(`${each} shares were answered by ${messages.length} messages`);
      });
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    },
    close: () => clients.forEach(({ socket }) => socket.destroy()),
  };
}

/** Milliseconds without any answer after which none is waited for any more. */
const patience = 20_000;

/**
 * Exchanges requests for answers of known length on all sockets, and returns round trips a second.
 * @throws Error when a connection is closed, or no answer comes any more
 */
function exchange(
  sockets: readonly Socket[],
  each: number,
  requestOf: (client: number, index: number) => Uint8Array,
  onAnswer: (client: number, chunk: Uint8Array) => void,
  length = answerLength,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    let finished = 0;
    const silence = setTimeout(
      () => reject(new Error(`${sockets.length - finished} connections wait for answers that do not come`)),
      patience,
    );
    sockets.forEach((socket, client) => {
      let received = 0;
      let answered = 0;
      const onData = (chunk: Buffer): void => {
        onAnswer(client, chunk);
        silence.refresh();
        received += chunk.length;
        if (received < length) return;
        received -= length;
        answered += 1;
        if (answered < each) {
          socket.write(requestOf(client, answered));
          return;
        }
        socket.off('data', onData).off('close', onClose).pause();
        finished += 1;
        if (finished < sockets.length) return;
        clearTimeout(silence);
        resolve((sockets.length * each * 1000) / (performance.now() - started));
      };
      const onClose = (): void => {
        clearTimeout(silence);
        reject(new Error('the server closed a connection'));
      };
      socket.on('data', onData).on('close', onClose).resume();
      socket.write(requestOf(client, 0));
    });
  });
}

/** Connections of rx-sv2 itself. */
export async function connectionFleet(port: number, count: number, crypto: CryptoProvider): Promise<Fleet> {
  let onAnswer: (client: number) => void = () => undefined;
  const open = async (client: number): Promise<readonly [Connection, Subscription]> => {
    const connection = await firstValueFrom(connect({ host: '127.0.0.1', port, crypto }));
    const accepted = new Promise<void>((resolve) => {
      onSetUp[client] = resolve;
    });
    const subscription = connection.message$.subscribe((message) => {
      if (message.type === 'SubmitShares.Success') onAnswer(client);
      else onSetUp[client]?.();
    });
    connection.send(setupConnection());
    await accepted;
    return [connection, subscription];
  };
  const onSetUp: (() => void)[] = [];
  const clients = await openMany(count, open);
  let sequenceNumber = 0;
  const submit = (client: number): void => clients[client]?.[0].send(share((sequenceNumber += 1)));
  return {
    run: (each) =>
      new Promise((resolve) => {
        const started = performance.now();
        const left = clients.map(() => each);
        let finished = 0;
        onAnswer = (client) => {
          const remaining = (left[client] ?? 0) - 1;
          left[client] = remaining;
          if (remaining > 0) submit(client);
          else if (++finished === clients.length)
            resolve((clients.length * each * 1000) / (performance.now() - started));
        };
        clients.forEach((_, client) => submit(client));
      }),
    close: () => clients.forEach(([, subscription]) => subscription.unsubscribe()),
  };
}
