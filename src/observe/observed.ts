/** Outcomes with what they do not say themselves: when it was, at which role, and at which side of it. */
import { asyncScheduler, map, type Observable, type SchedulerLike } from 'rxjs';
import { Sv2Error } from '../codec/errors.js';
import { sideOf, type Side, type SideOf } from '../roles/sides.js';
import { outcomeFromJson, outcomeToJson, type OutcomeJson } from './json.js';

/** An outcome, and when and where it was. Those of all roles have this one shape. */
export type Observed<O, R extends string = string> = O extends unknown
  ? {
      /** Which role, or which of several: `pool`, `translator 2`. */
      readonly role: R;
      readonly side: SideOf<O>;
      /** Milliseconds since 1970. */
      readonly time: number;
      readonly outcome: O;
    }
  : never;

/** {@link Observed} in JSON. */
export interface ObservedJson<O> {
  readonly role: string;
  readonly side: Side;
  readonly time: number;
  readonly outcome: OutcomeJson<O>;
}

/**
 * Gives outcomes the time, and the role that they are of: those of several roles can be merged.
 *
 * ```text
 * outcome$    --a-----b---|
 *   observed('pool')
 *             --A-----B---|     A = { role: 'pool', side: …, time: …, outcome: a }
 * ```
 * @param role a name
 * @param scheduler the clock; `asyncScheduler` unless given
 */
export const observed =
  <const R extends string>(
    role: R,
    scheduler: SchedulerLike = asyncScheduler,
  ): (<O extends { readonly type: string }>(outcome$: Observable<O>) => Observable<Observed<O, R>>) =>
  <O extends { readonly type: string }>(outcome$: Observable<O>) =>
    outcome$.pipe(
      map(
        (outcome) =>
          ({ role, side: sideOf(outcome), time: scheduler.now(), outcome }) as unknown as Observed<O, R>,
      ),
    );

/** An observed outcome as what `JSON.stringify` takes; see `outcomeToJson`. */
export const observedToJson = <O extends { readonly type: string }>({
  role,
  side,
  time,
  outcome,
}: {
  readonly role: string;
  readonly side: Side;
  readonly time: number;
  readonly outcome: O;
}): ObservedJson<O> => ({ role, side, time, outcome: outcomeToJson(outcome) });

/**
 * The observed outcome of a JSON form.
 * @throws Sv2Error `invalid-outcome-json`
 */
export function observedFromJson<O extends { readonly type: string }>(json: unknown): Observed<O> {
  const { role, side, time, outcome } = (json ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof role !== 'string' || (side !== 'server' && side !== 'client') || typeof time !== 'number')
    throw new Sv2Error('invalid-outcome-json', 'expected an object with role, side, time and outcome', {
      path: '',
    });
  return { role, side, time, outcome: outcomeFromJson<O>(outcome) } as unknown as Observed<O>;
}
