/** Events of an application's own; `event-loop.ts` says in which order they are handled, `siblings.ts` how they travel. */

/** An event of the application's own: `trigger` names it, the other properties are its content. */
export interface Trigger<Name extends string = string> {
  readonly type: 'trigger';
  readonly trigger: Name;
}

/** Makes triggers of one name and recognises them. */
export interface TriggerCreator<Name extends string, Arguments extends unknown[], Content extends object> {
  (...args: Arguments): Trigger<Name> & Content;
  readonly trigger: Name;
  /** Whether `event` is a trigger of this name. */
  match(event: { readonly type: string }): event is Trigger<Name> & Content;
}

/**
 * Declares a trigger.
 * @param name unique in the application
 * @param content makes the trigger's properties from the creator's arguments; none unless given
 * @example const NewTip = defineTrigger('NewTip', (height: number) => ({ height })); trigger(NewTip(7))
 */
export function defineTrigger<const Name extends string>(name: Name): TriggerCreator<Name, [], object>;
export function defineTrigger<const Name extends string, Arguments extends unknown[], Content extends object>(
  name: Name,
  content: (...args: Arguments) => Content,
): TriggerCreator<Name, Arguments, Content>;
export function defineTrigger(name: string, content: (...args: unknown[]) => object = () => ({})): unknown {
  return Object.assign((...args: unknown[]) => ({ ...content(...args), type: 'trigger', trigger: name }), {
    trigger: name,
    match: (event: { readonly type: string; readonly trigger?: string }) =>
      event.type === 'trigger' && event.trigger === name,
  });
}
