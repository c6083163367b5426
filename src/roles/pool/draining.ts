/** Sends the clients of a front elsewhere before it ends: some at a time, so that those who take them can keep up. */
import { defer, ignoreElements, interval, merge, mergeMap, switchMap, tap, type SchedulerLike } from 'rxjs';
import { Reconnect } from '../../messages/common.js';
import { defineTrigger } from '../../service/define-trigger.js';
import type { MiningServerHandler } from '../../service/handlers.js';
import { ofEvent, ofTrigger } from '../../service/operators.js';
import { send, type ServerEffect } from '../../service/effects.js';

/** Where a client can go: another front, or with an empty host and port 0 where it has dialled. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** A front takes no more clients, and is to send those it has elsewhere; to its mining server, from whoever ends it. */
export const FrontDraining = defineTrigger('FrontDraining', (places: readonly Place[]) => ({ places }));

/** Milliseconds between two times that clients are told. */
const pause = 100;

/**
 * Milliseconds within which all are told, however many: slowly, as each is without work while those before it shake hands, and
 * soon enough that all have left before a front's time is over.
 */
const within = 15_000;

/** The fewest that are told at one time: 50 a second. */
const fewest = 5;

const samePlace: Place = { host: '', port: 0 };

/**
 * Once a front drains, each of its clients is told to go to one of the places, which take turns; where it has dialled if there
 * are none.
 */
export const sendsAway =
  (scheduler: SchedulerLike): MiningServerHandler =>
  (event$) =>
    defer(() => {
      const untold = new Set<number>();
      let sent = 0;

      const some = (places: readonly Place[], most: number): ServerEffect[] => {
        const effects: ServerEffect[] = [];
        for (const clientId of untold) {
          if (effects.length >= most) break;
          const { host, port } = places[sent++ % places.length] ?? samePlace;
          untold.delete(clientId);
          effects.push(send(clientId, Reconnect({ newHost: host, newPort: port })));
        }
        return effects;
      };

      const known$ = merge(
        event$.pipe(
          ofEvent('clientAdded'),
          tap(({ clientId }) => untold.add(clientId)),
        ),
        event$.pipe(
          ofEvent('clientRemoved'),
          tap(({ clientId }) => untold.delete(clientId)),
        ),
      ).pipe(ignoreElements());

      return merge(
        known$,
        event$.pipe(
          ofTrigger(FrontDraining),
          switchMap(({ places }) => {
            const most = Math.max(fewest, Math.ceil((untold.size * pause) / within));
            return interval(pause, scheduler).pipe(mergeMap(() => some(places, most)));
          }),
        ),
      );
    });
