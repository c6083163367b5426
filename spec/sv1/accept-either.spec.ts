import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { concat, from, ignoreElements, mergeMap, NEVER, tap, type Observable } from 'rxjs';
import { protocolOf, acceptEither } from '../../src/sv1/index.js';
import type { HandshakeFailure } from '../../src/transport/index.js';
import type { ByteStream } from '../../src/transport/byte-stream.js';
import { encodeFrame } from '../../src/framing/frame.js';
import { SetupConnection } from '../../src/messages/index.js';
import { memoryStreams } from '../../src/testing/memory-streams.js';
import { marbles } from '../../src/testing/index.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const subscribe = bytes('{"id": 1, "method": "mining.subscribe", "params": []}\n');
const setup = encodeFrame(
  SetupConnection({
    ...{ protocol: 0, minVersion: 2, maxVersion: 2, flags: 0, endpointHost: 'a', endpointPort: 1 },
    ...{ vendor: 'a', hardwareVersion: '', firmware: '', deviceId: '' },
  }),
);

describe('the first bytes of a client', () => {
  it.each([
    ['a request of Stratum V1', subscribe, 'sv1'],
    ['one behind white space', bytes('\r\n {"id":1,"method":'), 'sv1'],
    ['a short line', bytes('{"id":1}\n'), 'sv1'],
    ['its first bytes', bytes('{"id":1'), null],
    ['white space', bytes(' \r\n'), null],
    ['nothing but white space', bytes(' '.repeat(16)), 'sv2'],
    ['SetupConnection in plaintext', setup, 'sv2'],
    ['TLS', Uint8Array.of(0x16, 0x03, 0x01), 'sv2'],
    ['HTTP', bytes('GET / HTTP/1.1\r\n'), 'sv2'],
    ['a key that begins like a line', Uint8Array.of(...bytes('{"id"'), 0x00, 0xff), 'sv2'],
  ])('%s', (_, received, protocol) => expect(protocolOf(received)).toBe(protocol));

  it('tell the same however they are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat(64), (received, at) => {
        const early = protocolOf(received.subarray(0, 1 + (at % received.length)));
        expect([null, protocolOf(received)]).toContain(early);
      }),
      { seed: 1, numRuns: 2_000 },
    );
  });
});

/** What comes of streams on which something is written, for so long. */
const accepted = (write: (near: ByteStream, index: number) => void, clients: number, maxHandshakes = 10) => {
  const protocols: string[] = [];
  const failures: HandshakeFailure[] = [];
  const received: string[] = [];
  marbles(({ expectObservable }) => {
    const streams = Array.from({ length: clients }, (_, index) => {
      const [near, far] = memoryStreams('proxy', `miner${index}:1`);
      write(near, index);
      return far;
    });
    const message$ = concat(from(streams), NEVER).pipe(
      acceptEither({
        handshakeErrorObserver: { next: (failure) => failures.push(failure) },
        ...{ handshakeTimeout: 5_000, maxHandshakes },
      }),
      tap(({ protocol }) => protocols.push(protocol)),
      mergeMap(({ connection }): Observable<unknown> => connection.message$),
      tap((message) => received.push(JSON.stringify(message))),
      ignoreElements(),
    );
    expectObservable(message$, '^ 10s !').toBe('');
  });
  return { protocols, received, codes: failures.map(({ error }) => (error as { code: string }).code) };
};

describe('one port for both', () => {
  it('serves each in its own protocol, and loses none of the bytes that told which', () => {
    const { protocols, received } = accepted((near, index) => near.write(index === 0 ? subscribe : setup), 2);
    expect(protocols.sort()).toEqual(['sv1', 'sv2']);
    expect(received.some((message) => message.includes('SetupConnection'))).toBe(true);
    expect(received.some((message) => message.includes('mining.subscribe'))).toBe(true);
  });

  it('waits for enough of a line that comes in pieces', () => {
    const { protocols, received } = accepted((near) => {
      for (let at = 0; at < subscribe.length; at += 3) near.write(subscribe.subarray(at, at + 3));
    }, 1);
    expect(protocols).toEqual(['sv1']);
    expect(received).toHaveLength(1);
  });

  it('gives up who says nothing, or too little to tell, in time', () => {
    const { protocols, codes } = accepted((near, index) => {
      if (index === 1) near.write(bytes('{"id'));
    }, 2);
    expect(protocols).toEqual([]);
    expect(codes).toEqual(['handshake-timeout', 'handshake-timeout']);
  });

  it('has silent sockets make place for others', () => {
    const { protocols, codes } = accepted(
      (near, index) => {
        if (index >= 20) near.write(subscribe);
      },
      25,
      5,
    );
    expect(protocols).toHaveLength(5);
    expect(codes.filter((code) => code === 'too-many-connections').length).toBeGreaterThanOrEqual(15);
  });
});
