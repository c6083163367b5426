/** In which order events are handled, triggers among them: one queue, first in, first out, each run to completion. */
import {
  concat,
  defer,
  EMPTY,
  ignoreElements,
  isObservable,
  merge,
  of,
  ReplaySubject,
  retry,
  Subject,
  takeWhile,
  tap,
  throwError,
  type Observable,
} from 'rxjs';
import type { Subprotocol } from '../messages/define-message.js';
import { nameOf, ServiceError } from './errors.js';

/** A handler and the events it is for. */
export interface LoopHandler<E, H> {
  readonly name: Subprotocol;
  accepts(event: E): boolean;
  operator(event$: Observable<E>): Observable<H>;
}

/**
 * Where events become outcomes. Events are handled one at a time, first in, first out, each run to
 * completion: whatever handlers emit at once is performed before the next event is looked at.
 */
export interface EventLoop<E, O> {
  /**
   * Starts the handlers, then handles what waits, then runs the inputs; emits every outcome. Completes when
   * `input$` does, whatever `background$` is doing.
   */
  run(input$: Observable<never>, background$: Observable<never>): Observable<O>;
  /**
   * Puts an event at the end of the queue and, unless another is being handled, handles it.
   * @throws ServiceError `invalid-event` if it has no `type`
   */
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

interface Queued<E, O> {
  readonly event: E;
  readonly cause: Cause<O> | undefined;
}

/**
 * @param handlers the handlers, each of which sees the events it accepts
 * @param perform carries out what a handler emitted; what it throws becomes an outcome
 * @param failed the outcome that tells of a handler's error; `event` is what was being handled, if anything
 * @param first the events that are handled before any other
 */
export function eventLoop<E extends { readonly type: string }, O, H>(
  handlers: readonly LoopHandler<E, H>[],
  perform: (emitted: H, handler: Subprotocol) => void,
  failed: (handler: Subprotocol, error: unknown, event: E | undefined) => O,
  first: readonly E[],
): EventLoop<E, O> {
  const outcome$ = new Subject<O>();
  const inputs = handlers.map((handler) => ({ handler, event$: new Subject<E>() }));
  let queue: Queued<E, O>[] = first.map((event) => ({ event, cause: undefined }));
  /** What is being handled. */
  let current: E | undefined;
  /** The dispatch that led to it. */
  let currentCause: Cause<O> | undefined;
  // events wait until every handler has been started, and while another event is handled
  let busy = true;

  const emit = (outcome: O): void => {
    currentCause?.outcome$.next(outcome);
    outcome$.next(outcome);
  };

  const enqueue = (event: E, cause: Cause<O> | undefined): void => {
    if (typeof (event as Partial<E> | null | undefined)?.type !== 'string') {
      throw new ServiceError(
        'invalid-event',
        `expected an event, an object with a type, got ${typeof event}`,
      );
    }
    if (cause !== undefined) cause.open += 1;
    if (busy) {
      queue.push({ event, cause });
      return;
    }
    busy = true;
    handle(event, cause);
    drain();
  };

  const handle = (event: E, cause: Cause<O> | undefined): void => {
    current = event;
    currentCause = cause;
    for (const { handler, event$ } of inputs) {
      if (handler.accepts(event)) event$.next(event);
    }
    if (cause !== undefined && --cause.open === 0) cause.outcome$.complete();
  };

  /** Handles what waits. */
  const drain = (): void => {
    while (queue.length > 0) {
      const batch = queue;
      queue = [];
      for (const { event, cause } of batch) handle(event, cause);
    }
    current = undefined;
    currentCause = undefined;
    busy = false;
  };

  const performSafely = (emitted: H, handler: Subprotocol): void => {
    try {
      perform(emitted, handler);
    } catch (error) {
      emit(failed(handler, error, current));
    }
  };

  const run = ({ handler, event$ }: (typeof inputs)[number]): Observable<never> => {
    let starting = false;
    const started$ = defer(() => {
      starting = false;
      return EMPTY;
    });
    return defer(() => {
      starting = true;
      return merge(returnedBy(handler, event$.asObservable()), started$);
    }).pipe(
      tap((emitted) => performSafely(emitted, handler.name)),
      retry({
        delay: (error: unknown) => {
          // starting it again would fail again, for ever
          if (starting) {
            if (error instanceof ServiceError) return throwError(() => error);
            const problem = `the ${handler.name} handler failed when it was started`;
            return throwError(() => new ServiceError('handler-failed', problem, {}, error));
          }
          emit(failed(handler.name, error, current));
          return of(true);
        },
      }),
      ignoreElements(),
    );
  };

  return {
    run: (input$, background$) =>
      merge(
        outcome$,
        ...inputs.map(run),
        defer(() => {
          drain();
          return EMPTY;
        }),
        background$,
        concat(input$, of(done)),
      ).pipe(takeWhile((outcome): outcome is O => outcome !== done)),
    push: (event) => enqueue(event, currentCause),
    emit,
    dispatch(event) {
      const cause: Cause<O> = { outcome$: new ReplaySubject<O>(Infinity), open: 0 };
      enqueue(event, cause);
      return cause.outcome$.asObservable();
    },
  };
}

/** The stream of a handler; a mistake that types do not prevent in JavaScript is named. */
function returnedBy<E, H>({ name, operator }: LoopHandler<E, H>, event$: Observable<E>): Observable<H> {
  const outcome$: unknown = operator(event$);
  if (isObservable(outcome$)) return outcome$ as Observable<H>;
  throw new ServiceError(
    'handler-failed',
    `the ${name} handler returned ${nameOf(outcome$)}, expected an Observable; is a return missing?`,
  );
}
