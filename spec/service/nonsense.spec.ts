import { describe, expect, it } from '@jest/globals';
import { VirtualTimeScheduler } from 'rxjs';
import { nonsenseBucket } from '../../src/service/sessions/nonsense.js';

const limits = { nonsenseBurst: 10, nonsensePerSecond: 2 };

/** A bucket, and how many single tokens can be taken from it now. */
const bucketOf = () => {
  const clock = new VirtualTimeScheduler();
  const bucket = nonsenseBucket(limits, clock);
  return {
    clock,
    bucket,
    left: (): number => {
      let count = 0;
      while (bucket.take(1)) count += 1;
      bucket.put(1); // the one that was too much
      return count;
    },
  };
};

describe('what a client is forgiven', () => {
  it('is so much a second, and a part of that in a part of a second', () => {
    const { clock, left } = bucketOf();
    expect(left()).toBe(10);
    clock.frame = 499;
    expect(left()).toBe(0);
    clock.frame = 1_000;
    expect(left()).toBe(2);
    clock.frame = 3_500;
    expect(left()).toBe(5);
    clock.frame = 1e9;
    expect(left()).toBe(10);
  });

  it('is nothing by a clock that is put back', () => {
    const { clock, left } = bucketOf();
    clock.frame = 10_000;
    left();
    clock.frame = 0;
    expect(left()).toBe(0);
  });
});
