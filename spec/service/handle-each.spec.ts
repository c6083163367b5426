import { describe, expect, it } from '@jest/globals';
import { concat, finalize, from, NEVER, of, Subject, take, throwError } from 'rxjs';
import { handleEach, type HandlerError } from '../../src/service/index.js';

interface Event {
  readonly type: 'event';
  readonly id: number;
}

/** Pushes events through `handleEach`, and collects what comes out. */
const run = (project: (event: Event) => never, ids: readonly number[]) => {
  const event$ = new Subject<Event>();
  const seen: unknown[] = [];
  const running = event$.pipe(handleEach<Event, unknown>('mining', project)).subscribe({
    next: (outcome) =>
      seen.push(
        (outcome as HandlerError).type === 'handlerError' ? errorOf(outcome as HandlerError) : outcome,
      ),
    complete: () => seen.push('end'),
  });
  for (const id of ids) event$.next({ type: 'event', id });
  event$.complete();
  expect(running.closed).toBe(true);
  return seen;
};

const errorOf = ({ error, event }: HandlerError) => [
  (error as Error).message,
  (event as unknown as Event).id,
];

describe('handleEach', () => {
  it('emits what a generator yields up to its error, which is told, and goes on', () => {
    function* project({ id }: Event) {
      yield `first of ${id}`;
      if (id === 1) throw new Error('no more');
      yield `second of ${id}`;
    }
    expect(run(project as never, [1, 2])).toEqual([
      'first of 1',
      ['no more', 1],
      'first of 2',
      'second of 2',
      'end',
    ]);
  });

  it('follows streams of several events at a time, and ends after the last of them', () => {
    const streams = new Map([1, 2, 3].map((id) => [id, new Subject<string>()]));
    const event$ = new Subject<Event>();
    const seen: unknown[] = [];
    const running = event$.pipe(handleEach('mining', ({ id }) => streams.get(id)!)).subscribe({
      next: (value) => seen.push(typeof value === 'string' ? value : errorOf(value)),
      complete: () => seen.push('end'),
    });
    for (const id of [1, 2, 3]) event$.next({ type: 'event', id });
    event$.complete();
    streams.get(2)!.next('b');
    streams.get(1)!.error(new Error('broken'));
    streams.get(3)!.next('c');
    streams.get(2)!.complete();
    expect(seen).toEqual(['b', ['broken', 1], 'c']);
    expect(running.closed).toBe(false);
    streams.get(3)!.complete();
    expect(running.closed).toBe(true);
    expect(seen.at(-1)).toBe('end');
  });

  it('takes nothing from a generator, and lets go of streams, once nobody listens', () => {
    const taken: number[] = [];
    let released = 0;
    function* count() {
      for (let number = 1; ; number++) {
        taken.push(number);
        yield number;
      }
    }
    const stream$ = concat(of(0), NEVER).pipe(finalize(() => (released += 1)));
    const seen: unknown[] = [];
    from<Event[]>([
      { type: 'event', id: 1 },
      { type: 'event', id: 2 },
    ])
      .pipe(
        handleEach<Event, number>('mining', ({ id }) => (id === 1 ? stream$ : count())),
        take(3),
      )
      .subscribe((value) => seen.push(value));
    expect(seen).toEqual([0, 1, 2]);
    expect(taken).toEqual([1, 2]);
    expect(released).toBe(1);
  });

  it('names what is no stream', () => {
    const project = ({ id }: Event) =>
      id === 1 ? null : id === 2 ? throwError(() => new Error('late')) : undefined;
    expect(run(project as never, [1, 2, 3])).toEqual([
      ['handleEach of the mining handler was given null, expected an array or a stream of outcomes', 1],
      ['late', 2],
      'end',
    ]);
  });
});
