import { describe, expect, it, jest } from '@jest/globals';
import { firstValueFrom, Subject, tap } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { CodecError } from '../../src/codec/index.js';
import { FramingError, headerSize, readHeader } from '../../src/framing/index.js';
import {
  maxPayloadSize,
  SetupConnectionSuccess,
  UnknownMessage,
  type Message,
} from '../../src/messages/index.js';
import { openConnection, TransportError, type OpenOptions } from '../../src/transport/index.js';
import { memoryStreams } from '../../src/testing/memory-streams.js';
import { plainChannel } from '../../src/transport/frame-channel.js';
import { completeLimits, framesPerStep, unreadBytes } from '../../src/transport/limits.js';
import { messageConnection } from '../../src/transport/message-connection.js';
import type { Connection } from '../../src/transport/connection.js';
import { sendQueues } from '../../src/transport/send-queues.js';
import { createTurns, readTime } from '../../src/transport/turns.js';
import { at, fakeStream, frames, log, setTarget, setup, type FakeStream } from './support.js';

const virtual = () => new TestScheduler((actual, expected) => expect(actual).toEqual(expected));

const success = SetupConnectionSuccess({ usedVersion: 2, flags: 0 });
const frameOf = (message: Message) => {
  const bytes = frames(message);
  return { header: readHeader(bytes, 0), payload: bytes.subarray(headerSize) };
};

/** A plaintext connection of a server over a stream that the spec controls, at a time that stands still. */
async function connectionOver(stream: FakeStream, options: Partial<OpenOptions> = {}) {
  return firstValueFrom(openConnection(stream, { receivesFrom: 'client', scheduler: virtual(), ...options }));
}

describe('sending', () => {
  it('writes everything that was sent in one turn at once, in order', async () => {
    const stream = fakeStream();
    const connection = await connectionOver(stream);

    virtual().run(({ flush }) => {
      connection.send(setTarget(1), setTarget(2));
      connection.send(setTarget(3));
      expect(stream.writes).toEqual([]);
      flush();
    });

    expect(stream.writes).toEqual([frames(setTarget(1), setTarget(2), setTarget(3))]);
  });

  it('writes what is sent in another turn separately', async () => {
    const stream = fakeStream();
    const connection = await connectionOver(stream);

    virtual().run(({ cold, flush }) => {
      at(cold('a-b'), (turn) => connection.send(setTarget(turn === 'a' ? 1 : 2)));
      flush();
    });

    expect(stream.writes).toEqual([frames(setTarget(1)), frames(setTarget(2))]);
  });

  it('throws if a message cannot be encoded, and sends nothing of that call', async () => {
    const stream = fakeStream();
    const connection = await connectionOver(stream);

    virtual().run(({ flush }) => {
      connection.send(setTarget(1));
      expect(() => connection.send(setTarget(2), setTarget(-1))).toThrow(CodecError);
      flush();
    });

    expect(stream.writes).toEqual([frames(setTarget(1))]);
  });

  it('sends what was queued before close, then ends', async () => {
    const stream = fakeStream();
    const connection = await connectionOver(stream);
    const received = log(connection.message$);

    connection.send(setTarget(1));
    connection.close();

    expect(stream.writes).toEqual([frames(setTarget(1))]);
    expect(stream.events).toEqual(['write', 'end']);
    expect(received.completed).toBe(true);
  });

  it('does nothing after close', async () => {
    const stream = fakeStream();
    const connection = await connectionOver(stream);

    virtual().run(({ flush }) => {
      connection.close();
      connection.send(setTarget(1));
      connection.close();
      flush();
    });

    expect(stream.events).toEqual(['end']);
  });
});

