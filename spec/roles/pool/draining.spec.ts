import { describe, expect, it } from '@jest/globals';
import { asyncScheduler, concat, from, ignoreElements, map, NEVER, tap } from 'rxjs';
import { FrontDraining, sendsAway, type Place } from '../../../src/roles/pool/draining.js';
import type { MiningToServer } from '../../../src/messages/directions.js';
import type { ServerEvent } from '../../../src/service/events.js';
import { marbles } from '../../../src/testing/marbles.js';

type Event = ServerEvent<MiningToServer>;

const comes = (clientId: number) => ({ type: 'clientAdded', clientId }) as unknown as Event;
const goes = (clientId: number) => ({ type: 'clientRemoved', clientId }) as unknown as Event;
const places: readonly Place[] = [
  { host: 'a', port: 1 },
  { host: 'b', port: 2 },
];

/** Who is sent where. */
const sentBy = (event$: Parameters<ReturnType<typeof sendsAway>>[0]) =>
  sendsAway(asyncScheduler)(event$).pipe(
    map((effect) => {
      const { clientId, messages } = effect as unknown as {
        clientId: number;
        messages: readonly { newHost: string; newPort: number }[];
      };
      return messages.map(({ newHost, newPort }) => `${clientId} to ${newHost}:${newPort}`).join();
    }),
  );

describe('a front that drains', () => {
  it('sends those who are there, and who come late, to others in turn, each once', () => {
    marbles(({ hot, expectObservable }) => {
      const event$ = hot<Event>('abcBd 150ms e', {
        a: comes(1),
        b: comes(2),
        B: goes(2),
        c: comes(3),
        d: FrontDraining(places),
        e: comes(4),
      });
      expectObservable(sentBy(event$), '1s !').toBe('104ms (xy) 96ms z', {
        ...{ x: '1 to a:1', y: '3 to b:2', z: '4 to a:1' },
      });
    });
  });

  it('sends them back to where they have dialled when there is no other', () => {
    marbles(({ hot, expectObservable }) => {
      const event$ = hot<Event>('ad', { a: comes(1), d: FrontDraining([]) });
      expectObservable(sentBy(event$), '1s !').toBe('101ms x', { x: '1 to :0' });
    });
  });

  /** How many are sent when, in milliseconds. @param count how many there are */
  const pace = (count: number): ReadonlyMap<number, number> => {
    const sent = new Map<number, number>();
    marbles(({ expectObservable }) => {
      const all = Array.from({ length: count }, (_, index) => comes(index + 1));
      const event$ = concat(from([...all, FrontDraining([])]), NEVER);
      const sent$ = sentBy(event$).pipe(
        tap(() => sent.set(asyncScheduler.now(), (sent.get(asyncScheduler.now()) ?? 0) + 1)),
        ignoreElements(),
      );
      expectObservable(sent$, '60s !').toBe('');
    });
    return sent;
  };

  it('sends few slowly: five at a time', () => {
    expect([...pace(12)]).toEqual([
      [100, 5],
      [200, 5],
      [300, 2],
    ]);
  });

  it.each([750, 751, 5_000, 20_000])('sends all of %d within 15 s, at an even pace', (count) => {
    const sent = pace(count);
    expect([...sent.values()].reduce((sum, some) => sum + some, 0)).toBe(count);
    expect(Math.max(...sent.keys())).toBeLessThanOrEqual(15_000);
    expect(Math.max(...sent.values())).toBe(Math.max(5, Math.ceil(count / 150)));
  });
});
