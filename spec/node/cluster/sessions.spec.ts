import { describe, expect, it } from '@jest/globals';
import { concat, filter, map, mergeMap, of, scan, tap, type Observable } from 'rxjs';
import { corePorts, maxFronts } from '../../../src/node/cluster/core-ports.js';
import { encodeEnvelope } from '../../../src/node/cluster/envelope.js';
import { frontPorts } from '../../../src/node/cluster/front-ports.js';
import type { Port, PortMessage } from '../../../src/roles/cluster/port.js';
import { marbles, type MarbleHelpers } from '../../../src/testing/marbles.js';
import { memoryBroker } from './memory-bus.js';

const message = (value: unknown): PortMessage => ({ type: 'test', value }) as PortMessage;

/** What becomes of ports: that one begins, what it brings, and that it has ended. */
const lives = (port$: Observable<Port>): Observable<unknown> =>
  port$.pipe(
    mergeMap((port) =>
      concat(
        of('begun'),
        port.message$.pipe(map((value) => (value as { readonly value: unknown }).value)),
        of('ended'),
      ),
    ),
  );

/** Does things at their time. */
const doing = (
  { cold, expectObservable }: MarbleHelpers,
  diagram: string,
  deeds: Readonly<Record<string, () => void>>,
): void => expectObservable(cold(diagram).pipe(tap((name) => deeds[name]?.()))).toBe(diagram);

/** The codes of errors that were told. */
const errors = () => {
  const codes: string[] = [];
  return { codes, errorObserver: { next: (error: unknown) => codes.push((error as { code: string }).code) } };
};

const life = { b: 'begun', e: 'ended' };