describe('receiving', () => {
  it('reads nothing before it is subscribed to', async () => {
    const stream = fakeStream();
    const connection = await connectionOver(stream);
    expect(stream.incoming$.observed).toBe(false);

    const received = log(connection.message$);
    stream.incoming$.next(frames(setup()));

    expect(received.values).toEqual([setup()]);
  });

  it('puts frames together that arrive one byte at a time', async () => {
    const stream = fakeStream();
    const received = log((await connectionOver(stream)).message$);

    for (const byte of frames(setup('a'), setTarget(7), setup('b'))) {
      stream.incoming$.next(Uint8Array.of(byte));
    }

    expect(received.values).toEqual([setup('a'), setTarget(7), setup('b')]);
  });

  it('takes several frames from one chunk, and the rest of a cut one from the next', async () => {
    const stream = fakeStream();
    const received = log((await connectionOver(stream)).message$);
    const bytes = frames(setTarget(1), setTarget(2), setTarget(3));

    stream.incoming$.next(bytes.subarray(0, bytes.length - 5));
    expect(received.values).toEqual([setTarget(1), setTarget(2)]);
    stream.incoming$.next(bytes.subarray(bytes.length - 5));

    expect(received.values).toEqual([setTarget(1), setTarget(2), setTarget(3)]);
  });

  it('gives a second subscriber an error and leaves the first alone', async () => {
    const stream = fakeStream();
    const connection = await connectionOver(stream);
    const first = log(connection.message$);
    const second = log(connection.message$);

    stream.incoming$.next(frames(setTarget(1)));

    expect(second.error).toMatchObject({ code: 'already-subscribed' });
    expect(first.values).toEqual([setTarget(1)]);
  });

  it('stops in the middle of a chunk when the subscriber has had enough', async () => {
    const stream = fakeStream();
    const connection = await connectionOver(stream);
    const values: unknown[] = [];
    at(connection.message$, (message) => {
      values.push(message);
      connection.close();
    });

    stream.incoming$.next(frames(setTarget(1), setTarget(2)));

    expect(values).toEqual([setTarget(1)]);
  });
});

describe('the end', () => {
  it('completes when the peer closes, and closes too', async () => {
    const stream = fakeStream();
    const received = log((await connectionOver(stream)).message$);

    stream.incoming$.complete();

    expect(received.completed).toBe(true);
    expect(stream.events).toEqual(['end']);
  });

  it('still sends what was queued when the peer closes', async () => {
    const stream = fakeStream();
    const connection = await connectionOver(stream);
    log(connection.message$);

    connection.send(setTarget(1));
    stream.incoming$.complete();

    expect(stream.events).toEqual(['write', 'end']);
  });

  it('is an error in the middle of a frame', async () => {
    for (const length of [3, 6, 20]) {
      const stream = fakeStream();
      const received = log((await connectionOver(stream)).message$);

      stream.incoming$.next(frames(setup()).subarray(0, length));
      stream.incoming$.complete();

      expect(received.error).toMatchObject({ code: 'truncated-stream' });
    }
  });

  it('comes with an error of the stream', async () => {
    const stream = fakeStream();
    const received = log((await connectionOver(stream)).message$);
    const error = new TransportError('connection-reset', 'dropped');

    stream.incoming$.error(error);

    expect(received.error).toBe(error);
    expect(stream.events).toEqual(['destroy']);
  });

  it('is told to whoever subscribes later', async () => {
    const closed = await connectionOver(fakeStream());
    closed.close();
    expect(log(closed.message$).completed).toBe(true);

    const stream = fakeStream();
    const slow = await connectionOver(stream, { maxQueuedBytes: 10 });
    virtual().run(({ flush }) => {
      slow.send(setTarget(1));
      stream.queuedBytes = 11;
      flush();
    });
    expect(log(slow.message$).error).toMatchObject({ code: 'slow-consumer' });
  });

  it('follows from unsubscribing', async () => {
    const stream = fakeStream();
    const connection = await connectionOver(stream);
    const received = log(connection.message$);

    connection.send(setTarget(1));
    received.unsubscribe();

    expect(stream.events).toEqual(['write', 'end']);
    expect(received.completed).toBe(false);
  });

  it('reads and drops what still arrives until the peer closes too', async () => {
    const stream = { ...fakeStream(), closed$: new Subject<never>() };
    const connection = await connectionOver(stream);
    connection.close();
    expect(stream.incoming$.observed).toBe(true);

    stream.incoming$.next(frames(setTarget(1)));
    stream.incoming$.complete();
    expect(stream.events).toEqual(['end']);
    stream.closed$.complete();

    expect(stream.events).toEqual(['end', 'destroy']);
  });

  it('is forced on a peer that does not close within closeTimeout', () => {
    const scheduler = virtual();
    scheduler.run(({ expectObservable, flush }) => {
      const stream = fakeStream();
      const destroyed$ = new Subject<string>();
      expectObservable(destroyed$).toBe('700ms d');
      at(
        openConnection(
          { ...stream, destroy: () => destroyed$.next('d') },
          { receivesFrom: 'client', closeTimeout: 700, scheduler },
        ),
        (connection) => connection.close(),
      );
      flush();
    });
  });
});

