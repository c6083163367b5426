import { describe, expect, it } from '@jest/globals';
import { defer, of, Subject } from 'rxjs';
import { handshakeQueue } from '../../src/transport/handshake-queue.js';
import { createTurns } from '../../src/transport/turns.js';
import { log } from './support.js';

function queue(atOnce = 1) {
  const asked: (() => void)[] = [];
  const started: number[] = [];
  const inTurn = handshakeQueue(
    createTurns(
      () => 0,
      (work) => asked.push(work),
    ),
    atOnce,
  );
  return {
    started,
    turn: () => asked.shift()?.(),
    here: (id: number) => log(inTurn(defer(() => of(started.push(id))))),
    elsewhere(id: number) {
      const result$ = new Subject<string>();
      return { result$, ...log(inTurn(defer(() => (started.push(id), result$)))) };
    },
    get idle() {
      return asked.length === 0;
    },
  };
}

describe('a queue of handshakes', () => {
  it('serves the first at once, then the newest, one in each turn', () => {
    const { here, turn, started } = queue();
    const [first] = [1, 2, 3, 4].map(here);
    expect(first?.completed).toBe(true);
    expect(started).toEqual([1]);
    turn();
    expect(started).toEqual([1, 4]);
    here(5);
    turn();
    turn();
    turn();
    expect(started).toEqual([1, 4, 5, 3, 2]);
  });

  it('skips those who have gone, however many', () => {
    const queued = queue();
    const all = Array.from({ length: 1000 }, (_, id) => queued.here(id));
    all.slice(1, 999).forEach((one) => one.unsubscribe());
    for (let turn = 0; turn < 3; turn += 1) queued.turn();
    expect(queued.started).toEqual([0, 999]);
    expect(queued.idle).toBe(true);
  });

  it('lets as many be finished elsewhere as may be, and the next when one is done or given up', () => {
    const { elsewhere, turn, started } = queue(2);
    const all = [1, 2, 3, 4].map(elsewhere);
    for (let index = 0; index < 4; index += 1) turn();
    expect(started).toEqual([1, 4]);
    all[0]?.result$.complete();
    for (let index = 0; index < 4; index += 1) turn();
    expect(started).toEqual([1, 4, 3]);
    all[3]?.unsubscribe();
    expect(started).toEqual([1, 4, 3, 2]);
  });

  it('goes on after a failure', () => {
    const { elsewhere, turn, started } = queue();
    const [first] = [elsewhere(1), elsewhere(2)];
    first?.result$.error(new Error('no worker'));
    turn();
    turn();
    expect(started).toEqual([1, 2]);
  });
});
