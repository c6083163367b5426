import { describe, expect, it } from '@jest/globals';
import { NEVER, of, timer } from 'rxjs';
import { CodecError } from '../../src/codec/index.js';
import { SetTarget, SubmitSharesSuccess } from '../../src/messages/index.js';
import {
  expectSame,
  like,
  MarbleError,
  marbles,
  matches,
  print,
  testConnection,
  testConnector,
} from '../../src/testing/index.js';
import { TransportError } from '../../src/transport/index.js';
import { at } from '../transport/support.js';

const accepted = (lastSequenceNumber: number) =>
  SubmitSharesSuccess({ channelId: 1, lastSequenceNumber, newSubmitsAcceptedCount: 1, newSharesSum: 5n });
const target = SetTarget({ channelId: 1, maximumTarget: new Uint8Array(32).fill(0xab) });

/** What a marble test fails with. */
function failureOf(test: Parameters<typeof marbles>[0]): string {
  try {
    marbles(test);
  } catch (error) {
    if (error instanceof MarbleError) return error.message;
    throw error;
  }
  throw new Error('expected the marble test to fail');
}

describe('marbles', () => {
  it('shows what is missing and what is too much, with readable messages', () => {
    const message = failureOf(({ hot, expectObservable }) => {
      const values = { a: accepted(1), b: accepted(2), c: target };
      expectObservable(hot('-a-b-c', values)).toBe('-a--b-|', values);
    });
    expect(message.split('\n')).toEqual([
      'not the expected marbles',
      expect.stringMatching(
        /^ {2}1 ms: SubmitShares.Success \{ channelId: 1, lastSequenceNumber: 1, .* 5n \}$/,
      ),
      expect.stringMatching(/^\+ 3 ms: SubmitShares.Success \{ channelId: 1, lastSequenceNumber: 2/),
      expect.stringMatching(/^- 4 ms: SubmitShares.Success \{ channelId: 1, lastSequenceNumber: 2/),
      expect.stringMatching(/^\+ 5 ms: SetTarget \{ channelId: 1, maximumTarget: 0xabab/),
      '- 6 ms: complete',
    ]);
  });

  it('shows the order if that is all that is wrong', () => {
    const message = failureOf(({ cold, expectObservable }) => {
      expectObservable(cold('(ab)')).toBe('(ba)');
    });
    expect(message).toBe(
      "not the expected marbles\nexpected this order:\n0 ms: 'b'\n0 ms: 'a'\ngot:\n0 ms: 'a'\n0 ms: 'b'",
    );
  });

  it('shows errors and subscriptions', () => {
    expect(
      failureOf(({ cold, expectObservable }) => {
        expectObservable(cold('#', {}, new TransportError('slow-consumer', 'too slow'))).toBe('-');
      }),
    ).toContain('+ 0 ms: error TransportError slow-consumer: too slow');
    expect(
      failureOf(({ cold, expectSubscriptions }) => {
        expectSubscriptions(cold('-').subscriptions).toBe('^');
      }),
    ).toContain('subscribedFrame: 0');
  });

  it('returns what the test returns, and stops services where it is told to', () => {
    expect(marbles(() => 7)).toBe(7);
    marbles(
      ({ connection, expectOutcomes, expectSent }) => {
        expectOutcomes(timer(99, 1).pipe(() => of({ type: 'x' }))).toBe('(x|)', { x: { type: 'x' } });
        expectOutcomes(NEVER).toBe('');
        expectSent(connection('')).toBe('');
      },
      { until: 100 },
    );
  });

  it('can be had for a TestScheduler of one’s own', () => {
    expect(() => expectSame([{ frame: 1 }], [{ frame: 1 }])).not.toThrow();
    expect(() => expectSame([{ frame: 1 }], [{ frame: 2 }])).toThrow(MarbleError);
    expect(() => expectSame(1, 2)).toThrow('expected 2, got 1');
  });
});

describe('testConnection', () => {
  it('plays the peer from the subscription on, and tells what was sent when', () => {
    marbles(({ cold, connection, expectObservable, expectSent }) => {
      const one = connection('-a-b', { a: accepted(1), b: accepted(2) });
      expectObservable(one.message$, '--^---!').toBe('---a-b', { a: accepted(1), b: accepted(2) });
      expectSent(one).toBe('-x----|', { x: target });
      at(cold('-x'), () => one.send(target));
      at(cold('-------x'), () => one.send(target));
    });
  });

  it('ends when it is closed, when the peer closes, and when it breaks', () => {
    const error = new TransportError('connection-reset', 'gone');
    marbles(({ cold, connection, expectObservable, expectSent }) => {
      const [closed, ended, broken] = [connection(''), connection('--|'), connection('--#', {}, { error })];
      expectObservable(closed.message$).toBe('---|');
      expectObservable(ended.message$).toBe('--|');
      expectObservable(broken.message$).toBe('--#', {}, error);
      expectSent(closed).toBe('---|');
      expectSent(ended).toBe('--|');
      expectSent(broken).toBe('--|');
      at(cold('---x'), () => closed.close());
    });
  });

  it('has one subscriber, refuses what cannot be encoded, and remembers the payload limit', () => {
    const connection = testConnection(NEVER, { address: 'me', encrypted: true });
    const seen: unknown[] = [];
    const subscription = connection.message$.subscribe();
    subscription.add(connection.message$.subscribe({ error: (error: unknown) => seen.push(error) }));
    expect(seen).toEqual([expect.objectContaining({ code: 'already-subscribed' })]);
    expect(() => connection.send(accepted(-1))).toThrow(CodecError);
    connection.limitPayload(77);
    expect(connection.payloadLimit).toBe(77);
    expect(connection.peer).toEqual({ address: 'me', encrypted: true });
    subscription.unsubscribe();
  });
});

describe('testConnector', () => {
  it('dials what it was given, one after the other', () => {
    const error = new TransportError('connection-reset', 'gone');
    marbles(({ connection, expectObservable }) => {
      const one = connection('');
      const connector = testConnector([one, error], { endpoint: { host: 'h', port: 1 } });
      expectObservable(connector).toBe('(a|)', { a: one });
      expectObservable(connector, '-^').toBe('-#', {}, error);
      expectObservable(connector, '--^').toBe('--#', {}, like({ code: 'connection-refused' }));
      expectObservable(connector.dial$).toBe('abc', { a: 1, b: 2, c: 3 });
      expect(connector.endpoint).toEqual({ host: 'h', port: 1 });
      expect(connector.redirect).toBeUndefined();
    });
  });
});

describe('matches', () => {
  it.each([
    [1n, 1n],
    [NaN, NaN],
    [new Uint8Array([1, 2]), Uint8Array.of(1, 2)],
    [{ a: [1, { b: 2 }] }, { a: [1, { b: 2 }], c: undefined }],
    [new TransportError('listen-failed', 'x'), new TransportError('listen-failed', 'x')],
    [{ a: 1, b: { c: 2, d: 3 } }, like({ b: { c: 2 } })],
    [{ a: 7 }, { a: expect.any(Number) }],
    [{ a: 7, b: 1 }, like({ a: expect.any(Number) })],
    [{}, like({ gone: undefined })],
  ])('%j and %j', (actual, expected) => {
    expect(matches(actual, expected)).toBe(true);
  });

  it.each([
    [1, 1n],
    [new Uint8Array([1, 2]), new Uint8Array([1, 3])],
    [new Uint8Array([1, 2]), [1, 2]],
    [new Uint8Array([1]), new Uint8Array([1, 3])],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: 1, b: 2 }, { a: 1 }],
    [[1], { 0: 1 }],
    [null, {}],
    [new TransportError('listen-failed', 'x'), new TransportError('slow-consumer', 'x')],
    [new TransportError('listen-failed', 'x'), new TransportError('listen-failed', 'y')],
    [new Error('x'), new RangeError('x')],
    [{ b: { c: 2 } }, like({ b: { c: 3 } })],
    [{ b: 1 }, like({ a: undefined, c: 1 })],
    [undefined, like({})],
  ])('not %j and %j', (actual, expected) => {
    expect(matches(actual, expected)).toBe(false);
  });
});

describe('print', () => {
  it.each([
    [{ type: 'X' }, 'X {}'],
    [{ type: 'X', a: 1n, b: 'text', c: undefined, d: null }, "X { a: 1n, b: 'text', d: null }"],
    [{ a: [1, { type: 'Y', b: true }] }, '{ a: [1, Y { b: true }] }'],
    [{ type: 7 }, '{ type: 7 }'],
    [new Uint8Array([0, 255]), '0x00ff'],
    [new Uint8Array(40), `0x${'00'.repeat(32)}… (40 bytes)`],
    [new RangeError('no'), 'RangeError: no'],
    [undefined, 'undefined'],
    [like({ a: 1 }), '{ a: 1 }'],
  ])('writes %# on one line', (value, text) => {
    expect(print(value)).toBe(text);
  });
});
