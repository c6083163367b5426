/** One direction of a pair: frames of one end, as messages through an operator, to the other end. */
import {
  catchError,
  defer,
  finalize,
  ignoreElements,
  isObservable,
  merge,
  Subject,
  switchMap,
  takeUntil,
  tap,
  throwError,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { decodeMessage } from '../../framing/frame.js';
import type { Frame } from '../../framing/frame-assembler.js';
import type { OwnMessages } from '../../messages/own-messages.js';
import type { Message } from '../../messages/registry.js';
import type { Connection } from '../../transport/connection.js';
import { unreadBytes } from '../../transport/limits.js';
import { nameOf, ServiceError } from '../errors.js';

/** Milliseconds an operator has to say its last when nothing more is received. */
const lastWordsTimeout = 2_000;

/** One direction of a pair. */
export interface Direction {
  /** What was received. */
  readonly received$: Observable<Message>;
  /** What was sent on. */
  readonly sent$: Observable<Message>;
  /** Pipes while subscribed; completes when there is nothing more to send. */
  run(
    name: string,
    operator: ((message$: Observable<Message>) => Observable<Message>) | undefined,
  ): Observable<never>;
  /** Takes a frame. @throws CodecError if somebody wants to see its message and it cannot be decoded */
  receive(frame: Frame): void;
  /** Nothing more will be received. */
  end(): void;
  /** Nothing more can be sent. */
  cut(): void;
}

/**
 * A direction. What the operator emits as it was received is sent on as the bytes it came in, and is not even decoded
 * while nobody looks.
 */
export function direction(
  from: Connection,
  to: Connection,
  own: OwnMessages,
  scheduler: SchedulerLike,
): Direction {
  const received$ = new Subject<Message>();
  const sent$ = new Subject<Message>();
  const ended$ = new Subject<void>();
  const cut$ = new Subject<void>();
  /** The frames that messages came in. */
  const frames = new WeakMap<Message, Frame>();
  let hasOperator = false;
  let isPaused = false;

  /** Backpressure: what the receiver has not taken is not added to. */
  const holdBack = (): void => {
    if (isPaused || to.queuedBytes <= unreadBytes) return;
    isPaused = true;
    from.pause(to.drained$.pipe(finalize(() => (isPaused = false))));
  };

  const transmit = (message: Message): void => {
    const frame = frames.get(message);
    if (frame === undefined) to.send(own.write(message));
    else to.sendFrames(frame);
    sent$.next(message);
    holdBack();
  };

  return {
    received$: received$.asObservable(),
    sent$: sent$.asObservable(),
    run(name, operator) {
      hasOperator = operator !== undefined;
      const giveUp$ = merge(cut$, ended$.pipe(switchMap(() => timer(lastWordsTimeout, scheduler))));
      const output$: Observable<unknown> =
        operator === undefined
          ? ended$
          : defer(() => returnedBy(name, operator(received$))).pipe(
              tap(transmit),
              catchError((error: unknown) => throwError(() => failed(name, error))),
            );
      return output$.pipe(
        ignoreElements(),
        finalize(() => sent$.complete()),
        takeUntil(giveUp$),
      );
    },
    receive(frame) {
      if (!hasOperator && !received$.observed && !sent$.observed) {
        to.sendFrames(frame);
        holdBack();
        return;
      }
      const message = own.read(decodeMessage(frame.header, frame.payload));
      frames.set(message, frame);
      received$.next(message);
      if (!hasOperator) transmit(message);
    },
    end() {
      ended$.next();
      received$.complete();
      ended$.complete();
    },
    cut() {
      received$.complete();
      cut$.next();
    },
  };
}

function returnedBy(name: string, output$: unknown): Observable<Message> {
  if (isObservable(output$)) return output$ as Observable<Message>;
  throw new ServiceError(
    'handler-failed',
    `${name} returned ${nameOf(output$)}, expected an Observable; is a return missing?`,
  );
}

function failed(name: string, error: unknown): ServiceError {
  if (error instanceof ServiceError && error.code === 'handler-failed') return error;
  const what = error instanceof Error ? error.message : String(error);
  return new ServiceError('handler-failed', `${name} failed: ${what}`, {}, error);
}
