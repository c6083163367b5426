import { describe, expect, it } from '@jest/globals';
import {
  createTurns,
  leavingTime,
  leavingTogether,
  readTime,
  stepsPerTurn,
  turnTime,
  type Step,
} from '../../src/transport/turns.js';

/** Turns that are taken when the spec says so, at a time that passes when a step says so. */
function turns() {
  const time = { now: 0 };
  const asked: (() => void)[] = [];
  const done: string[] = [];
  const { connection, newcomers, mayRead, leaving } = createTurns(
    () => time.now,
    (work) => asked.push(work),
  );
  /** Work of so many steps. */
  const work = (name: string, steps: number, milliseconds = 0): Step => {
    let left = steps;
    return () => {
      done.push(name);
      time.now += milliseconds;
      left -= 1;
      return left > 0;
    };
  };
  const turn = () => {
    done.length = 0;
    asked.shift()?.();
    return done.join(' ');
  };
  /** Has so many leave. */
  const leave = (name: string, count = 1) => {
    for (let sender = 0; sender < count; sender++) leaving({ flush: () => done.push(name) });
  };
  return { connection, newcomers, mayRead, leave, work, turn, asked, done, time };
}

describe('turns', () => {
  it('cost nothing while nobody waits', () => {
    const { connection, asked, turn, work } = turns();
    expect(asked).toHaveLength(0);
    connection(work('a', 1));
    expect(asked).toHaveLength(1);
    expect(turn()).toBe('a');
    expect(asked).toHaveLength(0);
  });

  it('go round, and are bounded', () => {
    const { connection, turn, work } = turns();
    for (const name of ['a', 'b', 'c']) connection(work(name, 3));
    expect(stepsPerTurn).toBe(4);
    expect([turn(), turn(), turn(), turn()]).toEqual(['a b c a', 'b c a b', 'c', '']);
  });

  it('end when their time is up', () => {
    const { connection, turn, work } = turns();
    for (const name of ['a', 'b', 'c']) connection(work(name, 1, turnTime / 2));
    expect([turn(), turn()]).toEqual(['a b', 'c']);
  });

  it('serve connections before newcomers, and the first newcomer at once', () => {
    const { connection, newcomers, turn, work, done } = turns();
    newcomers(work('new', 3));
    expect(done).toEqual(['new']);
    connection(work('a', 2));
    connection(work('b', 1));
    expect([turn(), turn(), turn()]).toEqual(['a b a new', 'new', '']);
  });

  it('give newcomers no more time than has passed without them', () => {
    const { newcomers, turn, work, time } = turns();
    newcomers(work('new', 100, 1));
    expect(turn()).toBe('new');
    time.now += 3;
    expect(turn()).toBe('new new new');
    time.now += 1000;
    expect(turn().split(' ')).toHaveLength(stepsPerTurn);
  });

  it('know work that asks twice as one', () => {
    const { connection, turn, work } = turns();
    const step = work('a', 1);
    connection(step);
    connection(step);
    expect([turn(), turn()]).toEqual(['a', '']);
  });

  it('let connections handle what they read until they have taken long, and again when sockets have been looked at', () => {
    const { mayRead, time, turn, asked } = turns();
    expect([mayRead(), mayRead()]).toEqual([true, true]);
    expect(asked).toHaveLength(1);
    time.now += readTime - 1;
    expect(mayRead()).toBe(true);
    time.now += 1;
    expect([mayRead(), mayRead()]).toEqual([false, false]);
    turn();
    expect(mayRead()).toBe(true);
  });

  it('have what peers are sent leave together when they end, once', () => {
    const { mayRead, leave, turn, asked, done } = turns();
    mayRead();
    leave('a');
    leave('b');
    expect(done).toEqual([]);
    expect(asked).toHaveLength(1);
    expect([turn(), asked.length]).toEqual(['a b', 0]);
    leave('c'); // of a turn in which nothing was read
    expect([turn(), turn()]).toEqual(['c', '']);
  });

  it('have nobody wait for more than 63 others', () => {
    const { leave, turn, done } = turns();
    expect(leavingTogether).toBe(64);
    leave('a', 63);
    expect(done).toHaveLength(0);
    leave('b', 2);
    expect(done).toEqual([...new Array<string>(63).fill('a'), 'b']);
    expect(turn()).toBe('b');
  });

  it('have nobody wait for others that take long', () => {
    const { leave, turn, done, time } = turns();
    leave('a');
    time.now += leavingTime;
    leave('b');
    expect(done).toEqual(['a', 'b']);
    leave('c');
    time.now += leavingTime - 0.1;
    leave('d');
    expect(done).toEqual(['a', 'b']);
    expect(turn()).toBe('c d');
  });
});
