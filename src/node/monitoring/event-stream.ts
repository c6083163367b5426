/** Server-Sent Events (HTML standard §9.2) that wait for their reader: nothing is made before it is taken. */
import { defaultIfEmpty, firstValueFrom, map, merge, Subject, take, takeUntil, timer } from 'rxjs';
import type { Observable, SchedulerLike } from 'rxjs';

/** An event of a stream. */
export interface StreamEvent {
  readonly id?: string;
  readonly event?: string;
  /** One line, as JSON is. */
  readonly data: string;
}

/** The text of an event. */
const eventText = ({ id, event, data }: StreamEvent): string =>
  `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n\n`;

/** Milliseconds without anything to say after which a comment shows that the line is alive. */
const heartbeat = 15_000;

/** What a stream is made of. */
export interface StreamSource {
  /** What there is to say now; empty for nothing. Called again only when that was taken. */
  readonly next: () => readonly StreamEvent[];
  /** Emits when there may be more. */
  readonly more$: Observable<unknown>;
  /** Emits or completes when the stream is to end. */
  readonly end$: Observable<unknown>;
  /** Milliseconds between two looks, at least. */
  readonly interval: number;
  readonly scheduler: SchedulerLike;
}

/**
 * A stream of events as the body of an answer. It has no queue: while its reader takes nothing, nothing is asked for, so
 * that a slow reader costs what is in its socket's buffers and no more, and gets what there is then when it comes back.
 * @param source what to say
 * @param onClose called once when it ends, whoever ends it
 */
export function eventStream(source: StreamSource, onClose: () => void): ReadableStream<Uint8Array> {
  const { next, more$, end$, interval, scheduler } = source;
  const closed$ = new Subject<'end'>();
  const encoder = new TextEncoder();
  let isFirst = true;
  let isClosed = false;
  const close = () => {
    if (isClosed) return;
    isClosed = true;
    closed$.next('end');
    onClose();
  };
  const until$ = merge(
    end$.pipe(
      take(1),
      map(() => 'end' as const),
      defaultIfEmpty('end' as const),
    ),
    closed$,
  );

  /** What comes first: more to say, which is waited for a little to say it together, or nothing for too long, or the end. */
  const awaited = (due: number): Promise<'more' | 'beat' | 'end'> =>
    firstValueFrom(
      merge(
        until$,
        more$.pipe(
          take(1),
          map(() => 'more' as const),
        ),
        timer(due, scheduler).pipe(map(() => 'beat' as const)),
      ).pipe(defaultIfEmpty('end' as const)),
    );
  const pause = () =>
    firstValueFrom(
      timer(interval, scheduler).pipe(
        map(() => 'more' as const),
        takeUntil(until$),
        defaultIfEmpty('end' as const),
      ),
    );

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const events = isClosed ? [] : next();
          if (isFirst || events.length > 0) {
            // tells browsers when to come back, and proxies not to hold back the first bytes
            const preamble = isFirst ? 'retry: 2000\n\n' : '';
            isFirst = false;
            controller.enqueue(encoder.encode(preamble + events.map(eventText).join('')));
            return;
          }
          let what = isClosed ? ('end' as const) : await awaited(heartbeat);
          if (what === 'more') what = await pause();
          if (what === 'end') {
            close();
            controller.close();
            return;
          }
          if (what === 'beat') {
            controller.enqueue(encoder.encode(':\n\n'));
            return;
          }
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
}
