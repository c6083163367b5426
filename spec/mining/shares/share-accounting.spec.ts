import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { targetFromDifficulty } from '../../../src/bitcoin/target.js';
import { COMFORTABLE_SEEN, shareAccounting } from '../../../src/mining/shares/share-accounting.js';

/** A hash of difficulty 1 to 2, different for every number. */
const hashOf = (number: number): Uint8Array => {
  const hash = new Uint8Array(32);
  new DataView(hash.buffer).setUint32(0, number, true);
  hash[27] = 0x80;
  return hash;
};

const share = (sequenceNumber: number, difficulty = 1, blockFound = false) => ({
  hash: hashOf(sequenceNumber),
  sequenceNumber,
  difficulty,
  blockFound,
});

describe('acknowledgement batches', () => {
  it('acknowledges every full batch, with count and sum of that batch alone', () => {
    const accounting = shareAccounting({ batchSize: 3 });
    expect(accounting.accept(share(10, 100))).toBeUndefined();
    expect(accounting.accept(share(11, 100))).toBeUndefined();
    expect(accounting.accept(share(12, 250))).toEqual({
      lastSequenceNumber: 12,
      newSubmitsAcceptedCount: 3,
      newSharesSum: 450n,
    });
    accounting.accept(share(13, 7));
    accounting.accept(share(14, 7));
    expect(accounting.accept(share(15, 7))?.newSharesSum).toBe(21n);
  });

  it('acknowledges a block at once and starts a new batch after it', () => {
    const accounting = shareAccounting({ batchSize: 3 });
    accounting.accept(share(1));
    expect(accounting.accept(share(2, 1, true))?.newSubmitsAcceptedCount).toBe(2);
    expect(accounting.accept(share(3))).toBeUndefined();
    expect(accounting.accept(share(4))).toBeUndefined();
    expect(accounting.accept(share(5))?.newSubmitsAcceptedCount).toBe(3);
  });

  it('flushes what is pending, once', () => {
    const accounting = shareAccounting({ batchSize: 10 });
    expect(accounting.flush()).toBeUndefined();
    accounting.accept(share(7, 3));
    expect(accounting.flush()).toEqual({
      lastSequenceNumber: 7,
      newSubmitsAcceptedCount: 1,
      newSharesSum: 3n,
    });
    expect(accounting.flush()).toBeUndefined();
  });

  it('cuts sums of small difficulties to whole numbers and keeps the exact sum in the totals', () => {
    const accounting = shareAccounting({ batchSize: 3 });
    accounting.accept(share(1, 0.5));
    accounting.accept(share(2, 0.75));
    expect(accounting.accept(share(3, 0.5))?.newSharesSum).toBe(1n);
    expect(accounting.totals().difficultySum).toBe(1.75);
  });

  it('saturates a sum that needs more than 64 bits', () => {
    const accounting = shareAccounting({ batchSize: 2 });
    accounting.accept(share(1, 1e300));
    expect(accounting.accept(share(2, 1e300))?.newSharesSum).toBe(0xffff_ffff_ffff_ffffn);
  });

  it('acknowledges every share exactly once, whatever the order of events', () => {
    const event = fc.oneof(
      { weight: 5, arbitrary: fc.constant('share' as const) },
      fc.constantFrom('block' as const, 'flush' as const),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.array(event, { maxLength: 60 }), (batchSize, events) => {
        const accounting = shareAccounting({ batchSize });
        let [sequenceNumber, pending, acknowledged, sum] = [0, 0, 0, 0n];
        for (const kind of events) {
          if (kind !== 'flush') pending++;
          const acknowledgement =
            kind === 'flush'
              ? accounting.flush()
              : accounting.accept(share(++sequenceNumber, 2, kind === 'block'));
          if (acknowledgement === undefined) {
            expect(pending).toBeLessThan(batchSize);
            continue;
          }
          expect(acknowledgement.lastSequenceNumber).toBe(sequenceNumber);
          expect(acknowledgement.newSubmitsAcceptedCount).toBe(pending);
          acknowledged += pending;
          sum += acknowledgement.newSharesSum;
          pending = 0;
        }
        expect(acknowledged + pending).toBe(sequenceNumber);
        expect(sum).toBe(2n * BigInt(acknowledged));
      }),
      { seed: 42, numRuns: 200 },
    );
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 32])('refuses a batch size of %s', (batchSize) => {
    expect(() => shareAccounting({ batchSize })).toThrow(expect.objectContaining({ code: 'out-of-range' }));
  });
});

