/** Marbles of Stratum V1: a miner's script in, what it is sent and what its server gets out. */
import { describe, expect, it } from '@jest/globals';
import { ignoreElements, mergeMap, NEVER, of, tap } from 'rxjs';
import { sv1Miners } from '../../src/roles/translator/sv1-miners.js';
import { Sv1Error, sv1, type Sv1Connection } from '../../src/sv1/index.js';
import { like, MarbleError, marbles, testSv1Connection } from '../../src/testing/index.js';
import { TransportError } from '../../src/transport/index.js';

/** Answers every ping, as long as it is subscribed. */
const answering = (connection: Sv1Connection) =>
  connection.message$.pipe(
    tap(({ type, id }) => {
      if (type === 'mining.ping') connection.send(sv1.Ping.answer(id, 'pong'));
    }),
    ignoreElements(),
  );

describe('a connection of Stratum V1 in marbles', () => {
  it('has lines as firmware writes them, and messages, and what is sent is read back', () => {
    marbles(({ sv1Connection, expectSent, expectObservable }) => {
      const miner = sv1Connection('a-b-c-|', {
        a: '{"id": "one", "method": "mining.ping"}',
        b: sv1.Ping({}, 2),
        c: 'no JSON',
      });
      expectSent(miner).toBe('a-b---|', {
        a: { type: 'answer', id: 'one', result: 'pong', error: null },
        b: like({ type: 'answer', id: 2 }),
      });
      expectObservable(answering(miner)).toBe('------|');
    });
  });

  it('breaks, and is closed by whoever has enough of it', () => {
    const reset = new TransportError('connection-reset', 'gone');
    marbles(({ sv1Connection, expectObservable, expectSent }) => {
      const broken = sv1Connection('-#', {}, { error: reset, peer: { address: 'rig:1' } });
      expectObservable(broken.message$).toBe('-#', {}, reset);
      expectSent(broken).toBe('-|');
      expect(broken.peer).toEqual({ address: 'rig:1', encrypted: false });
      const left = sv1Connection('a', { a: '{"id":1,"method":"mining.ping"}' });
      expectObservable(left.message$.pipe(tap(() => left.close()))).toBe('|');
    });
  });

  it('shows what was expected in words', () => {
    const failing = () =>
      marbles(({ sv1Connection, expectSent, expectObservable }) => {
        const miner = sv1Connection('a|', { a: sv1.Ping({}, 1) });
        expectSent(miner).toBe('b|', { b: sv1.Notify });
        expectObservable(answering(miner)).toBe('-|');
      });
    expect(failing).toThrow(MarbleError);
    expect(failing).toThrow(/\+ 0 ms: answer \{ id: 1, result: 'pong', error: null \}/);
  });

  it('cannot send what cannot be written, nor be received twice', () => {
    const connection = testSv1Connection(NEVER);
    expect(() =>
      connection.send(sv1.SetExtranonce({ extranonce1: new Uint8Array(33), extranonce2Size: 4 })),
    ).toThrow(Sv1Error);
    const errors: unknown[] = [];
    const subscriptions = [0, 1].map(() =>
      connection.message$.subscribe({ error: (error: unknown) => errors.push(error) }),
    );
    expect(errors).toMatchObject([{ code: 'already-subscribed' }]);
    subscriptions.forEach((subscription) => subscription.unsubscribe());
  });
});

it('a miner that is authorised is a client that sets up, and not before', () => {
  marbles(({ sv1Connection, expectSent, expectObservable }) => {
    const miner = sv1Connection('-s-p-a', {
      s: '{"id": 1, "method": "mining.subscribe", "params": ["cgminer/4.12"]}',
      p: '{"id": 2, "method": "mining.extranonce.subscribe"}',
      a: sv1.Authorize({ user: 'alice.rig1', password: 'x' }, 3),
    });
    const client$ = of(miner).pipe(sv1Miners({ randomBytes: (length) => new Uint8Array(length).fill(5) }));
    expectObservable(client$.pipe(mergeMap(({ message$ }) => message$)), '100ms !').toBe('-----c', {
      c: like({ type: 'SetupConnection', vendor: 'Stratum V1', firmware: 'cgminer/4.12' }),
    });
    expectSent(miner).toBe('-s-p-a 94ms |', {
      s: like({ type: 'answer', id: 1, result: [expectedSubscriptions, '05050506', 4] }),
      p: like({ id: 2, result: true }),
      a: like({ id: 3, result: true }),
    });
  });
});

const expectedSubscriptions = [
  ['mining.set_difficulty', '05050506'],
  ['mining.notify', '05050506'],
];
