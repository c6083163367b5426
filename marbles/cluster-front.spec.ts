/** A front of a cluster, in virtual time: with a core, without one, with another; and how it ends. */
import { describe, expect, it } from '@jest/globals';
import { map, NEVER, of, tap, throwError, type Observable } from 'rxjs';
import { onceTheCoreAnswers, sentAway, toEachCore } from '../src/cli/pool-cluster-flows.js';
import type { LogLine } from '../src/cli/log-line.js';
import { afterThisTurn, untilWritten } from '../src/cli/until-written.js';
import { Sv2Error } from '../src/codec/errors.js';
import { presentClients } from '../src/node/cluster/present-clients.js';
import { refusal } from '../src/roles/cluster/front-call.js';
import type { Port } from '../src/roles/cluster/port.js';
import type { Place } from '../src/roles/pool/draining.js';
import { marbles, type MarbleHelpers } from '../src/testing/marbles.js';
import { memoryPorts } from '../src/testing/memory-ports.js';

const call = { name: 'front', serverId: 3, payoutScript: Uint8Array.of(0x51), payout: '' };

describe('what is only over when all is written', () => {
  it.each([
    ['that is', '      ---|', '^---------!'],
    ['it cannot be', ' -#  ', '^-------!  '],
    ['already', '      |   ', '^------!   '],
  ])('stays until %s', (_, writing, lasts) => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source$ = hot('a--b--c--d--e--');
      const written$ = cold(writing.trim());
      expectObservable(source$.pipe(untilWritten(() => written$)), '^------!').toBe('a--b--c');
      expectSubscriptions(source$.subscriptions).toBe(lasts.trim());
    });
  });

  it('hands on how its source ends', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-a|').pipe(untilWritten(() => NEVER))).toBe('-a|');
      expectObservable(cold('-a#').pipe(untilWritten(() => NEVER))).toBe('-a#');
      const fails = () => {
        throw new Error('a fault');
      };
      expectObservable(afterThisTurn(fails)).toBe('|');
    });
  });
});

describe('a front and its cores', () => {
  /** What a core hears, in a word each; it takes outcomes at once. */
  const heard = (core: Port): Observable<string> =>
    core.message$.pipe(
      tap((message) => {
        if ((message as { type: string }).type === 'outcomes') core.send({ type: 'outcomes-taken' });
      }),
      map((message) => {
        const { type, text = '[]', serverId } = message as { type: string; text?: string; serverId?: number };
        return type === 'front-call'
          ? `front ${serverId}`
          : (JSON.parse(text) as { type: string; clientId: number }[])
              .map((outcome) => `${outcome.type} ${outcome.clientId}`)
              .join();
      }),
    );

  it('each hear who it is, who is there, and what happens from then on; that there is none is told', () => {
    const told: string[] = [];
    const [one, two] = [memoryPorts(), memoryPorts()];
    const present = presentClients();
    marbles(({ hot, expectObservable }) => {
      const values = {
        ...{ c: { type: 'connected', clientId: 7 }, d: { type: 'connected', clientId: 8 } },
        e: { type: 'disconnected', clientId: 7 },
      };
      const outcome$ = hot('        -c 98ms d 99ms e', values).pipe(tap((outcome) => present.note(outcome)));
      const port$ = hot<Port | undefined>('a 49ms u 99ms b', {
        ...{ a: one.ends[0], b: two.ends[0], u: undefined },
      });
      const tell = ({ text }: LogLine) => told.push(text);
      expectObservable(outcome$).toBe('-c 98ms d 99ms e', values);
      expectObservable(toEachCore(port$, { call, present, outcome$, tell }), '1s !').toBe('');
      expectObservable(heard(one.ends[1]), '1s !').toBe('f 20ms c', { f: 'front 3', c: 'connected 7' });
      expectObservable(heard(two.ends[1]), '1s !').toBe('150ms f 19ms c 49ms e', {
        ...{ f: 'front 3', c: 'connected 7,connected 8', e: 'disconnected 7' },
      });
    });
    expect(told).toEqual([
      'the core is here',
      'no core: miners go on, and what they deliver waits to be written',
      'the core is here',
    ]);
  });

  it('end when a core says that it cannot be its', () => {
    const ports = memoryPorts();
    marbles(({ cold, hot, expectObservable }) => {
      const told = { call, present: presentClients(), outcome$: NEVER, tell: () => undefined };
      expectObservable(toEachCore(hot<Port>('-a', { a: ports.ends[0] }), told)).toBe(
        '----#',
        undefined,
        new Sv2Error('front-refused', 'the core refuses this front: other payouts'),
      );
      const refuses$ = cold('----r').pipe(tap(() => ports.ends[1].send(refusal('other payouts'))));
      expectObservable(refuses$).toBe('----r');
    });
  });

  it('begin together when the core answers: it is asked each half second, and for ever', () => {
    const away = new Sv2Error('ledger-unavailable', 'no core');
    const fault = new Sv2Error('ledger-conflict', 'another');
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const start$ = cold('--#', undefined, away);
      expectObservable(onceTheCoreAnswers(start$), '1200ms !').toBe('');
      expectSubscriptions(start$.subscriptions).toBe(['^-!', '502ms ^-!', '1004ms ^-!']);
      expectObservable(onceTheCoreAnswers(cold('--#', undefined, fault))).toBe('--#', undefined, fault);
    });
  });
});

describe('a front that ends', () => {
  const place: Place = { host: '192.0.2.7', port: 34254 };

  /** Ends one with two miners, and expects what is emitted, told, and where they are sent. */
  const ended = (
    places$: (helpers: Pick<MarbleHelpers, 'cold'>) => Observable<readonly Place[]>,
    gone: string,
    expected: { readonly emitted: string; readonly line: string; readonly to: readonly Place[] },
  ): void => {
    const told: string[] = [];
    const drained: (readonly Place[])[] = [];
    marbles(({ cold, expectObservable }) => {
      const now$ = sentAway({
        clients: () => 2,
        places$: () => places$({ cold }),
        drain: (all) => drained.push(all),
        drained$: cold(gone).pipe(map(() => undefined)),
        tell: ({ text }) => told.push(text),
      });
      expectObservable(now$.pipe(map(() => 'e'))).toBe(expected.emitted, { e: 'e' });
    });
    expect(told).toEqual([expected.line]);
    expect(drained).toEqual([expected.to]);
  };

  it('sends its miners to the others, and is done when they have gone', () => {
    ended(({ cold }) => cold('---p', { p: [place] }), '------------d', {
      ...{ emitted: '15ms (e|)', line: 'ending: 2 miners sent to 192.0.2.7:34254' },
      to: [place],
    });
  });

  it('sends them back to where they came when nobody says where else, or within two seconds', () => {
    const line = 'ending: 2 miners sent back to where they came';
    ended(() => of([]), '-d', { emitted: '-(e|)', line, to: [] });
    ended(() => throwError(() => new Error('no NATS')), '-d', { emitted: '-(e|)', line, to: [] });
    ended(() => NEVER, '-d', { emitted: '2001ms (e|)', line, to: [] });
  });

  it('waits for those who stay for 25 seconds', () => {
    const line = 'ending: 2 miners sent back to where they came';
    ended(() => of([]), '-', { emitted: '25s (e|)', line, to: [] });
  });
});
