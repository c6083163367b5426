import { describe, expect, it, jest } from '@jest/globals';
import { of, Subject, VirtualTimeScheduler, type Observable } from 'rxjs';
import { defaultCrypto } from '../../src/crypto/index.js';
import { decodeFrame } from '../../src/framing/index.js';
import { generateAuthorityKeyPair, NoiseError } from '../../src/noise/index.js';
import {
  clientHandshake,
  openConnection,
  TransportError,
  type HandshakeResult,
} from '../../src/transport/index.js';
import { plainChannel } from '../../src/transport/frame-channel.js';
import { serverHandshakes, type ClientSecurity } from '../../src/transport/security.js';
import { fakeStream, frames, log, setTarget, setup, type FakeStream } from './support.js';

const authority = generateAuthorityKeyPair(defaultCrypto);
const year = 365 * 86_400_000;
const today = () => 50 * year;

function client(security: ClientSecurity = {}, now = today) {
  const stream = fakeStream();
  const scheduler = new VirtualTimeScheduler();
  const opened = log(
    openConnection(stream, {
      receivesFrom: 'server',
      handshake: clientHandshake(security, now),
      handshakeTimeout: 300,
      scheduler,
    }),
  );
  return { stream, scheduler, opened };
}

function server(now = today) {
  const stream = fakeStream();
  const scheduler = new VirtualTimeScheduler();
  const handshakes = serverHandshakes({ authority }, now)?.();
  const opened = log(
    openConnection(stream, {
      receivesFrom: 'client',
      handshake: handshakes?.start,
      handshakeTimeout: 300,
      scheduler,
    }),
  );
  return { stream, scheduler, opened };
}

/** Lets a client and a server shake hands; the answer goes through `tamper`. */
function handshake(
  security: ClientSecurity = {},
  { clientNow = today, serverNow = today, tamper = (bytes: Uint8Array) => bytes } = {},
) {
  const ours = client(security, clientNow);
  const theirs = server(serverNow);
  theirs.stream.incoming$.next(ours.stream.writes[0] as Uint8Array);
  ours.stream.incoming$.next(tamper(theirs.stream.writes[0] as Uint8Array));
  return { client: ours, server: theirs };
}

describe('a plaintext connection', () => {
  it('is there at once and knows its peer', () => {
    const opened = log(openConnection(fakeStream(), { receivesFrom: 'client' }));

    expect(opened.values[0]?.peer).toEqual({ address: 'peer.example:34254', encrypted: false });
    expect(opened.completed).toBe(true);
  });
});

describe('an encrypted connection', () => {
  it('comes with the handshake, one on each side', () => {
    const { client, server } = handshake({ authorityPublicKey: authority.publicKey });

    expect(client.opened.completed).toBe(true);
    expect(server.opened.completed).toBe(true);
    expect(client.opened.values[0]?.peer).toEqual({
      address: 'peer.example:34254',
      encrypted: true,
      authorityPublicKey: authority.publicKey,
    });
    expect(server.opened.values[0]?.peer).toEqual({ address: 'peer.example:34254', encrypted: true });
  });

  it('names no authority where any is accepted', () => {
    const { client } = handshake();
    expect(client.opened.values[0]?.peer).toEqual({ address: 'peer.example:34254', encrypted: true });
  });

  it('carries messages both ways, cut into single bytes, and none of their bytes is readable', () => {
    const { client, server } = handshake();
    const [near, far] = [client.opened.values[0], server.opened.values[0]];
    const atClient = log(near!.message$);
    const atServer = log(far!.message$);
    const plaintext = setup('a name that can be recognised');

    near?.send(plaintext, setTarget(1));
    near?.close();
    far?.send(setTarget(2));
    far?.close();
    for (const byte of client.stream.writes[1]!) server.stream.incoming$.next(Uint8Array.of(byte));
    client.stream.incoming$.next(server.stream.writes[1]!);

    // Both closed, so that each has written, and neither takes messages any more.
    expect([atClient.completed, atServer.completed]).toEqual([true, true]);
    expect(Buffer.from(client.stream.writes[1]!).includes('recognised')).toBe(false);
    expect(client.stream.writes[1]!.length).toBe(frames(plaintext, setTarget(1)).length + 4 * 16);
  });

  it('keeps what arrives behind the handshake for its subscriber', () => {
    const ours = client();
    const theirs = server();
    theirs.stream.incoming$.next(ours.stream.writes[0]!);
    const far = theirs.opened.values[0]!;
    far.send(setTarget(1), setTarget(2));
    far.close();
    const [act2, sealed] = theirs.stream.writes as [Uint8Array, Uint8Array];

    ours.stream.incoming$.next(Uint8Array.of(...act2, ...sealed.subarray(0, 30)));
    expect(ours.stream.incoming$.observed).toBe(false);
    const received = log(ours.opened.values[0]!.message$);
    ours.stream.incoming$.next(sealed.subarray(30));

    expect(received.values).toEqual([setTarget(1), setTarget(2)]);
  });

  it('ends with an error when a byte was changed on the way', () => {
    const { client, server } = handshake();
    const received = log(server.opened.values[0]!.message$);
    client.opened.values[0]!.send(setTarget(1));
    client.opened.values[0]!.close();
    const sealed = client.stream.writes[1]!.slice();
    sealed[40]! ^= 1;

    server.stream.incoming$.next(sealed);

    expect(received.values).toEqual([]);
    expect(received.error).toMatchObject({ code: 'frame-authentication-failed' });
    expect(server.stream.events).toEqual(['write', 'destroy']);
  });

  it('has the same limit on frames as a plaintext one', () => {
    const { client, server } = handshake();
    const received = log(server.opened.values[0]!.message$);
    server.opened.values[0]!.limitPayload(35);
    client.opened.values[0]!.send(setTarget(1));
    client.opened.values[0]!.close();

    server.stream.incoming$.next(client.stream.writes[1]!);

    expect(received.error).toMatchObject({ code: 'frame-too-large' });
  });
});