describe('frames', () => {
  it('are received and sent as they are, in one order with messages', async () => {
    const stream = fakeStream();
    const connection = await connectionOver(stream);
    const received = log(connection.frame$);
    // a channel_msg bit that the specification does not have is kept
    const odd = {
      ...frameOf(setTarget(1)),
      header: { ...frameOf(setTarget(1)).header, channelMessage: false },
    };
    virtual().run(({ flush }) => {
      connection.send(setTarget(1));
      connection.sendFrames(odd, frameOf(setTarget(2)));
      connection.send(setTarget(3));
      flush();
    });
    const written = stream.writes[0] as Uint8Array;
    expect(stream.writes).toHaveLength(1);
    const unmarked = frames(setTarget(1));
    unmarked[1] = 0;
    expect(written).toEqual(
      Uint8Array.of(...frames(setTarget(1)), ...unmarked, ...frames(setTarget(2), setTarget(3))),
    );

    stream.incoming$.next(unmarked);
    expect(received.values).toEqual([odd]);
    expect(log(connection.message$).error).toMatchObject({ code: 'already-subscribed' });
  });
});

describe('a pause', () => {
  it('stops reading until it ends, after the frames of a step', async () => {
    const stream = fakeStream();
    const connection = await connectionOver(stream);
    const received = log(connection.message$);
    const first$ = new Subject<void>();
    const second$ = new Subject<void>();
    connection.pause(first$);
    connection.pause(second$);
    expect(stream.incoming$.observed).toBe(false);

    first$.complete();
    expect(stream.incoming$.observed).toBe(false);
    second$.error(new Error('ends it as well'));
    expect(stream.incoming$.observed).toBe(true);
    stream.incoming$.next(frames(setTarget(1)));
    expect(received.values).toEqual([setTarget(1)]);
  });

  it('in the middle of a chunk keeps the order of what was read and what comes', () => {
    const scheduler = virtual();
    scheduler.run(({ cold, flush }) => {
      const stream = fakeStream();
      const values: unknown[] = [];
      at(openConnection(stream, { receivesFrom: 'client', scheduler }), (connection) => {
        at(connection.message$, (message) => {
          values.push(message);
          if (values.length === 3) connection.pause(cold('-----|'));
          if (values.length === 20) connection.pause(cold('|'));
        });
      });
      const numbers = Array.from({ length: 40 }, (_, index) => setTarget(index));
      at(cold('-a 1ms b 7ms c'), (what) => {
        if (what === 'a') stream.incoming$.next(frames(...numbers));
        if (what === 'b') expect(values).toHaveLength(framesPerStep);
        if (what === 'c') expect(values).toEqual(numbers);
      });
      flush();
      expect(values).toHaveLength(40);
    });
  });

  it('does not outlive the connection', async () => {
    const connection = await connectionOver(fakeStream());
    const until$ = new Subject<void>();
    connection.pause(until$);
    expect(until$.observed).toBe(true);
    connection.close();
    expect(until$.observed).toBe(false);
  });
});

describe('the send queue', () => {
  it('counts what was sent and not taken, and completes drained$ when it is empty', async () => {
    const stream = { ...fakeStream(), drained$: new Subject<never>() };
    const connection = await connectionOver(stream);
    connection.send(setTarget(1));
    expect(connection.queuedBytes).toBe(frames(setTarget(1)).length);
    const drained = log(connection.drained$);
    expect(stream.writes).toHaveLength(1);
    expect(drained.completed).toBe(false);
    stream.drained$.complete();
    expect(drained.completed).toBe(true);
    connection.close();
    expect(connection.queuedBytes).toBe(0);
    expect(log(connection.drained$).completed).toBe(true);
  });
});

