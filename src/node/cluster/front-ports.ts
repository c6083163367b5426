/** A front's way to its core over a bus. */
import {
  catchError,
  concatMap,
  defer,
  EMPTY,
  finalize,
  ignoreElements,
  interval,
  merge,
  of,
  repeat,
  Subject,
  tap,
  timer,
  type Observable,
} from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import type { Port } from '../../roles/cluster/port.js';
import { clusterSubjects, type Bus } from './bus.js';
import { decodeEnvelope, type Envelope } from './envelope.js';
import { maxSilence, sessionOptions, type SessionOptions } from './session-options.js';
import { wayIn, wayOut, type WayIn } from './ways.js';

/** Milliseconds before a session that is over is followed by another. */
const again = 100;

/**
 * A front's ports to its core, one after another: one whenever a core is there. It completes when the core is gone, another has taken
 * its place, or something was lost on the way; then there is another port as soon as there is a core, which a front
 * joins anew. Never completes, nor errors. Cold: each subscription is a front.
 *
 * ```text
 * core alive    ---a-a-a-X......a-a-a
 * frontPorts    ---p-------------q---
 * p.message$       --v-v----|
 * ```
 * @throws Sv2Error `invalid-cluster-name`
 */
export function frontPorts(bus: Bus, options: SessionOptions = {}): Observable<Port> {
  const { cluster, heartbeat, errorObserver, scheduler } = sessionOptions(options);
  const subjects = clusterSubjects(cluster);

  const session$ = defer(() => {
    const own = crypto.randomUUID();
    const out = wayOut(bus, subjects.core, own);
    const message$ = new Subject<unknown>();
    const port: Port = { message$: message$.asObservable(), send: (value) => out.send(value) };
    let core: { readonly name: string; readonly own: WayIn; readonly all: WayIn } | undefined;
    let silence = 0;
    let isTurnedAway = false;

    /** What comes to this front alone. @returns the port, when it is there */
    const takeOwn = (envelope: Envelope): readonly Port[] => {
      const { kind, from, sent, sentToAll } = envelope;
      if (kind === 'welcome' && core === undefined) {
        core = { name: from, own: wayIn(sent), all: wayIn(sentToAll) };
        silence = 0;
        return [port];
      }
      if (kind === 'bye' && core === undefined && !isTurnedAway) {
        isTurnedAway = true; // it asks again, in case another front ends
        errorObserver.next?.(
          new Sv2Error('too-many-fronts', 'the core has as many fronts as it takes, and turns this one away'),
        );
      }
      if (core?.name !== from) return [];
      silence = 0;
      if (kind === 'value') deliver(core.own.take(envelope));
      else if (kind === 'bye') throw over('the core does not know this front any more');
      else if (kind === 'alive') {
        core.own.require(sent);
        core.all.require(sentToAll);
      }
      return [];
    };

    /** What comes to all fronts. */
    const takeAll = (envelope: Envelope): void => {
      if (core === undefined) {
        if (envelope.kind === 'alive') out.say('hello'); // a core that has just begun
      } else if (core.name !== envelope.from) {
        if (envelope.kind === 'alive') throw over('there is another core');
      } else if (envelope.kind === 'value') deliver(core.all.take(envelope));
      else if (envelope.kind === 'bye') throw over('the core has ended');
    };

    const deliver = (taken: { readonly value: unknown } | undefined): void => {
      if (taken !== undefined) message$.next(taken.value);
    };

    const tick = (): void => {
      if (core === undefined) {
        out.say('hello');
        return;
      }
      silence += 1;
      if (silence > maxSilence) throw over(`the core was silent for ${silence * heartbeat} ms`);
      out.say('alive');
    };

    /** What can be read of a subject; of the rest the observer is told, and that pieces are missing is seen by their numbers. */
    const read$ = (subject: string): Observable<Envelope> =>
      bus.message$(subject).pipe(
        concatMap((bytes) => {
          try {
            return [decodeEnvelope(bytes)];
          } catch (error) {
            errorObserver.next?.(error);
            return [];
          }
        }),
      );

    return merge(
      read$(subjects.front(own)).pipe(concatMap(takeOwn)),
      read$(subjects.all).pipe(tap(takeAll), ignoreElements()),
      // behind the subscriptions above, so that the welcome is not missed
      merge(of(0), interval(heartbeat, scheduler)).pipe(tap(tick), ignoreElements()),
    ).pipe(
      catchError((error: unknown) => {
        errorObserver.next?.(error);
        return EMPTY;
      }),
      finalize(() => {
        out.say('bye');
        message$.complete();
      }),
    );
  });
  return session$.pipe(repeat({ delay: () => timer(again, scheduler) }));
}

const over = (why: string): Sv2Error =>
  new Sv2Error('cluster-session-over', `the way to the core is over: ${why}`);
