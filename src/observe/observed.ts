/** Outcomes with what they do not say themselves: when it was, at which role, and at which side of it. */
import { asyncScheduler, map, type Observable, type SchedulerLike } from 'rxjs';
import { Sv2Error } from '../codec/errors.js';
import type { ProxyMiningOutcome } from '../roles/proxy/proxy.js';
import type { JobDeclarationServerOutcome } from '../roles/jd-server/jd-server.js';
import type { PoolMiningOutcome } from '../roles/pool/pool.js';
import type { TemplateProviderOutcome } from '../roles/template-provider/template-provider.js';
import type { HandlerError } from '../service/outcomes.js';
import { outcomeFromJson, outcomeToJson, type OutcomeJson } from './json.js';

/** Where something happened: at a role's server, or at one of its clients. */
export type Side = 'server' | 'client';

/** Own outcomes of servers that name no client. Of extra nodes every role is a client. */
type OfServer = Exclude<
  PoolMiningOutcome | ProxyMiningOutcome | TemplateProviderOutcome | JobDeclarationServerOutcome,
  { readonly clientId: number } | { readonly type: 'HashRateTold' | 'ExtraSubmission' }
>;

const serverTypes: Readonly<Record<OfServer['type'], true>> = {
  NewTip: true,
  LedgerStalled: true,
  LedgerResumed: true,
  LedgerFull: true,
  LedgerConflict: true,
  BlockNotNoted: true,
  BlockNotStated: true,
  PayoutStated: true,
  PayoutBooked: true,
  PayoutReversed: true,
  JobTooLong: true,
  UpstreamConnected: true,
  UpstreamLost: true,
  UpstreamChannelOpened: true,
  UpstreamChannelRefused: true,
  UpstreamChannelClosed: true,
  UpstreamTargetChanged: true,
  UpstreamJobStarted: true,
  ShareForwarded: true,
  UpstreamAccepted: true,
  UpstreamRejected: true,
  UpstreamUnanswered: true,
  UpstreamNonsense: true,
  UpstreamFault: true,
  TemplateSent: true,
  TipChanged: true,
  SourceError: true,
  SourceRecovered: true,
  SourceWarning: true,
  CustomBlockFound: true,
  CustomBlockUnknown: true,
  PushedBlockAccepted: true,
  PushedBlockRejected: true,
  ProposalUnjudged: true,
};

/** The side that an outcome is of. */
export type SideOf<O> = O extends HandlerError
  ? Side
  : O extends
        | { readonly clientId: number }
        | OfServer
        | { readonly type: 'HashRateTold'; readonly upstream: number }
    ? 'server'
    : 'client';

/**
 * Whether an outcome is of a role's server or of one of its clients: `connected` of a miner that came, or of the template
 * provider that was dialled.
 * @returns of an application's own outcomes `client` unless they have a `clientId`; of a handler that failed in its own
 *   time `client` if it was one for templates
 */
export function sideOf<O extends { readonly type: string }>(outcome: O): SideOf<O>;
export function sideOf(outcome: {
  readonly type: string;
  readonly clientId?: unknown;
  readonly upstream?: unknown;
  readonly handler?: unknown;
  readonly event?: { readonly type: string; readonly clientId?: unknown };
}): Side {
  const { type, clientId, upstream, handler, event } = outcome;
  if (type === 'handlerError') {
    if (event === undefined) return handler === 'templateDistribution' ? 'client' : 'server';
    return event.type === 'started' || typeof event.clientId === 'number' ? 'server' : 'client';
  }
  const isServers =
    typeof clientId === 'number' ||
    Object.hasOwn(serverTypes, type) ||
    (type === 'HashRateTold' && upstream !== undefined);
  return isServers ? 'server' : 'client';
}

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
