import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { spool } from '../../src/index.js';
import { seeded } from './support.js';

describe('a spool', () => {
  it('holds acknowledgements until every share before them is durable', () => {
    const queue = spool<string, string>('acknowledged');
    expect(queue.hold('of nothing')).toBe(true);
    queue.add('a');
    expect(queue.hold('of a')).toBe(false);
    expect(queue.take()).toEqual(['a']);
    queue.add('b');
    expect(queue.hold('of a and b')).toBe(false);
    expect(queue.take()).toEqual([]); // one write at a time
    expect(queue.done()).toEqual(['of a']);
    expect(queue.take()).toEqual(['b']);
    expect(queue.done()).toEqual(['of a and b']);
    expect(queue.hold('of nothing new')).toBe(true);
  });

  it('takes the same again, and no more, when nobody knows whether it was written', () => {
    const queue = spool<number, string>('acknowledged');
    queue.add(1);
    expect(queue.take()).toEqual([1]);
    queue.failed();
    queue.add(2);
    expect(queue.take()).toEqual([1]);
    queue.done();
    expect(queue.take()).toEqual([2]);
  });

  it('lets acknowledgements go at once when that was promised', () => {
    const queue = spool<number, string>('relaxed');
    queue.add(1);
    expect(queue.hold('at once')).toBe(true);
  });

  it('is bounded, and counts what it turns away', () => {
    const queue = spool<number, string>('acknowledged', 2);
    expect([1, 2, 3].map((share) => queue.add(share))).toEqual([true, true, false]);
    expect([queue.waiting, queue.turnedAway]).toEqual([2, 1]);
    expect(() => spool('relaxed', 0)).toThrow(expect.objectContaining({ code: 'out-of-range' }));
  });

  it('forgets whom nobody can tell any more', () => {
    const queue = spool<number, string>('acknowledged');
    queue.add(1);
    queue.hold('gone');
    queue.hold('there');
    queue.forget((acknowledgement) => acknowledgement === 'gone');
    queue.take();
    expect(queue.done()).toEqual(['there']);
  });

  it('loses nothing, keeps the order, and never lets an acknowledgement go early, whatever happens', () => {
    const step = fc.constantFrom('add', 'hold', 'take', 'done', 'failed');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const queue = spool<number, number>('acknowledged', 20);
        const [written, released]: [number[], number[]] = [[], []];
        let taken: readonly number[] = [];
        let added = 0;
        const release = (acknowledgement: number) => {
          expect(written.length).toBeGreaterThanOrEqual(acknowledgement);
          released.push(acknowledgement);
        };
        for (const what of steps) {
          if (what === 'add' && queue.add(added + 1)) added += 1;
          if (what === 'hold') {
            if (queue.hold(added)) release(added);
          }
          if (what === 'take' && taken.length === 0) taken = queue.take();
          if (what === 'done' && taken.length > 0) {
            written.push(...taken);
            taken = [];
            queue.done().forEach(release);
          }
          if (what === 'failed' && taken.length > 0) {
            queue.failed();
            taken = [];
          }
        }
        if (taken.length > 0) written.push(...taken);
        if (taken.length > 0) queue.done().forEach(release);
        for (let more = queue.take(); more.length > 0; more = queue.take()) {
          written.push(...more);
          queue.done().forEach(release);
        }
        expect(written).toEqual(Array.from({ length: added }, (_, index) => index + 1));
        expect(released).toEqual([...released].sort((one, other) => one - other));
        expect(released.length).toBe(steps.filter((what) => what === 'hold').length);
      }),
      seeded,
    );
  });
});
