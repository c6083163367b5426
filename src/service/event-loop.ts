import {
  concat,
  ignoreElements,
  merge,
  Observable,
  of,
  ReplaySubject,
  retry,
  Subject,
  takeWhile,
  tap,
  throwError,
} from 'rxjs';
import { ServiceError } from './errors.js';

/** A handler and the events it is for. */
export interface LoopHandler<E, O> {
  readonly name: string;
  accepts(event: E): boolean;
  operator(event$: Observable<E>): Observable<O>;
}

/**
 * Where events become outcomes. Events are handled one at a time, first in, first out, each run to
 * completion: whatever handlers emit at once is performed before the next event is looked at.
 */
export interface EventLoop<E, O> {
  /**
   * Runs the handlers, then the inputs, and emits every outcome. Completes when `input$` does, whatever
   * `background$` is doing.
   */
  run(input$: Observable<never>, background$: Observable<never>): Observable<O>;
  /** Puts an event at the end of the queue and, unless another is being handled, handles it. */
  push(event: E): void;
  /** Emits an outcome. */
  emit(outcome: O): void;
  /**
   * Like `push`.
   * @returns the outcomes of this event and of the events it triggered, replayed; completes once all of them
   * ran to completion. Outcomes that handlers emit later, in their own time, are not among them.
   */
  dispatch(event: E): Observable<O>;
}

/** Marks the end of the inputs among the outcomes. */
const done = Symbol('done');

interface Cause<O> {
  readonly outcome$: ReplaySubject<O>;
  /** Events of this cause that have not run to completion. */
  open: number;
}

/**
 * @param handlers the handlers, each of which sees the events it accepts
 * @param perform carries out what a handler emitted and emits what there is to show
 * @param failed the outcome that tells of a handler's error; `event` is what was being handled, if anything
 */
export function eventLoop<E, O, H>(
  handlers: readonly LoopHandler<E, H>[],
  perform: (emitted: H, handler: string) => void,
  failed: (handler: string, error: unknown, event: E | undefined) => O,
): EventLoop<E, O> {
  const outcome$ = new Subject<O>();
  const inputs = handlers.map((handler) => ({ handler, event$: new Subject<E>() }));
  let queue: { readonly event: E; readonly cause: Cause<O> | undefined }[] = [];
  let current: { readonly event: E; readonly cause: Cause<O> | undefined } | undefined;

  const emit = (outcome: O): void => {
    current?.cause?.outcome$.next(outcome);
    outcome$.next(outcome);
  };

  const enqueue = (event: E, cause: Cause<O> | undefined): void => {
    if (cause !== undefined) cause.open += 1;
    queue.push({ event, cause });
    if (current === undefined) drain();
  };

  const drain = (): void => {
    while (queue.length > 0) {
      const batch = queue;
      queue = [];
      for (const item of batch) {
        current = item;
        for (const { handler, event$ } of inputs) {
          if (handler.accepts(item.event)) event$.next(item.event);
        }
        if (item.cause !== undefined && --item.cause.open === 0) item.cause.outcome$.complete();
      }
    }
    current = undefined;
  };

  const run = ({ handler, event$ }: (typeof inputs)[number]): Observable<never> => {
    let starting = false;
    return new Observable<H>((subscriber) => {
      starting = true;
      const subscription = handler.operator(event$.asObservable()).subscribe(subscriber);
      starting = false;
      return subscription;
    }).pipe(
      tap((emitted) => perform(emitted, handler.name)),
      retry({
        delay: (error: unknown) => {
          if (starting) {
            const problem = `the ${handler.name} handler failed when it was started`;
            return throwError(() => new ServiceError('handler-failed', problem, {}, error));
          }
          emit(failed(handler.name, error, current?.event));
          return of(true);
        },
      }),
      ignoreElements(),
    );
  };

  return {
    run: (input$, background$) =>
      merge(outcome$, ...inputs.map(run), background$, concat(input$, of(done))).pipe(
        takeWhile((outcome): outcome is O => outcome !== done),
      ),
    push: (event) => enqueue(event, current?.cause),
    emit,
    dispatch(event) {
      const cause: Cause<O> = { outcome$: new ReplaySubject<O>(), open: 0 };
      enqueue(event, cause);
      return cause.outcome$.asObservable();
    },
  };
}
