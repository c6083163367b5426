/** What happened lately at a role, with an id each: kept for readers to come, and for those who come back. */
import { Subject, type Observable } from 'rxjs';

/** Something that happened. */
export interface LoggedEvent<O> {
  /** Counts all events from 1 on. */
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly outcome: O;
}

/** What there is after an event. */
export interface LoggedEvents<O> {
  /** In order. */
  readonly events: readonly LoggedEvent<O>[];
  /** Whether some in between are no longer kept. */
  readonly isGap: boolean;
  /** The id of the last event looked at: what to ask for next. */
  readonly last: number;
}

/** A log of bounded length. See {@link eventLog}. */
export interface EventLog<O> {
  /** Emits, without a value, for each event that is added. */
  readonly added$: Observable<void>;
  /** Adds an event, and gives up the oldest of its kind if there are too many. */
  add(outcome: O, at: number): void;
  /** The id of the last event; 0 before any. */
  readonly lastId: number;
  /**
   * Events after one, the oldest first.
   * @param id of the event before; 0 for all that are kept
   * @param types those wanted; all unless given
   * @param limit how many at most
   */
  after(id: number, limit: number, types?: ReadonlySet<string>): LoggedEvents<O>;
}

/** A ring of the last events of one kind. */
interface Ring<O> {
  readonly events: LoggedEvent<O>[];
  /** How many were added; the next goes to this place, modulo the capacity. */
  added: number;
  /** The id of the last one that was given up; 0 if none was. */
  lostUpTo: number;
}

/** Outcomes that come by the thousand: they are kept apart, so that they do not push out what is rare. */
const routine: ReadonlySet<string> = new Set([
  ...['ShareAccepted', 'ShareRejected', 'TargetChanged', 'ChannelUpdated', 'WeakBlockFound'],
  ...['ShareFound', 'SharesAccepted', 'JobStarted', 'HashRate', 'HashRateTold', 'TemplateSent'],
]);

/**
 * A log that keeps the last events: so many of those that are routine (shares, targets, jobs), and so many of the others.
 * Memory is bounded by that, however many readers there are: a reader is no more than the id it has come to.
 * @param capacity of each of the two, 1 or more; 5,000 unless given
 */
export function eventLog<O extends { readonly type: string }>(capacity = 5_000): EventLog<O> {
  const ring = (): Ring<O> => ({ events: [], added: 0, lostUpTo: 0 });
  const rings = { routine: ring(), rare: ring() };
  const added$ = new Subject<void>();
  let lastId = 0;

  const ringOf = (type: string): Ring<O> => (routine.has(type) ? rings.routine : rings.rare);

  /** Events of a ring after an id, the oldest first; found by halving, as they are in order. */
  function* eventsAfter({ events, added }: Ring<O>, id: number): Generator<LoggedEvent<O>> {
    const at = (index: number) => events[index % capacity] as LoggedEvent<O>;
    let [low, high] = [Math.max(0, added - capacity), added];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (at(middle).id <= id) low = middle + 1;
      else high = middle;
    }
    for (let index = low; index < added; index += 1) yield at(index);
  }

  return {
    added$: added$.asObservable(),
    get lastId() {
      return lastId;
    },
    add(outcome, at) {
      lastId += 1;
      const into = ringOf(outcome.type);
      const place = into.added % capacity;
      const old = into.events[place];
      if (old !== undefined) into.lostUpTo = old.id;
      into.events[place] = { id: lastId, at, outcome };
      into.added += 1;
      added$.next();
    },
    after(id, limit, types) {
      const wanted = [rings.routine, rings.rare].filter(
        (candidate) => types === undefined || [...types].some((type) => ringOf(type) === candidate),
      );
      const isGap = id > 0 && wanted.some(({ lostUpTo }) => lostUpTo > id);
      const queues = wanted.map((candidate) => eventsAfter(candidate, id));
      const heads = queues.map((queue) => queue.next().value as LoggedEvent<O> | undefined);
      const events: LoggedEvent<O>[] = [];
      let last = id;
      while (events.length < limit) {
        const next = heads.reduce<number | undefined>((best, head, index) => {
          if (head === undefined) return best;
          const bestHead = best === undefined ? undefined : heads[best];
          return bestHead === undefined || head.id < bestHead.id ? index : best;
        }, undefined);
        if (next === undefined) return { events, isGap, last: lastId };
        const head = heads[next] as LoggedEvent<O>;
        heads[next] = queues[next]?.next().value as LoggedEvent<O> | undefined;
        last = head.id;
        if (types === undefined || types.has(head.outcome.type)) events.push(head);
      }
      return { events, isGap, last };
    },
  };
}