describe('violations', () => {
  it('end the connection, after the messages before them', async () => {
    const stream = fakeStream();
    const received = log((await connectionOver(stream)).message$);

    stream.incoming$.next(Uint8Array.of(...frames(setTarget(1)), 0, 0, 0, 2, 0, 0, 1, 2));

    expect(received.values).toEqual([setTarget(1)]);
    expect(received.error).toBeInstanceOf(CodecError);
    expect(received.error).toMatchObject({ place: { message: 'SetupConnection' } });
    expect(stream.events).toEqual(['destroy']);
  });

  it('are frames above the limit, whose header is enough', async () => {
    const stream = fakeStream();
    const received = log((await connectionOver(stream, { maxPayload: 100 })).message$);

    stream.incoming$.next(Uint8Array.of(0, 0, 0, 101, 0, 0));

    expect(received.error).toBeInstanceOf(FramingError);
    expect(received.error).toMatchObject({
      code: 'frame-too-large',
      detail: { payloadLength: 101, maxPayload: 100 },
    });
    expect(stream.events).toEqual(['destroy']);
  });

  it('are frames larger than any SetupConnection, until limitPayload', async () => {
    const large = Uint8Array.of(0, 0, 0, 0, 16, 0); // 4,096 bytes
    const strict = fakeStream();
    const refused = log((await connectionOver(strict)).message$);
    strict.incoming$.next(large);
    expect(refused.error).toMatchObject({ code: 'frame-too-large' });

    const stream = fakeStream();
    const connection = await connectionOver(stream);
    const accepted = log(connection.message$);
    connection.limitPayload(4096);
    stream.incoming$.next(large);
    expect(accepted.error).toBeUndefined();
  });

  it('are frames larger than the agreed subprotocol has, from SetupConnection.Success on, whoever sets up', async () => {
    const large = (size: number) => Uint8Array.of(0, 0, 0x71, size & 0xff, size >> 8, size >> 16);
    for (const [receivesFrom, sends, receives] of [
      ['client', success, setup()],
      ['server', setup(), success],
    ] as const) {
      for (const raw of [false, true]) {
        const stream = fakeStream();
        const connection = await connectionOver(stream, { receivesFrom });
        const received = log<unknown>(raw ? connection.frame$ : connection.message$);
        const sending = () => (raw ? connection.sendFrames(frameOf(sends)) : connection.send(sends));
        if (receivesFrom === 'server') sending();
        stream.incoming$.next(frames(receives));
        if (receivesFrom === 'client') sending();
        const limit = maxPayloadSize('mining', receivesFrom);
        expect(limit).toBeGreaterThan(60_000);
        stream.incoming$.next(large(limit));
        expect(received.error).toBeUndefined();
        stream.incoming$.next(new Uint8Array(limit - 1));
        expect(received.error).toBeUndefined();

        const other = fakeStream();
        const second = await connectionOver(other, { receivesFrom });
        const refused = log(second.message$);
        if (receivesFrom === 'server') second.send(sends);
        other.incoming$.next(frames(receives));
        if (receivesFrom === 'client') second.send(sends);
        other.incoming$.next(large(limit + 1));
        expect(refused.error).toMatchObject({ code: 'frame-too-large', detail: { maxPayload: limit } });
      }
    }
  });

  it('say what to do about a limit that holds until the setup', async () => {
    const stream = fakeStream();
    const received = log((await connectionOver(stream)).message$);
    stream.incoming$.next(Uint8Array.of(0, 0, 0x71, 0, 16, 0));
    expect((received.error as Error).message).toBe(
      'peer.example:34254: a payload of at most 2315 bytes is accepted here, the header announces 4096, until a ' +
        'SetupConnection.Success has passed or limitPayload is called',
    );
  });

  it('keep to a limit that was set by hand, whatever is set up', async () => {
    const stream = fakeStream();
    const connection = await connectionOver(stream);
    const received = log(connection.message$);
    connection.limitPayload(100);
    stream.incoming$.next(frames(setup()));
    connection.send(success);
    stream.incoming$.next(Uint8Array.of(0, 0, 0x71, 101, 0, 0));
    expect(received.error).toMatchObject({ code: 'frame-too-large', detail: { maxPayload: 100 } });
  });

  it('are judged by the limit that was set while the frame before was handled', async () => {
    const stream = fakeStream();
    const connection = await connectionOver(stream, { maxPayload: 60 });
    const values: unknown[] = [];
    at(connection.message$, (message) => {
      values.push(message);
      connection.limitPayload(1000);
    });

    stream.incoming$.next(frames(setTarget(1), setup('x'.repeat(200))));

    expect(values).toEqual([setTarget(1), setup('x'.repeat(200))]);
  });

  it('are not large messages of unknown extensions, which are read past once limitPayload was called', async () => {
    const stream = fakeStream();
    const connection = await connectionOver(stream);
    const received = log(connection.message$);
    const unknownOf = (extensionType: number, size: number) =>
      UnknownMessage({
        extensionType,
        messageType: 0xee,
        channelMessage: false,
        payload: new Uint8Array(size),
      });
    connection.limitPayload(4096);
    stream.incoming$.next(
      frames(setTarget(0), unknownOf(0x4000, 132_000), setTarget(1), unknownOf(2, 5_000), setTarget(2)),
    );
    expect(received.values).toEqual([setTarget(0), setTarget(1), setTarget(2)]);
    stream.incoming$.next(frames(unknownOf(0x4000, 4_096)));
    expect(received.values).toHaveLength(4);
    // those of the core protocol and of extension negotiation are known: there is no such message
    stream.incoming$.next(frames(unknownOf(0, 4_097)));
    expect(received.error).toMatchObject({ code: 'frame-too-large' });

    const early = fakeStream();
    const refused = log((await connectionOver(early)).message$);
    early.incoming$.next(frames(setTarget(0), unknownOf(0x4000, 132_000)));
    expect(refused.error).toMatchObject({ code: 'frame-too-large' });
  });

  it('include a peer that does not read: above maxQueuedBytes it is a slow consumer', async () => {
    const stream = fakeStream();
    const connection = await connectionOver(stream, { maxQueuedBytes: 1000 });
    const received = log(connection.message$);

    virtual().run(({ cold, flush }) => {
      at(cold('a-b-c'), (turn) => {
        stream.queuedBytes = turn === 'a' ? 1000 : 1001;
        connection.send(setTarget(1));
      });
      flush();
    });

    expect(received.error).toBeInstanceOf(TransportError);
    expect(received.error).toMatchObject({
      code: 'slow-consumer',
      detail: { queuedBytes: 1001, maxQueuedBytes: 1000, address: 'peer.example:34254' },
    });
    expect(stream.events).toEqual(['write', 'write', 'destroy']);
  });
});

