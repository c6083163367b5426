/** Leases that end by themselves: a server id is somebody's for a time, renewed before that is over, and given up in time when it cannot be. */
import {
  concatMap,
  defer,
  EMPTY,
  expand,
  finalize,
  from,
  ignoreElements,
  map,
  merge,
  of,
  retry,
  switchMap,
  take,
  throwError,
  throwIfEmpty,
  timer,
  type Observable,
  type ObservableInput,
  type SchedulerLike,
} from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import type { ServerIdLeases } from './server-ids.js';

/** What all machines share, and that forgets who has what after `ttl`. */
export interface LeaseKeeper {
  /** Takes an id that nobody has. Emits what it is renewed with, or who has it; errors where nobody knows. */
  take(serverId: number): ObservableInput<{ readonly revision: number } | { readonly holder: string }>;
  /**
   * Keeps an id from now on for as long again. Emits what it is renewed with next; errors with Sv2Error `lease-lost` where
   * it is ours no more, and with anything else where nobody knows.
   */
  renew(serverId: number, revision: number): ObservableInput<number>;
  /** Gives an id back, if that can be done now. */
  release(serverId: number, revision: number): void;
}

/** Options of {@link expiringLeases}. */
export interface ExpiringLeaseOptions {
  /** The id to have, 0 to 65,535; the lowest that is free unless given. */
  readonly serverId?: number;
  /** What is leased, for people; `server id N` unless given. */
  readonly what?: string;
  /** The error of what another has; that of a server id unless given. */
  readonly taken?: (holder: string) => Sv2Error;
  /** Milliseconds after which the keeper forgets a lease. */
  readonly ttl: number;
  readonly scheduler: SchedulerLike;
}

const last = 0xffff;

/** Parts of its time: when a lease is renewed, how long to wait after that failed, and when it is given up. */
const renewAfter = 1 / 3;
const retryAfter = 1 / 12;
const giveUpAfter = 9 / 10;

/**
 * Leases of server ids that a keeper forgets by itself. A lease counts from when it was asked for, and is given up at nine tenths of its
 * time, so that it is over before another can have it, also where the keeper cannot be reached. `lease$` errors with Sv2Error
 * `server-id-taken`, which names the holder; `server-ids-exhausted`; `lease-lost`; and with the keeper's errors where the first cannot be had.
 *
 * ```text
 * keeper   take  renew   x  x  x
 * ttl      0-----3-----6--7--8--9
 * lease$   i------------------------#   (renewed at 3: lost at 3 + 9)
 * ```
 */
export const expiringLeases = (
  keeper: LeaseKeeper,
  { serverId, ttl, scheduler, what, taken: takenBy }: ExpiringLeaseOptions,
): ServerIdLeases => {
  const takeOne$ = (id: number) =>
    defer(() => {
      const askedAt = scheduler.now();
      return from(keeper.take(id)).pipe(map((answer) => ({ id, askedAt, ...answer })));
    });

  const took$ =
    serverId === undefined
      ? from(everyId()).pipe(
          concatMap(takeOne$),
          concatMap((answer) => ('revision' in answer ? [answer] : [])),
          take(1),
          throwIfEmpty(
            () => new Sv2Error('server-ids-exhausted', `all server ids from 0 to ${last} are taken`),
          ),
        )
      : takeOne$(serverId).pipe(
          map((answer) => {
            if ('revision' in answer) return answer;
            throw (takenBy ?? serverIdHeld(serverId))(answer.holder);
          }),
        );

  const hold$ = ({ id, askedAt, revision: first }: { id: number; askedAt: number; revision: number }) =>
    defer((): Observable<number> => {
      let revision = first;
      const renewed$ = defer(() => {
        const now = scheduler.now();
        return from(keeper.renew(id, revision)).pipe(
          map((next) => {
            revision = next;
            return now;
          }),
        );
      }).pipe(
        retry({
          delay: (error) =>
            isLost(error) ? throwError(() => error as unknown) : timer(retryAfter * ttl, scheduler),
        }),
      );
      const kept$ = of(askedAt).pipe(
        expand(() => timer(renewAfter * ttl, scheduler).pipe(switchMap(() => renewed$))),
        // of a renewal that is late the time counts from when it was asked for
        switchMap((since) => timer(Math.max(0, since + giveUpAfter * ttl - scheduler.now()), scheduler)),
        switchMap(() =>
          throwError(() =>
            leaseLost(what ?? idOf(id), `it could not be renewed for ${(giveUpAfter * ttl) / 1_000} s`),
          ),
        ),
      );
      return merge(of(id), kept$.pipe(ignoreElements())).pipe(finalize(() => keeper.release(id, revision)));
    });

  return { lease$: took$.pipe(switchMap((taken) => ('revision' in taken ? hold$(taken) : EMPTY))) };
};

/** The error of a lease that is somebody's no more. @param what is leased, for people */
export const leaseLost = (what: string, why: string): Sv2Error =>
  new Sv2Error('lease-lost', `the lease of ${what} is lost: ${why}`, { what });

/** A server id, for people. */
export const idOf = (serverId: number): string => `server id ${serverId}`;

const serverIdHeld = (serverId: number) => (holder: string) =>
  new Sv2Error(
    'server-id-taken',
    `server id ${serverId} is held by ${holder}: two with one id would give the same work twice`,
    { serverId, holder },
  );

const isLost = (error: unknown): boolean => error instanceof Sv2Error && error.code === 'lease-lost';

function* everyId(): Generator<number> {
  for (let id = 0; id <= last; id++) yield id;
}
