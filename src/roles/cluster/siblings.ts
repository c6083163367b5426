/** Siblings over ports: a front's, and the core's for all of its fronts. */
import {
  defer,
  EMPTY,
  filter,
  finalize,
  merge,
  mergeMap,
  skipWhile,
  type NextObserver,
  type Observable,
} from 'rxjs';
import type { Sibling, SiblingEvent } from '../../service/siblings.js';
import { clusterVersion, fieldsOf, requireVersion } from './plain-fields.js';
import type { Port, PortMessage } from './port.js';
import { presentWork } from './present-work.js';
import { downTriggerFrom, isTriggerMessage, triggerToPlain, upTriggerFrom } from './trigger-codec.js';

/** Who is told of what. */
export interface PortSiblingOptions {
  /** Told what was wrong with a message from the other side, which is dropped: Sv2Error. */
  readonly errorObserver?: Partial<NextObserver<unknown>>;
}

/** What a core's sibling is told. */
export interface CoreSiblingOptions extends PortSiblingOptions {
  /** Sends to all fronts at once, in order with what their ports send; each of them is sent what all are told unless given. */
  readonly toAll?: (message: PortMessage) => void;
}

/** What a front says when it is ready for work. */
const join = { type: 'join', version: clusterVersion } as const;

/** What it is answered, before the present: what was said to all until then is not for it. */
const joined = { type: 'joined' } as const;

const isOf =
  ({ type }: PortMessage) =>
  (value: unknown): boolean =>
    (value as { readonly type?: unknown } | null | undefined)?.type === type;

/**
 * A front's sibling: its core, over a port. Subscribing to `trigger$` asks the core for the present template, tip and age,
 * so that it does not matter how late that is.
 */
export function frontSibling(port: Port, { errorObserver }: PortSiblingOptions = {}): Sibling {
  return {
    trigger$: merge(
      port.message$.pipe(
        skipWhile((message) => !isOf(joined)(message)),
        filter(isTriggerMessage),
        readWith(downTriggerFrom, errorObserver),
      ),
      // behind the subscription above, so that nothing of the answer is missed
      defer(() => {
        port.send(join);
        return EMPTY;
      }),
    ),
    next(trigger) {
      const message = triggerToPlain(trigger);
      if (message !== undefined) port.send(message);
    },
  };
}

/**
 * The core's sibling: its fronts, over a port each. It keeps what a front has to hear that comes late, or again. A front
 * that is gone is forgotten; blocks of any are taken.
 *
 * ```text
 * front$     a----b-------      ports
 * next       -T-t---T'----      a template, the tip, a template
 * a hears    -T-t---T'----
 * b hears    -----(Tt)-T'-
 * ```
 * @param front$ a port for each front; its errors are those of `trigger$`
 */
export function coreSibling(
  front$: Observable<Port>,
  { errorObserver, toAll }: CoreSiblingOptions = {},
): Sibling {
  const work = presentWork();
  const fronts = new Set<Port>();

  const take = (port: Port, message: unknown): SiblingEvent[] => {
    if (!isOf(join)(message)) return [upTriggerFrom(message)];
    requireVersion(fieldsOf(message, join.type), join.type);
    fronts.add(port);
    port.send(joined);
    for (const trigger of work.triggers()) tell((present) => port.send(present), trigger);
    return [];
  };
  const tell = (send: (message: PortMessage) => void, trigger: SiblingEvent): void => {
    const message = triggerToPlain(trigger);
    if (message !== undefined) send(message);
  };
  const toEach = (message: PortMessage): void => {
    for (const port of fronts) port.send(message);
  };

  return {
    trigger$: front$.pipe(
      mergeMap((port) =>
        port.message$.pipe(
          filter((message) => isOf(join)(message) || isTriggerMessage(message)),
          readWith((message) => take(port, message), errorObserver),
          mergeMap((triggers) => triggers),
          finalize(() => fronts.delete(port)),
        ),
      ),
    ),
    next(trigger) {
      work.note(trigger);
      tell(toAll ?? toEach, trigger);
    },
  };
}

/** Reads values one by one; of one that cannot be read the observer is told, and the others come all the same. */
const readWith =
  <T>(read: (value: unknown) => T, errorObserver: PortSiblingOptions['errorObserver']) =>
  (value$: Observable<unknown>): Observable<T> =>
    value$.pipe(
      mergeMap((value) => {
        try {
          return [read(value)];
        } catch (error) {
          errorObserver?.next?.(error);
          return [];
        }
      }),
    );
