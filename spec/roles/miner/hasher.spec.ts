import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { asapScheduler, firstValueFrom, NEVER, of, take, toArray, merge, map, interval } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { createHeaderHasher } from '../../../src/bitcoin/midstate.js';
import { meetsTarget } from '../../../src/bitcoin/target.js';
import { VERSION_ROLLING_MASK } from '../../../src/mining/work/job.js';
import {
  cooperativeHasher,
  hashSlices,
  headerVersion,
  measureHashRate,
  nextVersion,
  sliceSearcher,
  withVersion,
  type Hasher,
  type HashSlice,
  type HashUnit,
} from '../../../src/roles/miner/hasher.js';

const header = Uint8Array.from({ length: 80 }, (_, index) => (index * 7) & 0xff);
/** One hash in 2^10. */
const target = new Uint8Array(32).fill(0xff, 0, 30).fill(0x3f, 30, 31);
const unit: HashUnit = { header, target, versionRollingAllowed: false };

describe('the slices of a unit', () => {
  it('give every nonce to exactly one worker', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 2 ** 24, max: 2 ** 33 }),
        (workers, size) => {
          const slices = Array.from({ length: workers }, (_, worker) => [
            ...hashSlices(unit, () => size, worker, workers),
          ]).flat();
          let next = 0;
          for (const { nonce, count, version } of slices) {
            expect(nonce).toBe(next);
            expect(count).toBeGreaterThan(0);
            expect(version).toBe(headerVersion(header));
            next += count;
          }
          expect(next).toBe(2 ** 32);
        },
      ),
      { seed: 42, numRuns: 50 },
    );
  });

  it('follow the size wanted from slice to slice', () => {
    let size = 1;
    const slices = hashSlices(unit, () => size);
    const counts = [1, 2, 4, 8].map((wanted) => {
      size = wanted;
      return (slices.next().value as HashSlice).count;
    });
    expect(counts).toEqual([1, 2, 4, 8]);
  });

  it('try one version after the other if allowed, from no bit set on', () => {
    const slices = hashSlices({ ...unit, versionRollingAllowed: true }, () => 2 ** 32);
    const versions = Array.from({ length: 4 }, () => (slices.next().value as HashSlice).version);
    const fixed = (headerVersion(header) & ~VERSION_ROLLING_MASK) >>> 0;
    expect(versions).toEqual([0, 1 << 5, 2 << 5, 3 << 5].map((bits) => (fixed | bits) >>> 0));
  });
});

describe('versions', () => {
  it('count through the bits that may be rolled', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (version) => {
        const next = nextVersion(version);
        const bits = (value: number) => (value & VERSION_ROLLING_MASK) >>> 5;
        if (bits(version) === 0xff_ffff) expect(next).toBeUndefined();
        else {
          expect(bits(next as number)).toBe(bits(version) + 1);
          expect(((next as number) ^ version) & ~VERSION_ROLLING_MASK).toBe(0);
        }
      }),
      { seed: 42, numRuns: 500, examples: [[0x1fff_ffe0], [0xffff_ffff], [0]] },
    );
  });

  it('are put into a copy of the header', () => {
    const copy = withVersion(header, 0xdeadbeef);
    expect(headerVersion(copy)).toBe(0xdeadbeef);
    expect(copy.subarray(4)).toEqual(header.subarray(4));
    expect(headerVersion(header)).toBe(0x150e0700);
  });
});

describe('the search in a slice', () => {
  it('finds what hashing one by one finds, for every version', () => {
    const search = sliceSearcher(unit);
    for (const version of [headerVersion(header), 1, 1, 2]) {
      const hasher = createHeaderHasher(withVersion(header, version));
      const expected = Array.from({ length: 5_000 }, (_, index) => 1_000 + index).filter((nonce) =>
        meetsTarget(hasher.hash(nonce), target),
      );
      expect(expected.length).toBeGreaterThan(0);
      expect(search({ version, nonce: 1_000, count: 5_000 })).toEqual(expected);
    }
  });
});

describe('a target that nearly every hash meets', () => {
  const easiest = { ...unit, target: new Uint8Array(32).fill(0xff) };
  const slice = { version: 1, nonce: 0, count: 40_000 };
  const one = createHeaderHasher(withVersion(header, 1));
  const below = (target: Uint8Array) =>
    Array.from({ length: slice.count }, (_, nonce) => nonce).filter((nonce) =>
      meetsTarget(one.hash(nonce), target),
    );

  it('does not make the search a flood: of a slice some are told, and all that are rare', () => {
    const found = sliceSearcher(easiest)(slice);
    expect(found.length).toBeLessThan(200);
    expect(found.slice(0, 64)).toEqual(Array.from({ length: 64 }, (_, nonce) => nonce));
    const rare = below(new Uint8Array(32).fill(0xff, 0, 30));
    expect(rare.length).toBeGreaterThan(0);
    expect(found).toEqual(expect.arrayContaining(rare));
  });

  it('is that again in the next slice', () => {
    const search = sliceSearcher(easiest);
    search(slice);
    expect(search({ ...slice, nonce: 7, count: 10 })).toHaveLength(10);
  });
});

describe('the hasher for one thread', () => {
  it('tells of what it finds and how much it hashed, slice by slice', async () => {
    const events = await firstValueFrom(
      cooperativeHasher(asapScheduler, 3_000).hash(unit).pipe(take(8), toArray()),
    );
    const found = events.flatMap((event) => (event.type === 'found' ? [event.nonce] : []));
    const hashed = events.flatMap((event) => (event.type === 'hashed' ? [event.hashes] : []));
    expect(hashed[0]).toBe(3_000);
    const all = sliceSearcher(unit)({ version: headerVersion(header), nonce: 0, count: 30_000 });
    expect(found).toEqual(all.slice(0, found.length));
    expect(found.length).toBeGreaterThan(0);
  });

  it('gives way between slices', () => {
    const turns: string[] = [];
    new TestScheduler(() => undefined).run(({ expectObservable }) => {
      const slices$ = cooperativeHasher(asapScheduler, 100)
        .hash({ ...unit, target: new Uint8Array(32) })
        .pipe(take(3));
      const others$ = of(1, 2, asapScheduler);
      expectObservable(
        merge(slices$.pipe(map(({ type }) => type)), others$.pipe(map((turn) => `other ${turn}`))).pipe(
          map((turn) => turns.push(turn)),
        ),
      ).toBe('');
    });
    expect(turns).toEqual(['hashed', 'other 1', 'hashed', 'other 2', 'hashed']);
  });
});

describe('measuring a hasher', () => {
  const rateOf = (hasher: Hasher): number | undefined => {
    let rate: number | undefined;
    new TestScheduler(() => undefined).run(({ expectObservable }) => {
      expectObservable(measureHashRate(hasher).pipe(map((measured) => (rate = measured)))).toBe('');
    });
    return rate;
  };

  it('leaves out the time until it is warm', () => {
    const hash = () => interval(100).pipe(map(() => ({ type: 'hashed', hashes: 50 }) as const));
    expect(rateOf({ hash })).toBe(500);
  });

  it('gives 0 for one that never says anything until it ends', () => {
    expect(rateOf({ hash: () => of() })).toBe(0);
  });

  it('waits for one that says nothing yet', () => {
    expect(rateOf({ hash: () => NEVER })).toBeUndefined();
  });
});