/** A channel that the spec watches, and can break. */
function channelUnderTest(broken: { seal?: Error } = {}) {
  const channel = plainChannel(2000);
  const clear = jest.fn(() => channel.clear());
  const sealed: number[] = [];
  return {
    sealed,
    clear,
    channel: {
      ...channel,
      clear,
      seal(frames: readonly Uint8Array[]) {
        sealed.push(frames.length);
        if (broken.seal !== undefined) throw broken.seal;
        return channel.seal(frames);
      },
    },
  };
}

const limits = () => completeLimits({ scheduler: virtual() }, 'client');
const peer = { address: 'peer.example:34254', encrypted: true };

describe('a failure to send', () => {
  const failures: [string, (error: Error) => { stream: FakeStream; broken: { seal?: Error } }][] = [
    ['encrypt', (seal) => ({ stream: fakeStream(), broken: { seal } })],
    [
      'write',
      (error) => ({
        stream: {
          ...fakeStream(),
          write() {
            throw error;
          },
        },
        broken: {},
      }),
    ],
  ];

  it.each(failures)('(to %s) ends the connection with that error, its keys and its queue', (_, fault) => {
    const error = new Error('broken');
    const { stream, broken } = fault(error);
    const { channel, clear, sealed } = channelUnderTest(broken);
    const connection = messageConnection(stream, channel, peer, limits(), undefined, undefined);
    const received = log(connection.message$);

    virtual().run(({ cold, flush }) => {
      at(cold('a-b'), () => connection.send(setTarget(1)));
      flush();
    });

    expect(received.error).toBe(error);
    expect(stream.events).toEqual(['destroy']);
    expect(clear).toHaveBeenCalledTimes(1);
    expect(sealed).toEqual([1]);
    expect(stream.incoming$.observed).toBe(false);
  });

  it.each(failures)('(to %s) what is left at close is an error, not an end', (_, fault) => {
    const error = new Error('broken');
    const { stream, broken } = fault(error);
    const { channel, clear } = channelUnderTest(broken);
    const connection = messageConnection(stream, channel, peer, limits(), undefined, undefined);
    const received = log(connection.message$);

    connection.send(setTarget(1));
    connection.close();

    expect(received).toMatchObject({ error, completed: false });
    expect(stream.events).toEqual(['destroy']);
    expect(clear).toHaveBeenCalledTimes(1);
  });

  it('is told to whoever subscribes later', () => {
    const error = new Error('broken');
    const { channel } = channelUnderTest({ seal: error });
    const connection = messageConnection(fakeStream(), channel, peer, limits(), undefined, undefined);
    virtual().run(({ flush }) => {
      connection.send(setTarget(1));
      flush();
    });
    expect(log(connection.message$).error).toBe(error);
  });

  it('of anything leaves nothing to be sent: what was queued goes with the keys', () => {
    const stream = fakeStream();
    const { channel, clear, sealed } = channelUnderTest();
    const connection = messageConnection(stream, channel, peer, limits(), undefined, undefined);
    log(connection.message$);
    virtual().run(({ flush }) => {
      connection.send(setTarget(1));
      stream.incoming$.error(new TransportError('connection-reset', 'dropped'));
      flush();
    });
    expect(sealed).toEqual([]);
    expect(clear).toHaveBeenCalledTimes(1);
    expect(stream.events).toEqual(['destroy']);
  });
});