describe('a handshake', () => {
  it('has handshakeTimeout to finish, on either side', () => {
    for (const { stream, scheduler, opened } of [client(), server()]) {
      stream.incoming$.next(new Uint8Array(63));
      scheduler.maxFrames = 299;
      scheduler.flush();
      expect(opened.error).toBeUndefined();
      scheduler.maxFrames = 300;
      scheduler.flush();

      expect(opened.error).toBeInstanceOf(TransportError);
      expect(opened.error).toMatchObject({
        code: 'handshake-timeout',
        detail: { address: 'peer.example:34254', milliseconds: 300 },
      });
      expect(stream.events.at(-1)).toBe('destroy');
    }
  });

  it('leaves no timer behind', () => {
    const { client, server } = handshake();
    for (const { scheduler, stream, opened } of [client, server]) {
      scheduler.flush();
      expect(opened.error).toBeUndefined();
      expect(stream.events).toEqual(['write']);
    }
  });

  it('fails if the peer closes first, and says how far it got', () => {
    for (const { stream, opened } of [client(), server()]) {
      stream.incoming$.next(new Uint8Array(10));
      stream.incoming$.complete();

      expect(opened.error).toMatchObject({
        code: 'peer-closed-during-handshake',
        detail: { address: 'peer.example:34254', received: 10 },
      });
      expect(stream.events.at(-1)).toBe('destroy');
    }
  });

  it('fails with the error of the stream', () => {
    const { stream, opened } = client();
    const error = new TransportError('connection-reset', 'dropped');
    stream.incoming$.error(error);
    expect(opened.error).toBe(error);
  });

  it('fails at garbage', () => {
    const { stream, opened } = client();
    stream.incoming$.next(new Uint8Array(234).fill(7));

    expect(opened.error).toBeInstanceOf(NoiseError);
    expect(opened.error).toMatchObject({ code: 'handshake-authentication-failed' });
    expect(stream.events).toEqual(['write', 'destroy']);
  });

  it('is refused to a client that sends more than its key, without work', () => {
    for (const length of [65, 120]) {
      const { stream, opened } = server();
      stream.incoming$.next(new Uint8Array(length));

      expect(opened.error).toMatchObject({
        code: 'handshake-too-long',
        detail: { address: 'peer.example:34254', received: length, expected: 64 },
      });
      expect(stream.events).toEqual(['destroy']);
    }
  });

  it('tells a client that speaks plaintext so, in plaintext, and lets it go in good order', () => {
    const { stream, opened } = server();
    stream.incoming$.next(frames(setup('x'.repeat(60))).subarray(0, 64));

    expect(opened.error).toMatchObject({ code: 'encryption-mismatch' });
    expect(decodeFrame(stream.writes[0]!)).toMatchObject({ errorCode: 'encryption-required' });
    expect(stream.events).toEqual(['write', 'end']);
  });

  it('fails if another authority signed', () => {
    const other = generateAuthorityKeyPair(defaultCrypto);
    const { client, server } = handshake({ authorityPublicKey: other.publicKey });

    expect(client.opened.error).toMatchObject({ code: 'certificate-wrong-authority' });
    expect(client.opened.values).toEqual([]);
    expect(client.stream.events).toEqual(['write', 'destroy']);
    expect(server.opened.error).toBeUndefined();
  });

  it('fails with an expired certificate and with one that is not valid yet', () => {
    const security = { authorityPublicKey: authority.publicKey };
    const late = handshake(security, { clientNow: () => today() + year });
    const early = handshake(security, { clientNow: () => today() - year });

    expect(late.client.opened.error).toMatchObject({ code: 'certificate-expired' });
    expect(early.client.opened.error).toMatchObject({ code: 'certificate-not-yet-valid' });
  });

  it('leaves neither the stream nor a key behind when its reply cannot be written', () => {
    const stream = fakeStream();
    const broken = new Error('broken stream');
    const clear = jest.fn();
    const channel = { ...plainChannel(100), clear };
    const opened = log(
      openConnection(
        {
          ...stream,
          write() {
            throw broken;
          },
        },
        {
          receivesFrom: 'client',
          handshake: () => elsewhere(of({ channel, reply: Uint8Array.of(1) })),
        },
      ),
    );
    stream.incoming$.next(new Uint8Array(4));

    expect(opened.error).toBe(broken);
    expect(clear).toHaveBeenCalledTimes(1);
    expect(stream.events).toEqual(['destroy']);
  });

  it('is given up, and the stream destroyed, by unsubscribing', () => {
    const { stream, scheduler, opened } = client();
    opened.unsubscribe();
    scheduler.flush();

    expect(stream.events).toEqual(['write', 'destroy']);
    expect(stream.incoming$.observed).toBe(false);
    expect(opened.error).toBeUndefined();
  });

  it('leaves the connection alone when its subscription ends afterwards', () => {
    const { client } = handshake();
    client.opened.unsubscribe();
    expect(client.stream.events).toEqual(['write']);
  });
});

