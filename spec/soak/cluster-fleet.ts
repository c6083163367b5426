/** Thousands of miners of a soak in one process: what each was acknowledged, and how long it was without work. */
import {
  concat,
  defer,
  interval,
  map,
  mergeMap,
  NEVER,
  of,
  Subscription,
  takeWhile,
  tap,
  type Observable,
} from 'rxjs';
import { miner, type HashEvent, type Hasher } from '../../src/index.js';
import { connect } from '../../src/node.js';
import { hashSlices, sliceSearcher } from '../../src/roles/miner/hasher.js';

/** Hashes a second of each miner, which it really does: 3,000 of them do 60,000. */
const hashRate = 20;

/** Milliseconds between two turns of a miner's hashing. */
const turn = 1_000;

const slowHasher: Hasher = {
  hash: (unit): Observable<HashEvent> =>
    defer(() => {
      const slices = hashSlices(unit, () => (hashRate * turn) / 1_000);
      const search = sliceSearcher(unit);
      return interval(turn).pipe(
        map(() => slices.next()),
        takeWhile(({ done }) => done !== true),
        mergeMap(({ value }): HashEvent[] => {
          const slice = value as Parameters<typeof search>[0];
          const { version } = slice;
          return [
            ...search(slice).map((nonce) => ({ type: 'found', nonce, version }) as const),
            { type: 'hashed', hashes: slice.count },
          ];
        }),
      );
    }),
};

/** One of them. */
interface Measured {
  readonly user: string;
  acknowledged: number;
  /** When it was disconnected, while it has no work since then. */
  since: number | undefined;
  longest: number;
}

/** See {@link fleet}. */
export interface Fleet extends Subscription {
  /** Of each user: shares that it was told are accepted. */
  acknowledged(): ReadonlyMap<string, number>;
  /** Miners without work. */
  without(): number;
  /** The longest that each was without work since it was asked last, in milliseconds, the shortest first. */
  takeLongest(): readonly number[];
}

/** Starts miners, 200 a second. @param ports of the fronts, over which they are spread */
export const fleet = (count: number, ports: readonly number[]): Fleet => {
  const all: Measured[] = [];
  const running = new Subscription();
  const start = (index: number): void => {
    const own: Measured = { user: `miner${index}`, acknowledged: 0, since: performance.now(), longest: 0 };
    all.push(own);
    const outcome$ = miner({
      connect: connect({ host: '127.0.0.1', port: ports[index % ports.length] ?? 0, encrypted: false }),
      userIdentity: own.user,
      channels: { extended: 1 },
      nominalHashRate: hashRate,
      hasher$: concat(of(slowHasher), NEVER),
      reconnect: { initialDelay: 100, maxDelay: 500 },
    }).start();
    running.add(
      outcome$
        .pipe(
          tap((outcome) => {
            const { type } = outcome;
            if (type === 'SharesAccepted') own.acknowledged += (outcome as { readonly count: number }).count;
            else if (type === 'disconnected') own.since ??= performance.now();
            else if (type === 'received' && own.since !== undefined) {
              const { message } = outcome as { readonly message: { readonly type: string } };
              if (message.type !== 'NewExtendedMiningJob') return;
              own.longest = Math.max(own.longest, performance.now() - own.since);
              own.since = undefined;
            }
          }),
        )
        .subscribe(),
    );
  };
  running.add(
    interval(50)
      .pipe(takeWhile((tick) => tick * 10 < count))
      .subscribe((tick) => {
        for (let index = tick * 10; index < Math.min(count, tick * 10 + 10); index++) start(index);
      }),
  );
  return Object.assign(running, {
    acknowledged: () => new Map(all.map(({ user, acknowledged }) => [user, acknowledged])),
    without: () => count - all.length + all.filter(({ since }) => since !== undefined).length,
    takeLongest() {
      const now = performance.now();
      const taken = all.map(({ longest, since }) => Math.max(longest, since === undefined ? 0 : now - since));
      for (const own of all) own.longest = 0;
      return taken.sort((one, other) => one - other);
    },
  });
};