describe('a chunk of many frames', () => {
  const many = (count: number, from = 0) =>
    Array.from({ length: count }, (_, index) => setTarget((from + index) % 256));

  /** Two clients of one listener. @param answer what is done with what a client sends */
  function clients(answer: (connection: Connection, message: Message) => void = () => undefined) {
    const asked: (() => void)[] = [];
    const time = { now: 0 };
    const shared = {
      turns: createTurns(
        () => time.now,
        (work) => asked.push(work),
      ),
      sendQueues: sendQueues(10_000_000),
    };
    const client = () => {
      const stream = fakeStream();
      const connection = messageConnection(stream, plainChannel(2000), peer, limits(), undefined, shared);
      const message$ = connection.message$.pipe(tap((message) => answer(connection, message)));
      return { stream, connection, received: log(message$) };
    };
    const turn = () => asked.splice(0).forEach((work) => work());
    return { one: client(), other: client(), turn, asked, time };
  }

  it('waits its turn, while its stream is not read and others are', () => {
    const { one, other, turn, asked } = clients();
    one.stream.incoming$.next(frames(...many(100)));
    expect(one.received.values).toHaveLength(framesPerStep);
    expect(one.stream.incoming$.observed).toBe(false);
    other.stream.incoming$.next(frames(setTarget(1)));
    expect(other.received.values).toHaveLength(1);
    expect(other.stream.incoming$.observed).toBe(true);

    turn();
    expect(one.received.values).toHaveLength(framesPerStep * 5);
    turn();
    expect(one.received.values).toEqual(many(100));
    expect(one.stream.incoming$.observed).toBe(true);
    expect(asked).toHaveLength(0);
  });

  it('is handled in turns with those of others', () => {
    const { one, other, turn } = clients();
    one.stream.incoming$.next(frames(...many(1000)));
    other.stream.incoming$.next(frames(...many(40)));
    turn();
    expect(one.received.values).toHaveLength(framesPerStep * 3);
    expect(other.received.values).toHaveLength(40);
  });

  it('has its answers leave with those of others when the turn ends, and at once if it closes', () => {
    const { one, other, turn } = clients((connection, message) => connection.send(message));
    const two = frames(setTarget(1), setTarget(2));
    for (const { stream, connection } of [one, other]) {
      stream.incoming$.next(two);
      expect(stream.writes).toEqual([]);
      expect(connection.queuedBytes).toBe(two.length);
    }
    other.connection.close();
    expect([one, other].map(({ stream }) => stream.writes)).toEqual([[], [two]]);
    turn();
    expect([one, other].map(({ stream }) => stream.writes)).toEqual([[two], [two]]);
  });

  it('has its answers leave in the turn that it waited for', () => {
    const { one, turn } = clients((connection, message) => connection.send(message));
    const all = frames(...many(framesPerStep + 4));
    one.stream.incoming$.next(all);
    turn();
    expect(one.stream.writes.flatMap((bytes) => [...bytes])).toEqual([...all]);
  });

  it('needs no turn if it has few', () => {
    const { one } = clients();
    one.stream.incoming$.next(frames(...many(framesPerStep)));
    expect(one.received.values).toHaveLength(framesPerStep);
    expect(one.stream.incoming$.observed).toBe(true);
  });

  it('waits whole if what others have just sent took long', () => {
    const { one, other, turn, time } = clients();
    one.stream.incoming$.next(frames(setTarget(1)));
    time.now += readTime;
    other.stream.incoming$.next(frames(setTarget(2)));
    expect(other.received.values).toEqual([]);
    expect(other.stream.incoming$.observed).toBe(false);
    turn();
    expect(other.received.values).toEqual([setTarget(2)]);
    expect(other.stream.incoming$.observed).toBe(true);
    other.stream.incoming$.next(frames(setTarget(3)));
    expect(other.received.values).toEqual([setTarget(2), setTarget(3)]);
  });

  it.each(['close', 'unsubscribe'] as const)('is dropped by %s', (how) => {
    const { one, turn } = clients();
    one.stream.incoming$.next(frames(...many(100)));
    if (how === 'close') one.connection.close();
    else one.received.unsubscribe();
    turn();
    expect(one.received.values).toHaveLength(framesPerStep);
    expect(one.stream.events).toEqual(['end']);
  });

  it('that came behind the handshake waits, too', () => {
    const { turns, asked } = scripted();
    const stream = fakeStream();
    const early = frames(...many(50));
    const shared = { turns, sendQueues: sendQueues(1000) };
    const connection = messageConnection(stream, plainChannel(2000), peer, limits(), early, shared);
    const received = log(connection.message$);
    expect(received.values).toHaveLength(framesPerStep);
    expect(stream.incoming$.observed).toBe(false);
    asked.shift()?.();
    expect(received.values).toHaveLength(50);
    expect(stream.incoming$.observed).toBe(true);
  });

  it('loses nothing, in whatever pieces and turns it comes', () => {
    virtual().run(({ flush }) => {
      const scheduler = virtual();
      const [near, far] = memoryStreams();
      const connection = messageConnection(
        far,
        plainChannel(2000),
        peer,
        completeLimits({ scheduler }, 'client'),
        undefined,
        undefined,
      );
      const received = log(connection.message$);
      const bytes = frames(...many(1000));
      for (let offset = 0; offset < bytes.length; offset += 7777)
        near.write(bytes.slice(offset, offset + 7777));
      near.end();
      flush();
      for (let round = 0; round < 50; round += 1) {
        scheduler.flush();
        flush();
      }
      expect(received.values).toEqual(many(1000));
      expect(received.completed).toBe(true);
    });
  });
});

