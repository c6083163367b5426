/** What a front of a cluster does over time: as long as it has a core, when it has none, and when it ends. */
import {
  catchError,
  concat,
  defer,
  EMPTY,
  from,
  ignoreElements,
  map,
  merge,
  of,
  race,
  retry,
  switchMap,
  take,
  tap,
  throwError,
  timer,
  type Observable,
  type ObservableInput,
} from 'rxjs';
import { counted } from '../codec/counted.js';
import { Sv2Error } from '../codec/errors.js';
import { toldOutcomes } from '../node/cluster/outcome-batches.js';
import type { PresentClients } from '../node/cluster/present-clients.js';
import { frontCall, refusals$, type FrontCall } from '../roles/cluster/front-call.js';
import type { Port } from '../roles/cluster/port.js';
import type { Place } from '../roles/pool/draining.js';
import { info, trouble, type LogLine } from './log-line.js';

/** Milliseconds between two attempts to begin with a core. */
const beginAgain = 500;

/** Milliseconds that it may take to learn where miners can go. */
const askLimit = 2_000;

/** Milliseconds that miners have to leave in: who ends processes commonly gives them 30 s. */
const drainLimit = 25_000;

/** What it begins with is the core's to say; while there is none, or it does not answer, it is asked again. */
export function onceTheCoreAnswers<T>(start$: Observable<T>): Observable<T> {
  return start$.pipe(
    retry({
      delay: (error: unknown) =>
        error instanceof Sv2Error && error.code === 'ledger-unavailable'
          ? timer(beginAgain)
          : throwError(() => error),
    }),
  );
}

/** What {@link toEachCore} tells. */
export interface ToldToCores {
  readonly call: FrontCall;
  readonly present: Pick<PresentClients, 'outcomes'>;
  /** All that happens at the front. */
  readonly outcome$: Observable<{ readonly type: string }>;
  readonly tell: (line: LogLine) => void;
}

/**
 * Tells each core, one after another, who this front is, who is there, and what happens from then on. Emits nothing; errors with Sv2Error
 * `front-refused` when a core says that it cannot be its.
 *
 * ```text
 * port$   a-----u--b-----   (u: there is none)
 * a       CPo-o-|           (C: who it is, P: who is there, o: what happens)
 * b                CP-o-o
 * ```
 */
export function toEachCore(
  port$: Observable<Port | undefined>,
  { call, present, outcome$, tell }: ToldToCores,
): Observable<never> {
  return port$.pipe(
    switchMap((port) => {
      if (port === undefined) {
        tell(trouble('no core: miners go on, and what they deliver waits to be written', 'core gone'));
        return EMPTY;
      }
      tell(info('the core is here', 'core here'));
      port.send(frontCall(call));
      return merge(
        refusals$(port),
        toldOutcomes(
          concat(
            defer(() => from(present.outcomes())),
            outcome$,
          ),
          port,
        ),
      );
    }),
    ignoreElements(),
  );
}

/** A front that ends. */
export interface EndingFront {
  /** How many miners it has. */
  readonly clients: () => number;
  /** Asks where they can go. */
  readonly places$: () => ObservableInput<readonly Place[]>;
  /** Sends them there, and takes no more. */
  readonly drain: (places: readonly Place[]) => void;
  /** That they have gone. */
  readonly drained$: Observable<void>;
  readonly tell: (line: LogLine) => void;
}

/**
 * Sends a front's miners to others: back to where they came when nobody says within two seconds where else. Emits when they have gone,
 * or after 25 seconds, and completes.
 */
export function sentAway({ clients, places$, drain, drained$, tell }: EndingFront): Observable<void> {
  const nowhere: readonly Place[] = [];
  const told$ = defer(places$).pipe(catchError(() => of(nowhere)));
  return race(told$, timer(askLimit).pipe(map(() => nowhere))).pipe(
    take(1),
    tap((all) => {
      const where = all.map(({ host, port }) => `${host}:${port}`).join(', ');
      const to = where === '' ? 'back to where they came' : `to ${where}`;
      tell(info(`ending: ${counted(clients(), 'miner')} sent ${to}`));
      drain(all);
    }),
    switchMap(() => race(drained$, timer(drainLimit))),
    take(1),
    map(() => undefined),
  );
}
