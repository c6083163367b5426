/** How fast a client is answered whose requests are small and whose answers are large. */
import {
  concat,
  defer,
  EMPTY,
  ignoreElements,
  mergeMap,
  of,
  repeat,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';

/** Bytes of answers a second: a block's transactions, 4 MB, at once and then one each second. */
const answerBytesPerSecond = 4_000_000;

/** Requests of one client that may wait. */
const maxWaitingRequests = 16;

/** What is done with requests. */
export interface Answering<Key, T> {
  /** Makes the answer when its turn comes. @returns it, and its bytes */
  reply(key: Key): { readonly value: T; readonly bytes: number };
  /** A request for which there is no room. */
  refuse(key: Key): T;
}

/**
 * Answers the requests of one client in order, each when the one before has had its time at 4 MB a second. A request
 * that repeats one that waits is answered with that; beyond 16 that wait, more are refused at once.
 * @param request$ what is asked for, equal by `===` for the same
 */
export function pacedAnswers<Key, T>(
  request$: Observable<Key>,
  { reply, refuse }: Answering<Key, T>,
  scheduler: SchedulerLike,
): Observable<T> {
  return defer(() => {
    const waiting = new Set<Key>();
    let isBusy = false;

    const next$ = defer((): Observable<T> => {
      const [key] = waiting;
      if (key === undefined) return EMPTY;
      waiting.delete(key);
      const { value, bytes } = reply(key);
      const time = (1_000 * bytes) / answerBytesPerSecond;
      return time < 1 ? of(value) : concat(of(value), timer(time, scheduler).pipe(ignoreElements()));
    });
    const all$ = next$.pipe(
      repeat({
        delay() {
          isBusy = waiting.size > 0;
          return isBusy ? of(true) : EMPTY;
        },
      }),
    );
    return request$.pipe(
      mergeMap((key) => {
        if (waiting.has(key)) return EMPTY;
        if (waiting.size >= maxWaitingRequests) return of(refuse(key));
        waiting.add(key);
        if (isBusy) return EMPTY;
        isBusy = true;
        return all$;
      }),
    );
  });
}
