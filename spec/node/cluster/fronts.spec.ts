import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import {
  filter,
  firstValueFrom,
  ignoreElements,
  map,
  mergeMap,
  of,
  ReplaySubject,
  take,
  tap,
  toArray,
  VirtualTimeScheduler,
} from 'rxjs';
import { fronts, type Front, type FrontEnded, type FrontStarted } from '../../../src/node/cluster/fronts.js';
import { serverIds } from '../../../src/roles/cluster/server-ids.js';

const folder = mkdtempSync(join(tmpdir(), 'rx-sv2-fronts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A front that says what it was told, and ends when it is told to unless it is deaf. */
const entry = join(folder, 'front.mjs');
writeFileSync(
  entry,
  `process.on('message', (message) => {
  if (message.type === 'welcome') process.send({ type: 'up', told: message });
  if (message.type === 'stop' && process.argv[2] !== 'deaf') process.disconnect();
});
process.send({ type: 'hello' });
`,
);

interface Up {
  readonly front: Front;
  readonly told: unknown;
}

/** Two fronts, those of them that are up, and what becomes of them. */
const two = (argument: string, options: { readonly scheduler?: VirtualTimeScheduler } = {}) => {
  const up$ = new ReplaySubject<Up>(10);
  const event$ = new ReplaySubject<FrontStarted | FrontEnded>(10);
  const leases = serverIds(5);
  const all = fronts({
    ...{ processes: 2, entry, args: [argument], leases, ...options },
    welcome: ({ place, serverId }) =>
      ({ type: 'welcome', place, serverId, bytes: Uint8Array.of(place), big: 7n }) as never,
    serve: (front) =>
      front.port.message$.pipe(
        filter((message) => (message as { readonly type: string }).type === 'up'),
        tap((message) => up$.next({ front, told: (message as Up).told })),
        ignoreElements(),
      ),
  });
  const subscription = all.start().subscribe(event$);
  return { all, leases, up$, event$, subscription };
};

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('fronts as processes', () => {
  it('are told who they are; one that is killed is started again with a server id that nobody has had', async () => {
    const { all, up$, event$, leases, subscription } = two('');
    const both = await firstValueFrom(up$.pipe(take(2), toArray()));
    expect(
      both
        .map(({ front: { place, serverId }, told }) => ({ place, serverId, told }))
        .sort((a, b) => a.place - b.place),
    ).toEqual(
      [0, 1].map((place) => ({
        place,
        serverId: 5 + place,
        told: { type: 'welcome', place, serverId: 5 + place, bytes: Uint8Array.of(place), big: 7n },
      })),
    );
    const [first] = both.filter(({ front }) => front.place === 0) as [Up];
    process.kill(first.front.pid, 'SIGKILL');
    const ended = await firstValueFrom(
      event$.pipe(filter((event): event is FrontEnded => event.type === 'FrontEnded')),
    );
    expect(ended).toMatchObject({ how: 'SIGKILL', front: { place: 0, serverId: 5 } });
    expect(ended.retryIn).toBeGreaterThanOrEqual(500);
    expect(ended.retryIn).toBeLessThanOrEqual(1_000);
    const again = await firstValueFrom(
      up$.pipe(filter(({ front }) => front.place === 0 && front.pid !== first.front.pid)),
    );
    expect(again.front.serverId).toBe(7);

    subscription.unsubscribe();
    await all.ended();
    expect([...both, again].map(({ front: { pid } }) => isAlive(pid))).toEqual([false, false, false]);
    // what they had rests
    expect(await firstValueFrom(leases.lease$)).toBe(8);
  }, 60_000);

  it('that do not end when they are told to are killed after ten seconds', async () => {
    const scheduler = new VirtualTimeScheduler();
    const { all, up$, subscription } = two('deaf', { scheduler });
    const both = await firstValueFrom(up$.pipe(take(2), toArray()));
    subscription.unsubscribe();
    scheduler.maxFrames = 9_999;
    scheduler.flush();
    expect(both.map(({ front }) => isAlive(front.pid))).toEqual([true, true]);
    scheduler.maxFrames = 10_000;
    scheduler.flush();
    await all.ended();
    expect(both.map(({ front }) => isAlive(front.pid))).toEqual([false, false]);
  }, 60_000);

  it('have failed when they cannot be served, or have no server id, and nothing of them is left', async () => {
    const pids: number[] = [];
    const failing = fronts({
      ...{ processes: 2, entry, args: [''], leases: serverIds(0) },
      welcome: () => ({ type: 'welcome' }),
      serve: ({ pid, port }) =>
        of(pids.push(pid)).pipe(
          mergeMap(() => port.message$),
          map(() => {
            throw new Error('no port');
          }),
        ),
    });
    await expect(firstValueFrom(failing.start().pipe(ignoreElements()))).rejects.toThrow('no port');
    await failing.ended();
    const none = fronts({
      ...{ processes: 2, entry, args: [''], leases: serverIds(0xffff) },
      welcome: () => ({ type: 'welcome' }),
      serve: ({ pid, port }) => of(pids.push(pid)).pipe(mergeMap(() => port.message$)),
    });
    await expect(firstValueFrom(none.start().pipe(ignoreElements()))).rejects.toMatchObject({
      code: 'server-ids-exhausted',
    });
    await none.ended();
    expect(pids.length).toBeGreaterThanOrEqual(2);
  }, 60_000);
});
