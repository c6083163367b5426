/** At which side of a role an outcome is: roles have a server, clients, or both. */
import type { HandlerError } from '../service/outcomes.js';
import type { JobDeclarationServerOutcome } from './jd-server/jd-server.js';
import type { PoolMiningOutcome } from './pool/pool.js';
import type { ProxyMiningOutcome } from './proxy/proxy.js';
import type { TemplateProviderOutcome } from './template-provider/template-provider.js';

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

/** Those outcomes of a union that are of a side. */
export type OfSide<S extends Side, O> = O extends unknown ? (S extends SideOf<O> ? O : never) : never;

/**
 * Whether an outcome is of a side, as {@link sideOf} has it; its type is one of those that are.
 * @example if (isOfSide('client', outcome) && outcome.type === 'connected') log(outcome.server.peer.address);
 */
export const isOfSide = <S extends Side, O extends { readonly type: string }>(
  side: S,
  outcome: O,
): outcome is OfSide<S, O> => (sideOf(outcome) as Side) === side;
