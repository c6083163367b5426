import { beforeAll, describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import {
  filter,
  firstValueFrom,
  map,
  merge,
  NEVER,
  scan,
  Subject,
  Subscription,
  switchMap,
  take,
  takeWhile,
  tap,
  toArray,
} from 'rxjs';
import { createHeaderHasher } from '../../src/bitcoin/midstate.js';
import { meetsTarget } from '../../src/bitcoin/target.js';
import { headerVersion, type HashEvent, type HashUnit } from '../../src/roles/miner/hasher.js';
import type * as Built from '../../src/node/hash-workers.js';

// worker threads need JavaScript: these specs run against dist, which `npm test` has built
const dist = fileURLToPath(new URL('../../dist/node/hash-workers.js', import.meta.url));

let hashWorkers: typeof Built.hashWorkers;
beforeAll(async () => {
  ({ hashWorkers } = (await import(dist)) as typeof Built);
});

/** One hash in 2^12. */
const target = new Uint8Array(32).fill(0xff, 0, 30).fill(0x0f, 30, 31);
const unitOf = (fill: number): HashUnit => ({
  header: new Uint8Array(80).fill(fill),
  target,
  versionRollingAllowed: false,
});
const nonceOf = (event: HashEvent): number[] => (event.type === 'found' ? [event.nonce] : []);

const workerThreads = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'MessagePort').length;

describe('hashing in worker threads', () => {
  it('finds shares in every part of the nonces', async () => {
    const events = await firstValueFrom(
      hashWorkers(2).pipe(
        switchMap((hasher) => hasher.hash(unitOf(1))),
        filter((event) => event.type === 'found'),
        // until both have found something
        scan((all: HashEvent[], event) => [...all, event], []),
        filter((all) => new Set(all.flatMap(nonceOf).map((nonce) => nonce >= 2 ** 31)).size === 2),
      ),
    );
    const hasher = createHeaderHasher(unitOf(1).header);
    for (const event of events) {
      expect(event).toMatchObject({ type: 'found', version: headerVersion(unitOf(1).header) });
      for (const nonce of nonceOf(event)) expect(meetsTarget(hasher.hash(nonce), target)).toBe(true);
    }
  });

  it('turns to another unit at once, and tells nothing of the one before any more', async () => {
    const units = [1, 2, 3, 4, 5].map(unitOf);
    const next$ = new Subject<HashUnit>();
    const wrong: HashEvent[] = [];
    let index = -1;
    const done = firstValueFrom(
      hashWorkers(2).pipe(
        tap(() => queueMicrotask(() => next$.next(units[0] as HashUnit))),
        switchMap((hasher) =>
          next$.pipe(
            switchMap((unit) => {
              index += 1;
              return hasher.hash(unit);
            }),
          ),
        ),
        tap((event) => {
          const { header } = units[index] as HashUnit;
          const found = nonceOf(event);
          if (found.some((nonce) => !meetsTarget(createHeaderHasher(header).hash(nonce), target)))
            wrong.push(event);
        }),
        filter(({ type }) => type === 'found'),
        tap(() => {
          const unit = units[index + 1];
          if (unit !== undefined) queueMicrotask(() => next$.next(unit));
        }),
        takeWhile(({ type }) => type === 'found' && index < units.length - 1, true),
        toArray(),
      ),
    );
    expect((await done).length).toBeGreaterThanOrEqual(units.length);
    expect(wrong).toEqual([]);
  });

  it('notices another unit within a tenth of a second, however long it has hashed', async () => {
    const waits = await firstValueFrom(
      hashWorkers(1).pipe(
        switchMap((hasher) => {
          const impossible = { ...unitOf(1), target: new Uint8Array(32) };
          return hasher.hash(impossible).pipe(
            take(20), // slices: by now they are as long as they get
            toArray(),
            switchMap(() => {
              const asked = performance.now();
              return hasher.hash(unitOf(2)).pipe(
                take(1),
                switchMap(() => [performance.now() - asked]),
              );
            }),
          );
        }),
      ),
    );
    expect(waits).toBeLessThan(400); // on machines that have more to do than this
  });

  it('divides itself equally between units, and goes on with one when the other is left', async () => {
    const impossible = (fill: number) => ({ ...unitOf(fill), target: new Uint8Array(32) });
    const [first, second] = await firstValueFrom(
      hashWorkers(1).pipe(
        switchMap((hasher) =>
          merge(
            // the first is left half-way
            hasher.hash(impossible(1)).pipe(
              take(40),
              map((event) => [event, 0] as const),
            ),
            hasher.hash(impossible(2)).pipe(
              take(80),
              map((event) => [event, 1] as const),
            ),
          ).pipe(toArray()),
        ),
        map((events) =>
          [0, 1].map((unit) =>
            events
              .slice(10, 80) // both are hashed; slices have found their size
              .reduce(
                (sum, [event, of]) => sum + (event.type === 'hashed' && of === unit ? event.hashes : 0),
                0,
              ),
          ),
        ),
      ),
    );
    expect(Math.abs((first as number) / (second as number) - 1)).toBeLessThan(0.25);
  });

  it('fails when a thread does', async () => {
    // no header: a thread that cannot go on
    const broken = { ...unitOf(1), header: new Uint8Array(79) };
    const events = firstValueFrom(hashWorkers(1).pipe(switchMap((hasher) => hasher.hash(broken))));
    await expect(events).rejects.toMatchObject({
      code: 'hash-worker-failed',
      message: expect.stringContaining('worker thread 1 of 1 failed'),
    });
  });

  it('leaves no thread behind', async () => {
    await firstValueFrom(
      hashWorkers(3).pipe(
        switchMap((hasher) => hasher.hash(unitOf(1))),
        filter(({ type }) => type === 'hashed'),
      ),
    );
    const running = new Subscription();
    running.add(
      hashWorkers(2)
        .pipe(switchMap(() => NEVER))
        .subscribe(),
    );
    running.unsubscribe();
    for (let turn = 0; turn < 10_000 && workerThreads() > 0; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(workerThreads()).toBe(0);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses %d threads', (threads) => {
    expect(() => hashWorkers(threads)).toThrow('threads must be a whole number above 0');
  });
});
