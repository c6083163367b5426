/** What is only over when all is written. */
import {
  asapScheduler,
  catchError,
  defer,
  EMPTY,
  finalize,
  Observable,
  switchMap,
  timer,
  type ObservableInput,
} from 'rxjs';

/** What is asked once all that ends in this turn has begun to; an error of it ends it. */
export function afterThisTurn(written$: () => ObservableInput<unknown>): Observable<unknown> {
  return timer(0, asapScheduler).pipe(
    switchMap(() => defer(written$)),
    catchError(() => EMPTY),
  );
}

/**
 * Its source, which stays subscribed to until all is written when this no longer is.
 *
 * ```text
 * source$       a--b--c--d--
 * unsubscribed        !
 * written$            ---|
 * untilWritten  a--b--
 * source$ is subscribed to until    ---!
 * ```
 * @param written$ ends when it is, or with an error when it cannot be
 */
export function untilWritten<T>(
  written$: () => ObservableInput<unknown>,
): (source$: Observable<T>) => Observable<T> {
  return (source$) =>
    new Observable((subscriber) => {
      const subscription = source$.subscribe({
        next: (value) => subscriber.next(value),
        error: (error: unknown) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
      return () => {
        const end$ = afterThisTurn(written$).pipe(finalize(() => subscription.unsubscribe()));
        subscription.add(end$.subscribe());
      };
    });
}