/** Turns that the spec takes. */
function scripted() {
  const asked: (() => void)[] = [];
  const turns = createTurns(
    () => 0,
    (work) => asked.push(work),
  );
  return { turns, asked };
}

describe('a client that does not read', () => {
  function behind(queued: number) {
    const { turns, asked } = scripted();
    const stream = fakeStream();
    const shared = { turns, sendQueues: sendQueues(10_000_000) };
    const connection = messageConnection(stream, plainChannel(2000), peer, limits(), undefined, shared);
    const received = log(connection.message$);
    virtual().run(({ flush }) => {
      stream.queuedBytes = queued;
      connection.send(setTarget(1));
      flush();
    });
    return { stream, received, asked };
  }

  it('is not read until it does', () => {
    const { stream, received } = behind(unreadBytes + 1);
    expect(stream.incoming$.observed).toBe(false);
    stream.queuedBytes = 0;
    stream.drained$.complete();
    expect(stream.incoming$.observed).toBe(true);
    stream.incoming$.next(frames(setTarget(2)));
    expect(received.values).toEqual([setTarget(2)]);
  });

  it('is read while little waits for it', () => {
    expect(behind(unreadBytes).stream.incoming$.observed).toBe(true);
  });

  it('is not waited for once the connection has ended', () => {
    const { stream, received } = behind(unreadBytes + 1);
    received.unsubscribe();
    expect(stream.drained$.observed).toBe(false);
  });
});
