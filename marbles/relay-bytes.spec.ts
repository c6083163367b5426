/** A relay between raw byte streams in memory: what passes byte for byte, and who waits for whom. */
import { describe, expect, it } from '@jest/globals';
import { concat, map, NEVER, tap } from 'rxjs';
import { encodeFrame, headerSize } from '../src/framing/index.js';
import { OpenStandardMiningChannel, UnknownMessage, type Message } from '../src/messages/index.js';
import { relay, type RelayOptions, type ToServer } from '../src/service/index.js';
import { marbles, setupConnection } from '../src/testing/index.js';
import { memoryStreams } from '../src/testing/memory-streams.js';
import { openConnection, type ByteStream } from '../src/transport/index.js';
import { log } from '../spec/transport/support.js';
import { close, share, welcome } from './support.js';

const bytesOf = (...messages: readonly Message[]) => concatenated(messages.map(encodeFrame));
const unknown = (size: number) =>
  UnknownMessage({
    extensionType: 0x4001,
    messageType: 7,
    channelMessage: true,
    payload: new Uint8Array(size).fill(9),
  });

const unchanged: ToServer = (message$) => message$.pipe(map((message) => message));

/** A relay whose client and server are raw streams; `far` ends belong to it. */
function rawRelay(options: Partial<RelayOptions>) {
  const [client, farClient] = memoryStreams('relay', 'client:1');
  const [farServer, server] = memoryStreams('server:1', 'relay');
  const outcome$ = relay({
    listen: concat(openConnection(farClient, { receivesFrom: 'client' }), NEVER),
    connect: openConnection(farServer, { receivesFrom: 'server' }),
    ...options,
  });
  return { client, server, outcome$ };
}

/** What a stream receives from now on. */
function bytesFrom(stream: ByteStream): { all(): Uint8Array } {
  const { values } = log(stream.chunk$);
  return { all: () => concatenated(values) };
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

describe('what no operator changes passes byte for byte', () => {
  const name = OpenStandardMiningChannel({
    requestId: 1,
    userIdentity: 'abc',
    nominalHashRate: 1,
    maxTarget: new Uint8Array(32),
  });
  const oddName = bytesOf(name);
  oddName.set([0xff, 0xfe, 0x80], headerSize + 5); // no UTF-8
  const oddRate = bytesOf(name);
  oddRate.set([1, 0, 0xc0, 0xff], headerSize + 8); // a NaN that JavaScript does not make
  const unmarked = bytesOf(share(1));
  unmarked[1] = 0; // without the channel_msg bit
  const marked = bytesOf(name);
  marked[1] = 0x80; // with one that the message does not have
  const oddities = [oddName, oddRate, unmarked, marked, bytesOf(unknown(3)), bytesOf(close(1))];

  it.each([
    ['without operators', undefined],
    ['through an operator that gives back what it gets', unchanged],
  ])('%s', (_, toServer) => {
    marbles(({ cold, expectObservable }) => {
      const { client, server, outcome$ } = rawRelay(toServer === undefined ? {} : { toServer });
      const atServer = bytesFrom(server);
      const said = concatenated(oddities);
      const setup = bytesOf(setupConnection());
      expectObservable(outcome$.pipe(map(({ type }) => type)), '20ms !').toBe('-c', { c: 'connected' });
      expectObservable(
        cold('abcd').pipe(
          tap((step) => {
            if (step === 'a') client.write(setup);
            if (step === 'b') server.write(bytesOf(welcome()));
            // cut anywhere
            if (step === 'c')
              for (let at = 0; at < said.length; at += 7) client.write(said.slice(at, at + 7));
            if (step === 'd') expect(atServer.all()).toEqual(concatenated([setup, said]));
          }),
        ),
      ).toBe('abcd');
    });
  });

  it('unless somebody makes a new message of it', () => {
    marbles(({ cold, expectObservable }) => {
      const { client, server, outcome$ } = rawRelay({
        toServer: (message$) => message$.pipe(map((message) => ({ ...message }))),
      });
      const atServer = bytesFrom(server);
      expectObservable(outcome$, '20ms !').toBe('');
      expectObservable(
        cold('ab').pipe(
          tap((step) => {
            const setup = bytesOf(setupConnection());
            if (step === 'a') client.write(concatenated([setup, unmarked]));
            if (step === 'b') expect(atServer.all()).toEqual(concatenated([setup, bytesOf(share(1))]));
          }),
        ),
      ).toBe('ab');
    });
  });
});

describe('an end that does not read', () => {
  const frame = bytesOf(unknown(10_000));
  const frames = 100; // a megabyte

  it.each(['client', 'server'] as const)(
    '(the %s) is waited for: no more than 256 KiB and a chunk are held for it',
    (slow) => {
      marbles(({ cold, expectObservable }) => {
        const { client, server, outcome$ } = rawRelay({});
        const [reader, writer] = slow === 'client' ? [client, server] : [server, client];
        const setup = bytesOf(setupConnection());
        const ready = [setup, bytesOf(welcome())];
        let seen: { all(): Uint8Array } | undefined;
        expectObservable(outcome$.pipe(map(({ type }) => type)), '1s !').toBe('-c--d', {
          c: 'connected',
          d: 'disconnected',
        });
        expectObservable(
          cold('abcde 7ms f').pipe(
            tap((step) => {
              if (step === 'a') client.write(setup);
              if (step === 'b') server.write(bytesOf(welcome()));
              if (step === 'c') for (let sent = 0; sent < frames; sent += 1) writer.write(frame);
              if (step === 'd') {
                const waiting = writer.queuedBytes;
                expect(waiting).toBeGreaterThan(frames * frame.length - 256 * 1024 - 17 * frame.length);
                expect(waiting).toBeLessThan(frames * frame.length - 256 * 1024 + frame.length);
                // what waits at a writer that has gone is delivered, too
                writer.end();
              }
              if (step === 'e') seen = bytesFrom(reader);
              if (step === 'f') {
                const first = slow === 'client' ? ready[1]! : ready[0]!;
                expect(seen?.all().length).toBe(first.length + frames * frame.length);
              }
            }),
          ),
        ).toBe('abcde 7ms f');
      });
    },
  );
});
