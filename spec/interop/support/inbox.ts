import { filter, firstValueFrom, Subject, take, timeout, map } from 'rxjs';

/** How long anything here may take, in milliseconds; a machine with other work is slow. */
export const patience = 60_000;

/** What happens, until somebody takes it: order and timing of several sources need no sleeping. */
export interface Inbox<T> {
  push(item: T): void;
  /** Removes and returns the first item there is or will be that `wanted` accepts. */
  take<S extends T>(what: string, wanted: (item: T) => item is S): Promise<S>;
  take(what: string, wanted: (item: T) => boolean): Promise<T>;
  /** Ends all waiting, and all that is to come, with an error. */
  fail(error: Error): void;
  /** What nobody has taken. */
  readonly rest: readonly T[];
}

export const inbox = <T>(name: string): Inbox<T> => {
  const rest: T[] = [];
  const arrived$ = new Subject<void>();
  let failure: Error | undefined;

  const find = (wanted: (item: T) => boolean): T[] => {
    const index = rest.findIndex(wanted);
    return index < 0 ? [] : rest.splice(index, 1);
  };

  return {
    rest,
    push(item) {
      rest.push(item);
      arrived$.next();
    },
    fail(error) {
      failure = error;
      arrived$.error(error);
    },
    take: async (what: string, wanted: (item: T) => boolean) => {
      const [found] = find(wanted);
      if (found !== undefined) return found;
      if (failure !== undefined) throw failure;
      const got$ = arrived$.pipe(
        map(() => find(wanted)),
        filter((items) => items.length > 0),
        take(1),
        timeout({ first: patience }),
      );
      try {
        return (await firstValueFrom(got$))[0];
      } catch (cause) {
        const seen = JSON.stringify(rest.slice(-5), (_, value: unknown) =>
          typeof value === 'bigint' ? String(value) : value,
        );
        throw new Error(`${name}: waited for ${what}; not taken: ${seen.slice(0, 2000)}`, { cause });
      }
    },
  } as Inbox<T>;
};
