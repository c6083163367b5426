import {
  concat,
  defer,
  ignoreElements,
  interval,
  map,
  merge,
  mergeMap,
  NEVER,
  of,
  takeUntil,
  takeWhile,
  tap,
  timer,
  type Observable,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { hashSlices, sliceSearcher, type Hasher, type HashEvent } from '../../src/roles/miner/hasher.js';
import { miner, type ChannelKind, type MinerOptions } from '../../src/roles/miner/miner.js';
import { pool, type Pool, type PoolOptions } from '../../src/roles/pool/pool.js';
import {
  simulatedSource,
  type SimulatedSourceOptions,
} from '../../src/roles/template-provider/simulated-source.js';
import { templateProvider } from '../../src/roles/template-provider/template-provider.js';
import type { MemoryNetwork } from '../../src/testing/memory.js';

/** An output script that anybody can spend. */
const payoutScript = Uint8Array.of(0x51);

/** One hash in 2^17 is a block. */
const easyNbits = 0x1f007fff;

interface Outcome {
  readonly type: string;
}

/** An outcome, and when it came in seconds of virtual time. */
export type Logged<O extends Outcome = Outcome> = O & { readonly at: number };

/**
 * Runs services in virtual time, all from the beginning to the end.
 * @param seconds until they are stopped
 * @param services by name
 * @returns what each of them emitted
 */
export function virtually<Name extends string>(
  seconds: number,
  services: () => Readonly<Record<Name, Observable<Outcome>>>,
): Readonly<Record<Name, readonly Logged[]>> {
  const logs = {} as Record<Name, Logged[]>;
  const scheduler = new TestScheduler(() => undefined);
  scheduler.run(({ expectObservable }) => {
    const runs = Object.entries<Observable<Outcome>>(services()).map(([name, outcome$]) => {
      const log: Logged[] = (logs[name as Name] = []);
      return outcome$.pipe(
        tap((outcome) => log.push({ ...outcome, at: scheduler.now() / 1000 })),
        ignoreElements(),
      );
    });
    expectObservable(merge(...runs).pipe(takeUntil(timer(1000 * seconds)))).toBe('');
  });
  return logs;
}

/** The outcomes of one type, in order. */
export const only = <T extends string>(
  log: readonly Logged[],
  type: T,
): readonly (Logged & Readonly<Record<string, unknown>> & { readonly type: T })[] =>
  log.filter((outcome) => outcome.type === type) as never;

/** Runs something for part of the time: from the first to the second moment, in seconds. */
export const during = <T>(from: number, to: number, source$: Observable<T>): Observable<T> =>
  timer(1000 * from).pipe(
    mergeMap(() => source$),
    takeUntil(timer(1000 * to)),
  );

/**
 * Hashes really, but so many times a second of virtual time. Its slices end at odd moments, other ones for every hash
 * rate: TestScheduler fails when an interval is cleared in the very instant in which it is due.
 */
export const virtualHasher = (hashesPerSecond: number): Hasher => ({
  hash(unit): Observable<HashEvent> {
    return defer(() => {
      const duration = 250 + Math.sqrt(hashesPerSecond) / 100;
      const count = Math.round((hashesPerSecond * duration) / 1000);
      const slices = hashSlices(unit, () => count);
      const search = sliceSearcher(unit);
      return interval(duration).pipe(
        map(() => slices.next()),
        takeWhile(({ done }) => done !== true),
        mergeMap(({ value }): HashEvent[] => {
          const slice = value as Parameters<typeof search>[0];
          const found = search(slice).map(
            (nonce) => ({ type: 'found', nonce, version: slice.version }) as const,
          );
          return [...found, { type: 'hashed', hashes: slice.count }];
        }),
      );
    });
  },
});

/** The same bytes whenever they are asked for: another seed makes other coinbases, and other shares. */
export const seeded =
  (seed: number) =>
  (length: number): Uint8Array =>
    new Uint8Array(length).fill(seed);

/** A pool on a network in memory, plaintext. */
export const memoryPool = (network: MemoryNetwork, options: Partial<PoolOptions> = {}): Pool =>
  pool({
    listen: network.listen({ address: 'pool' }),
    templateProvider: network.connect({ address: 'tp', encrypted: false }),
    payoutScript,
    randomBytes: seeded(3),
    ...options,
  });

/** A miner on a network in memory, plaintext, that hashes 2,000 times a second unless told otherwise. */
export const memoryMiner = (
  network: MemoryNetwork,
  {
    hashRate = 2_000,
    channel = 'extended',
    ...options
  }: Partial<MinerOptions> & { readonly hashRate?: number; readonly channel?: ChannelKind } = {},
) =>
  miner({
    connect: network.connect({ address: 'pool', encrypted: false }),
    userIdentity: 'alice',
    channels: { [channel]: 1 },
    nominalHashRate: hashRate,
    hasher$: concat(of(virtualHasher(hashRate)), NEVER),
    ...options,
  });

/** A template provider on a network in memory, plaintext, over a simulated chain. */
export const memoryTemplateProvider = (network: MemoryNetwork, options: SimulatedSourceOptions = {}) =>
  templateProvider({
    listen: network.listen({ address: 'tp' }),
    source: simulatedSource({ nbits: easyNbits, initialTransactions: 20, ...options }),
  });