describe('totals', () => {
  it('counts accepted shares, blocks, the best difficulty and rejections by code', () => {
    const accounting = shareAccounting({ batchSize: 10 });
    accounting.accept({ hash: targetFromDifficulty(4), sequenceNumber: 1, difficulty: 2 });
    accounting.accept({
      hash: targetFromDifficulty(1024),
      sequenceNumber: 2,
      difficulty: 2,
      blockFound: true,
    });
    accounting.accept({ hash: targetFromDifficulty(16), sequenceNumber: 3, difficulty: 2 });
    accounting.reject('stale-share');
    accounting.reject('duplicate-share');
    accounting.reject('stale-share');
    expect(accounting.totals()).toEqual({
      accepted: 3,
      rejected: 3,
      rejectedByCode: { 'stale-share': 2, 'duplicate-share': 1 },
      difficultySum: 6,
      bestDifficulty: 1024,
      blocksFound: 1,
    });
  });

  it('keeps no hash that it is given, the best one neither', () => {
    const accounting = shareAccounting({ batchSize: 10 });
    for (const difficulty of [4, 1024, 16]) {
      const hash = targetFromDifficulty(difficulty);
      accounting.accept({ hash, sequenceNumber: difficulty, difficulty: 2 });
      hash.fill(0xff);
    }
    expect(accounting.totals().bestDifficulty).toBe(1024);
  });

  it.each([Number.NaN, Infinity, -1])('refuses a credit of %s and counts nothing', (difficulty) => {
    const accounting = shareAccounting({ batchSize: 1 });
    expect(() => accounting.accept(share(1, difficulty))).toThrow(
      expect.objectContaining({ code: 'invalid-difficulty' }),
    );
    expect(accounting.totals().accepted).toBe(0);
    expect(accounting.seen(hashOf(1))).toBe(false);
    expect(accounting.flush()).toBeUndefined();
  });
});

describe('duplicates', () => {
  it('knows accepted hashes until the previous hash changes, and keeps the counts then', () => {
    const accounting = shareAccounting({ batchSize: 10 });
    expect(accounting.seen(hashOf(1))).toBe(false);
    accounting.accept(share(1));
    expect(accounting.seen(hashOf(1))).toBe(true);
    expect(accounting.seen(hashOf(2))).toBe(false);
    accounting.clear();
    expect(accounting.seen(hashOf(1))).toBe(false);
    expect(accounting.totals().accepted).toBe(1);
    expect(accounting.flush()?.newSubmitsAcceptedCount).toBe(1);
  });

  it('does not keep a view of the frame the hash came from', () => {
    const accounting = shareAccounting({ batchSize: 10 });
    const hash = hashOf(1);
    accounting.accept({ hash, sequenceNumber: 1, difficulty: 1 });
    hash.fill(0xff);
    expect(accounting.seen(hashOf(1))).toBe(true);
  });

  it('remembers those of the previous hashes before that it is told to keep, the last ones', () => {
    const accounting = shareAccounting({ batchSize: 10 });
    for (const number of [1, 2, 3]) {
      accounting.accept(share(number));
      accounting.clear(2);
    }
    expect([1, 2, 3].map((number) => accounting.seen(hashOf(number)))).toEqual([false, true, true]);
    accounting.clear();
    expect(accounting.seen(hashOf(3))).toBe(false);
  });

  it('tells how full the memory is', () => {
    const accounting = shareAccounting({ batchSize: 10 });
    for (let number = 1; number <= COMFORTABLE_SEEN / 64; number++) accounting.accept(share(number));
    expect(accounting.seenPressure).toBe(1 / 64);
    accounting.clear(1);
    expect(accounting.seenPressure).toBe(1 / 64);
    accounting.clear();
    expect(accounting.seenPressure).toBe(0);
  });
});
