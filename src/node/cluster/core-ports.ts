/** A core's ways to its fronts over a bus. */
import {
  concatMap,
  defer,
  finalize,
  ignoreElements,
  interval,
  merge,
  Subject,
  tap,
  type Observable,
} from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import type { Port, PortMessage } from '../../roles/cluster/port.js';
import { clusterSubjects, type Bus } from './bus.js';
import { decodeEnvelope, type Envelope } from './envelope.js';
import { maxSilence, sessionOptions, type SessionOptions } from './session-options.js';
import { wayIn, wayOut, type WayIn, type WayOut } from './ways.js';

/** Fronts that a core takes at one time. */
export const maxFronts = 1_000;

interface Session {
  readonly message$: Subject<unknown>;
  readonly in: WayIn;
  readonly out: WayOut;
  silence: number;
}

/** See {@link corePorts}. */
export interface CorePorts {
  /** A port for each front, from when it comes until it is gone. Never completes, nor errors. To be subscribed to once. */
  readonly front$: Observable<Port>;
  /** Sends to all fronts at once: one message, however many they are. */
  readonly toAll: (value: PortMessage) => void;
}

/**
 * A core's ports to its fronts: one for each, from when it comes until it is gone. What is sent to all goes over the bus
 * once, and comes in order with what is sent to one.
 * @throws Sv2Error `invalid-cluster-name`
 */
export function corePorts(bus: Bus, options: SessionOptions = {}): CorePorts {
  const { cluster, heartbeat, errorObserver, scheduler } = sessionOptions(options);
  const subjects = clusterSubjects(cluster);
  const own = crypto.randomUUID();
  const all = wayOut(bus, subjects.all, own);

  const front$ = defer(() => {
    const sessions = new Map<string, Session>();

    const end = (name: string): void => {
      const session = sessions.get(name);
      sessions.delete(name);
      session?.message$.complete();
    };

    const take = (envelope: Envelope): readonly Port[] => {
      const { kind, from } = envelope;
      const session = sessions.get(from);
      if (session === undefined) {
        if (kind === 'bye') return [];
        const out = wayOut(bus, subjects.front(from), own);
        if (kind !== 'hello' || sessions.size >= maxFronts) {
          out.say('bye');
          if (kind !== 'hello') return [];
          throw new Sv2Error('too-many-fronts', `${maxFronts} fronts are here, another was turned away`);
        }
        const message$ = new Subject<unknown>();
        const newcomer: Session = { message$, in: wayIn(), out, silence: 0 };
        sessions.set(from, newcomer);
        welcome(newcomer); // before anything else that is sent to it
        const port: Port = { message$: message$.asObservable(), send: (value) => out.send(value) };
        return [port];
      }
      session.silence = 0;
      try {
        if (kind === 'hello') welcome(session);
        else if (kind === 'bye') end(from);
        else if (kind === 'value') {
          const taken = session.in.take(envelope);
          if (taken !== undefined) session.message$.next(taken.value);
        } else {
          session.in.require(envelope.sent);
          session.out.say('alive', all.sent);
        }
      } catch (error) {
        session.out.say('bye');
        end(from);
        throw error;
      }
      return [];
    };

    const welcome = ({ out }: Session): void => out.say('welcome', all.sent);

    const tick = (): void => {
      for (const [name, session] of [...sessions]) {
        session.silence += 1;
        if (session.silence <= maxSilence) continue;
        session.out.say('bye');
        end(name);
        errorObserver.next?.(
          new Sv2Error('cluster-session-over', `a front was silent for ${session.silence * heartbeat} ms`),
        );
      }
    };

    return merge(
      bus.message$(subjects.core).pipe(
        concatMap((bytes) => {
          try {
            return take(decodeEnvelope(bytes));
          } catch (error) {
            errorObserver.next?.(error);
            return [];
          }
        }),
      ),
      // behind the subscription above, so that fronts that answer are heard
      defer(() => {
        all.say('alive', all.sent);
        return interval(heartbeat, scheduler).pipe(tap(tick), ignoreElements());
      }),
    ).pipe(
      finalize(() => {
        all.say('bye');
        for (const name of [...sessions.keys()]) end(name);
      }),
    );
  });
  return { front$, toAll: (value) => all.send(value) };
}
