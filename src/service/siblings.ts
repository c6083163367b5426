import { Observable, Subject } from 'rxjs';
import { ServiceError } from './errors.js';
import type { ClientEvent, ServerEvent } from './events.js';

/** What can be handed to a sibling: triggers, and whatever else its service could be dispatched. */
export type SiblingEvent = ServerEvent | ClientEvent;

/**
 * One side of a pair of siblings: what a service sends to and receives from the other. Whatever has this shape will do:
 * two Subjects here, a port to another thread, a subject of a broker.
 */
export interface Sibling {
  /** Triggers and other events from the other side. What was sent before the subscription is delivered upon it. */
  readonly trigger$: Observable<SiblingEvent>;
  /**
   * Hands a trigger, or another event, to the other side.
   * @throws ServiceError `sibling-not-started` if the other side does not take triggers and too many wait for it
   */
  next(trigger: SiblingEvent): void;
}

/** Triggers kept for a sibling that has not been started yet. */
const maxWaiting = 4096;

function direction(): Sibling {
  const trigger$ = new Subject<SiblingEvent>();
  let waiting: SiblingEvent[] = [];
  return {
    trigger$: new Observable((subscriber) => {
      // handling an early trigger may lead to another, which has to wait its turn
      for (let next = 0; next < waiting.length && !subscriber.closed; next++) {
        subscriber.next(waiting[next] as SiblingEvent);
      }
      waiting = [];
      return trigger$.subscribe(subscriber);
    }),
    next(trigger) {
      if (trigger$.observed) {
        trigger$.next(trigger);
        return;
      }
      if (waiting.length >= maxWaiting) {
        throw new ServiceError(
          'sibling-not-started',
          `${maxWaiting} triggers already wait for a sibling that was not started`,
        );
      }
      waiting.push(trigger);
    },
  };
}

/**
 * A pair of siblings: a server and a client of one application that hand triggers to each other (what
 * a pool's mining server and its template distribution client need). A service that has several is given them by name,
 * `siblings: { templates: …, jd: … }`.
 * @returns the server's side and the client's side
 */
export function siblings(): readonly [server: Sibling, client: Sibling] {
  const toServer = direction();
  const toClient = direction();
  return [
    { trigger$: toServer.trigger$, next: toClient.next },
    { trigger$: toClient.trigger$, next: toServer.next },
  ];
}

/** The siblings of a service by name, `''` for the one that `sibling` gives. */
export function siblingsByName({
  sibling,
  siblings = {},
}: {
  readonly sibling?: Sibling;
  readonly siblings?: Readonly<Record<string, Sibling>>;
}): ReadonlyMap<string, Sibling> {
  const byName = new Map(Object.entries(siblings));
  if (sibling !== undefined) byName.set('', sibling);
  return byName;
}
