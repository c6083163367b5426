import { filter, type OperatorFunction } from 'rxjs';
import type { Message } from '../messages/registry.js';
import type { Trigger } from './define-trigger.js';

/** Anything that recognises a message: a message creator, or `UnknownMessage`. */
export interface MessageMatcher<M> {
  match(message: { readonly type: string }): message is M & { readonly type: string };
}

type MatchedBy<C> = C extends {
  match(message: { readonly type: string }): message is infer M extends { readonly type: string };
}
  ? M
  : never;

/** What of the messages `M` has the type of `Wanted`; a message that the specification does not have is as declared. */
type MessageFor<M, Wanted> = Wanted extends { readonly type: infer Type }
  ? Type extends Message['type']
    ? Extract<M, { readonly type: Type }>
    : Wanted
  : never;

/** The message events of `E` whose message is one of those that `C` recognises. */
export type MessageEventOf<E, C> =
  Extract<E, { readonly type: 'message' }> extends infer Event
    ? Event extends { readonly message: infer M }
      ? Omit<Event, 'message'> & { readonly message: MessageFor<M, MatchedBy<C>> }
      : never
    : never;

/** Matchers of messages that are among those of the events `E`; a sentence about each of the others. */
type Receivable<E, C extends readonly unknown[]> = {
  [K in keyof C]: [MessageEventOf<E, C[K]>['message']] extends [never]
    ? `a handler of this side and subprotocol never receives ${TypeOf<MatchedBy<C[K]>>}`
    : C[K];
};

type TypeOf<M> = M extends { readonly type: infer Type extends string } ? Type : 'that';

interface AnyEvent {
  readonly type: string;
}

/**
 * Keeps the message events that carry one of these messages, and narrows their type.
 * @param creators message creators, such as `OpenStandardMiningChannel`
 */
export function ofMessage<E extends AnyEvent, C extends readonly MessageMatcher<unknown>[]>(
  ...creators: C & Receivable<E, C>
): OperatorFunction<E, MessageEventOf<E, C[number]>> {
  return filter((event: AnyEvent) => {
    if (event.type !== 'message') return false;
    const { message } = event as unknown as { message: AnyEvent };
    for (const creator of creators) if (creator.match(message)) return true;
    return false;
  }) as unknown as OperatorFunction<E, MessageEventOf<E, C[number]>>;
}

/**
 * Keeps the events of these kinds (`clientAdded`, `connected` …), and narrows their type.
 * @param types the `type` of the events wanted
 */
export function ofEvent<E extends AnyEvent, const T extends E['type']>(
  ...types: readonly T[]
): OperatorFunction<E, Extract<E, { readonly type: T }>> {
  return filter((event: E): event is Extract<E, { readonly type: T }> =>
    (types as readonly string[]).includes(event.type),
  );
}

/** Anything that recognises a trigger: what `defineTrigger` returns. */
export interface TriggerMatcher {
  match(event: { readonly type: string }): event is Trigger;
}

type TriggeredBy<C> = C extends {
  match(event: { readonly type: string }): event is infer T extends Trigger;
}
  ? T
  : never;

/**
 * Keeps the triggers made by these creators, and narrows their type.
 * @param creators results of `defineTrigger`
 */
export function ofTrigger<E extends AnyEvent, C extends readonly TriggerMatcher[]>(
  ...creators: C
): OperatorFunction<E, TriggeredBy<C[number]>> {
  return filter((event: AnyEvent) => {
    for (const creator of creators) if (creator.match(event)) return true;
    return false;
  }) as unknown as OperatorFunction<E, TriggeredBy<C[number]>>;
}