/** A handshake of four bytes whose work is done as the spec says. */
const elsewhere = (result$: Observable<HandshakeResult>, mayFollow = false) => ({
  expected: 4,
  mayFollow,
  finish: () => result$,
  clear: () => undefined,
});

describe('the work of a handshake that is done elsewhere', () => {
  const options = { receivesFrom: 'client', handshakeTimeout: 300 } as const;

  function waiting(mayFollow = false) {
    const stream = fakeStream();
    const scheduler = new VirtualTimeScheduler();
    const result$ = new Subject<HandshakeResult>();
    const handshake = () => elsewhere(result$, mayFollow);
    const opened = log(openConnection(stream, { ...options, scheduler, handshake }));
    stream.incoming$.next(new Uint8Array(4));
    return { stream, scheduler, result$, opened };
  }

  it('takes none of the time that the peer has', () => {
    const { scheduler, result$, opened } = waiting();
    scheduler.flush();
    expect(opened.error).toBeUndefined();
    result$.next({ channel: plainChannel(100) });
    expect(opened).toMatchObject({ values: [{ peer: { encrypted: true } }], completed: true });
  });

  it('is given up for a peer that closes, resets, or goes on talking', () => {
    const leave: [string, (stream: FakeStream) => void][] = [
      ['peer-closed-during-handshake', ({ incoming$ }) => incoming$.complete()],
      [
        'connection-reset',
        ({ incoming$ }) => incoming$.error(new TransportError('connection-reset', 'gone')),
      ],
      ['handshake-too-long', ({ incoming$ }) => incoming$.next(Uint8Array.of(1))],
    ];
    for (const [code, go] of leave) {
      const { stream, result$, opened } = waiting();
      go(stream);
      expect(opened.error).toMatchObject({ code });
      expect(result$.observed).toBe(false);
      expect(stream.events).toEqual(['destroy']);
    }
  });

  it('leaves what follows in the stream where the peer may go on', () => {
    const { stream, result$, opened } = waiting(true);
    expect(stream.incoming$.observed).toBe(false);
    result$.next({ channel: plainChannel(100) });
    const received = log(opened.values[0]!.message$);
    stream.incoming$.next(frames(setTarget(1)));
    expect(received.values).toEqual([setTarget(1)]);
  });

  it('is a failure of the handshake if it fails', () => {
    const { stream, result$, opened } = waiting();
    result$.error(new Error('no worker'));
    expect(opened.error).toMatchObject({ message: 'no worker' });
    expect(stream.events).toEqual(['destroy']);
  });
});
