import { defer, ignoreElements, merge, NEVER, tap, type Observable } from 'rxjs';
import type { Subprotocol } from '../messages/define-message.js';
import type { OwnMessages } from '../messages/own-messages.js';
import { creatorByType } from '../messages/registry.js';
import { ServiceError } from './errors.js';
import { eventLoop, type EventLoop, type LoopHandler } from './event-loop.js';
import type { ToSibling, TriggerEffect } from './effects.js';
import type { ApplicationOutcome, HandlerError } from './outcomes.js';
import type { Sibling } from './siblings.js';

/** What a handler may emit: effects, or outcomes to be shown. */
export interface Emitted {
  readonly type: string;
}

/** One run of a service: its connections, and the effects that only it has. */
export interface Run {
  /** Carries out an effect. Returns whether it was one of this service's own. */
  perform(emitted: Emitted, handler: Subprotocol): boolean;
  /** The connections, while subscribed; completes when there will be no more. */
  readonly connection$: Observable<never>;
}

/** A service as far as servers and clients have it in common. */
export interface Service<E, O> {
  start(): Observable<O>;
  dispatch(event: E): Observable<O>;
}

/** What a service is made of. */
export interface ServiceParts<E, O> {
  readonly side: 'server' | 'client';
  readonly handlers: readonly LoopHandler<E, Emitted>[];
  /** Other services, by name; '' for the only one. */
  readonly siblings: ReadonlyMap<string, Sibling>;
  /** Events that come from outside. */
  readonly event$: Observable<E> | undefined;
  /** The events every run begins with. */
  readonly first: readonly E[];
  /** Messages that are known besides those of the specification. */
  readonly messages: OwnMessages;
  begin(loop: EventLoop<E, O | HandlerError | ApplicationOutcome>): Run;
}

/** Effects that belong to one side; `triggerEvents` and `toSibling` belong to both. */
const ownEffects = {
  server: ['send', 'lastWordsTo', 'disconnect', 'nonsense', 'earned'],
  client: ['sendToServer', 'lastWords', 'leaveServer'],
} as const;

/**
 * One run at a time, triggers and siblings: what servers and clients have in common.
 * @param parts the handlers and what is particular to the side
 */
export function service<E extends { readonly type: string }, O>(parts: ServiceParts<E, O>): Service<E, O> {
  const { side, handlers, siblings, event$ = NEVER, first, messages } = parts;
  const isMessage = (type: string) => (creatorByType(type) ?? messages.creatorByType(type)) !== undefined;
  type Outcome = O | HandlerError | ApplicationOutcome;
  const foreign: readonly string[] = ownEffects[side === 'server' ? 'client' : 'server'];
  let running: EventLoop<E, Outcome> | undefined;

  const start = (): Observable<Outcome> =>
    defer(() => {
      if (running !== undefined) throw new ServiceError('already-started', `${side}: it runs already`);

      const perform = (emitted: Emitted, handler: Subprotocol): void => {
        const type: unknown = (emitted as Partial<Emitted> | null | undefined)?.type;
        if (typeof type !== 'string' || foreign.includes(type)) {
          const what = typeof type === 'string' ? type : `${typeof emitted} without a type`;
          throw new ServiceError(
            'invalid-effect',
            `${side}: the ${handler} handler emitted ${what}, which a ${side} cannot carry out`,
          );
        }
        if (run.perform(emitted, handler)) return;
        if (emitted.type === 'triggerEvents') {
          for (const event of (emitted as TriggerEffect<E>).events) loop.push(event);
        } else if (emitted.type === 'toSibling') {
          const { sibling: name = '', triggers } = emitted as ToSibling;
          const sibling = siblings.get(name);
          if (sibling === undefined) throw noSibling(side, name, [...siblings.keys()]);
          for (const trigger of triggers) sibling.next(trigger);
        } else if (isMessage(emitted.type)) {
          const effect = side === 'server' ? 'send(clientId, …)' : 'sendToServer(…)';
          throw new ServiceError(
            'invalid-effect',
            `${side}: the ${handler} handler emitted the message ${emitted.type} itself; ${effect} sends it`,
          );
        } else {
          loop.emit(emitted);
        }
      };

      const loop = eventLoop<E, Outcome, Emitted>(
        handlers,
        perform,
        (handler, error, event) => ({
          type: 'handlerError',
          handler,
          error,
          ...(event === undefined ? {} : { event }),
        }),
        first,
      );
      const run = parts.begin(loop);
      running = loop;
      const stop = () => {
        if (running === loop) running = undefined;
      };
      const outside$ = merge(...[...siblings.values()].map(({ trigger$ }) => trigger$), event$).pipe(
        tap((event) => loop.push(event as E)),
        ignoreElements(),
      );
      return loop
        .run(run.connection$, outside$)
        .pipe(tap({ error: stop, complete: stop, unsubscribe: stop }));
    });

  return {
    start: start as () => Observable<O>,
    dispatch(event) {
      if (running === undefined) {
        throw new ServiceError('not-started', `${side}: dispatch needs a started ${side}`);
      }
      return running.dispatch(event) as Observable<O>;
    },
  };
}

function noSibling(side: string, name: string, known: readonly string[]): ServiceError {
  const wanted =
    name === '' ? 'the option `sibling`' : `a sibling named '${name}' in the option \`siblings\``;
  const names = known.filter((other) => other !== '').map((other) => `'${other}'`);
  const there = names.length === 0 ? '' : `; it has ${names.join(', ')}`;
  return new ServiceError('invalid-configuration', `${side}: toSibling needs ${wanted}${there}`);
}
