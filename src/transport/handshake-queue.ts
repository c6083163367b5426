import { finalize, Observable } from 'rxjs';
import type { Turns } from './turns.js';

/** Runs work when its turn has come; unsubscribing gives up the place in the queue. */
export type InTurn = <T>(work$: Observable<T>) => Observable<T>;

/**
 * A queue of handshakes to finish, the newest first: under load, who came last is the one who still waits for
 * an answer. Who goes leaves the queue, and no work is done for it.
 * @param atOnce handshakes under way at a time: 1, or more if they are finished on other threads
 */
export function handshakeQueue(turns: Turns, atOnce: number): InTurn {
  const waiting = newestFirst<() => void>();
  let running = 0;

  const startNewest = (): boolean => {
    waiting.take()?.();
    return mayStart();
  };
  const mayStart = () => waiting.size > 0 && running < atOnce;
  const ended = () => {
    running -= 1;
    if (mayStart()) turns.newcomers(startNewest);
  };

  return (work$) =>
    new Observable((subscriber) => {
      const start = () => {
        running += 1;
        subscriber.add(work$.pipe(finalize(ended)).subscribe(subscriber));
      };
      waiting.add(start);
      subscriber.add(() => waiting.remove(start));
      if (mayStart()) turns.newcomers(startNewest);
    });
}

interface NewestFirst<T> {
  readonly size: number;
  add(item: T): void;
  remove(item: T): void;
  /** Takes out the item that was added last. */
  take(): T | undefined;
}

/** Items from which the newest is taken, and any can be removed, in constant time. */
function newestFirst<T>(): NewestFirst<T> {
  let items: T[] = [];
  const present = new Set<T>();
  return {
    get size() {
      return present.size;
    },
    add(item) {
      items.push(item);
      present.add(item);
    },
    remove(item) {
      if (!present.delete(item)) return;
      // what was removed stays in the list for a while, until it is half of it
      if (items.length > 2 * present.size + 16) items = items.filter((candidate) => present.has(candidate));
    },
    take() {
      for (;;) {
        const item = items.pop();
        if (item === undefined || present.delete(item)) return item;
      }
    },
  };
}