describe('fronts and their core over a bus', () => {
  it('send each other values in order, and to all fronts with one message', () => {
    const connect = memoryBroker();
    const coreBus = connect();
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const core = corePorts(coreBus);
      const ofFronts$ = core.front$.pipe(
        mergeMap((port) => port.message$.pipe(tap(() => port.send(message('answer'))))),
        map((value) => (value as { readonly value: unknown }).value),
      );
      const front = (name: string) => frontPorts(connect()).pipe(tap((port) => port.send(message(name))));
      expectObservable(ofFronts$, '9s !').toBe('-ab', { a: 'a', b: 'b' });
      expectObservable(lives(front('a')), '-^ 5s !').toBe('-(ba) 98ms x', { ...life, a: 'answer', x: 1n });
      expectObservable(lives(front('b')), '--^ 5s !').toBe('--(ba) 97ms x', { ...life, a: 'answer', x: 1n });
      doing(helpers, '103ms x', { x: () => core.toAll(message(1n)) });
    });
    const values = coreBus.published.filter(({ bytes }) =>
      new TextDecoder().decode(bytes).includes('"test"'),
    );
    expect(values.map(({ subject }) => subject === 'sv2.all')).toEqual([false, false, true]);
  });

  it('find each other whoever comes first, and again when the core was away', () => {
    const connect = memoryBroker();
    marbles(({ expectObservable }) => {
      const cores = [corePorts(connect()), corePorts(connect())] as const;
      const ofFront = (index: 0 | 1) => cores[index].front$.pipe(map(() => 'front'));
      expectObservable(lives(frontPorts(connect())), '60s !').toBe('10s b 9999ms e 10s b 9999ms e', life);
      expectObservable(ofFront(0), '10s ^ 9999ms !').toBe('10s f', { f: 'front' });
      expectObservable(ofFront(1), '30001ms ^ 9999ms !').toBe('30001ms f', { f: 'front' });
    });
  });

  it('part when another core takes its place', () => {
    const connect = memoryBroker();
    const cutOff = connect();
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const [first, second] = [corePorts(cutOff), corePorts(connect())];
      expectObservable(lives(frontPorts(connect())), '5s !').toBe('b 499ms e 99ms b', life);
      expectObservable(first.front$.pipe(map(() => 'front')), '5s !').toBe('f', { f: 'front' });
      expectObservable(second.front$.pipe(map(() => 'front')), '500ms ^ 5s !').toBe('600ms f', {
        f: 'front',
      });
      doing(helpers, '300ms c', { c: () => (cutOff.isCut = true) });
    });
  });

  it('part when one of them is silent, and meet when it is heard again', () => {
    const connect = memoryBroker();
    const [coreBus, frontBus] = [connect(), connect()];
    const { codes, errorObserver } = errors();
    marbles((helpers) => {
      const { expectObservable } = helpers;
      expectObservable(lives(corePorts(coreBus).front$), '50s !').toBe(
        'b 15999ms e 14099ms b 18899ms e',
        life,
      );
      expectObservable(lives(frontPorts(frontBus, { errorObserver })), '49s !').toBe(
        'b 15999ms e 14099ms b',
        life,
      );
      doing(helpers, '9s c 19999ms m', {
        c: () => (frontBus.isCut = true),
        m: () => (frontBus.isCut = false),
      });
    });
    expect(codes).toEqual(['cluster-session-over']);
  });

  it('begin anew when something was lost between them, so that nobody works on without it', () => {
    const connect = memoryBroker();
    const [coreBus, frontBus] = [connect(), connect()];
    const { codes, errorObserver } = errors();
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const core = corePorts(coreBus);
      expectObservable(core.front$.pipe(map(() => 'front')), '9s !').toBe('f 2099ms f', { f: 'front' });
      // at the next sign of life it is known how many there should have been
      expectObservable(lives(frontPorts(frontBus, { errorObserver })), '8s !').toBe(
        'b 1999ms e 99ms b',
        life,
      );
      doing(helpers, '100ms c', {
        c: () => {
          frontBus.isCut = true;
          core.toAll(message('lost'));
          frontBus.isCut = false;
        },
      });
    });
    expect(codes).toEqual(['cluster-message-lost']);
  });

  it('send what is larger than the broker takes in pieces, and refuse what is too large for anybody', () => {
    const connect = memoryBroker(1_024);
    const refused: unknown[] = [];
    const bytes = Uint8Array.from({ length: 10_000 }, (_, index) => index % 251);
    marbles(({ expectObservable }) => {
      const core = corePorts(connect());
      const sent$ = core.front$.pipe(
        tap((port) => {
          for (const value of [bytes, 'ä'.repeat(2_000), -1n, null]) port.send(message(value));
          try {
            port.send(message('x'.repeat(33 * 1024 * 1024)));
          } catch (error) {
            refused.push(error);
          }
        }),
        map(() => 'sent'),
      );
      expectObservable(sent$, '6s !').toBe('s', { s: 'sent' });
      expectObservable(lives(frontPorts(connect())), '5s !').toBe('(bxyzn)', {
        ...life,
        x: bytes,
        y: 'ä'.repeat(2_000),
        z: -1n,
        n: null,
      });
    });
    expect(refused).toEqual([expect.objectContaining({ code: 'cluster-message-too-large' })]);
  });

  it('say what is wrong with what others publish there, and go on', () => {
    const connect = memoryBroker();
    const broken = connect();
    const told = { front: errors(), core: errors() };
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const core = corePorts(connect(), told.core);
      expectObservable(lives(core.front$), '3s !').toBe('b 1999ms e', life);
      expectObservable(lives(frontPorts(connect(), told.front)), '2s !').toBe('b', life);
      const newer = encodeEnvelope({
        kind: 'alive',
        from: 'another',
        sent: 0,
        sentToAll: 0,
        more: false,
        piece: new Uint8Array(0),
      });
      const text = new TextDecoder().decode(newer).replace('"version":1', '"version":2');
      doing(helpers, '9ms x', {
        x: () => {
          for (const subject of ['sv2.core', 'sv2.all'])
            for (const payload of ['{}', 'null\n', '{"version":1}\n', text])
              broken.publish(subject, new TextEncoder().encode(payload));
        },
      });
    });
    const codes = ['invalid', 'invalid', 'invalid', 'cluster-version'];
    const expected = codes.map((code) => (code === 'invalid' ? 'invalid-cluster-message' : code));
    expect(told.front.codes).toEqual(expected);
    expect(told.core.codes).toEqual(expected);
  });

  it('are a thousand at most: another is turned away, told why, and taken when one has ended', () => {
    const connect = memoryBroker();
    const others = connect();
    const told = { front: errors(), core: errors() };
    const say = (kind: 'hello' | 'bye', session: number): void => {
      const line = { sent: 0, sentToAll: 0, more: false, piece: new Uint8Array(0) };
      others.publish('sv2.core', encodeEnvelope({ kind, from: `front ${session}`, ...line }));
    };
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const count$ = corePorts(connect(), told.core).front$.pipe(
        scan((count) => count + 1, 0),
        filter((count) => count >= maxFronts),
      );
      expectObservable(count$, '7s !').toBe('-a 6008ms b', { a: maxFronts, b: maxFronts + 1 });
      doing(helpers, '-h 4998ms b', {
        h: () => Array.from({ length: maxFronts }, (_, session) => say('hello', session)),
        b: () => say('bye', 7),
      });
      expectObservable(lives(frontPorts(connect(), told.front)), '10ms ^ 6500ms !').toBe('6010ms b', life);
    });
    expect(told.front.codes).toEqual(['too-many-fronts']);
    expect(told.core.codes).toEqual(['too-many-fronts', 'too-many-fronts', 'too-many-fronts']);
  });

  it('have subjects of their own in each cluster, whose name is checked', () => {
    const connect = memoryBroker();
    marbles(({ expectObservable }) => {
      expectObservable(lives(corePorts(connect(), { cluster: 'one' }).front$), '3s !').toBe(
        'b 1999ms e',
        life,
      );
      expectObservable(lives(corePorts(connect(), { cluster: 'two' }).front$), '3s !').toBe('');
      expectObservable(lives(frontPorts(connect(), { cluster: 'one' })), '2s !').toBe('b', life);
    });
    for (const cluster of ['', 'a.b', 'a*', 'x'.repeat(33)])
      expect(() => frontPorts(connect(), { cluster })).toThrow(/^a cluster's name must be 1 to 32 letters/);
  });
});
