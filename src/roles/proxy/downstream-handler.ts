/** The side of a proxy that miners connect to: the mining proxy's core as an operator. */
import { defer, merge, type SchedulerLike } from 'rxjs';
import { miningSuccessFlags } from '../../messages/setup-flags.js';
import { UnknownMessage } from '../../messages/unknown.js';
import { workerHashrateTracking } from '../../messages/user-identity.js';
import { miningProxy } from '../../mining/aggregation/mining-proxy.js';
import type {
  MiningProxyOptions,
  MiningProxyOutcome,
  MiningProxyOutput,
  UpstreamInfo,
} from '../../mining/aggregation/mining-proxy-types.js';
import type { AccountBook } from '../../mining/shares/accounts.js';
import type { DisconnectReason } from '../../service/errors.js';
import type { ServerInfo } from '../../service/events.js';
import type { MiningServerHandler } from '../../service/handlers.js';
import { handleEach } from '../../service/handle-each.js';
import { ofMessage, ofTrigger } from '../../service/operators.js';
import { disconnect, nonsense, toSibling, type ServerEffect } from '../../service/effects.js';
import type { Endpoint } from '../../transport/connection.js';
import { servedClients } from '../downstream/served-clients.js';
import type { WaitingLimits } from '../downstream/waiting-clients.js';
import {
  LeaveUpstream,
  ToUpstream,
  UpstreamConnected,
  UpstreamDisconnected,
  UpstreamExtensions,
  UpstreamSaid,
} from './triggers.js';

/** A connection to an upstream, as it is told of. */
interface UpstreamState {
  /** Which of the connections that there are side by side, from 0 on. */
  readonly upstream: number;
  /** Which of the proxy's upstreams it is connected to, from 0 on. */
  readonly server: number;
  readonly endpoint: Endpoint | undefined;
  /** When it was set up, in milliseconds of the scheduler's clock. */
  readonly since: number;
}

/** An upstream is in use, or was left. */
export type UpstreamUse =
  | (UpstreamState & { readonly type: 'UpstreamConnected' })
  | (UpstreamState & { readonly type: 'UpstreamLost'; readonly reason: DisconnectReason });

/** What happens at a proxy's core. */
export type ProxyMiningOutcome = MiningProxyOutcome | UpstreamUse;

type Effect = ServerEffect | ProxyMiningOutcome;

/** What {@link proxyMining} is told. */
export interface ProxyMiningOptions extends MiningProxyOptions, WaitingLimits {
  readonly scheduler: SchedulerLike;
  /** Which of the proxy's upstreams a server of a connection's list is, and what the core has to know of it beside what it says itself. */
  readonly serverOf: (
    upstream: number,
    index: number,
  ) => { readonly server: number; readonly info: UpstreamInfo };
  /** New accounts for each time the proxy is started. */
  readonly openAccounts: () => Pick<AccountBook, 'count'>;
  /** Told of the flags that a client is to be answered with from now on. */
  readonly successFlags: (flags: number) => void;
}

/** The name of the sibling that a connection to an upstream is. */
export const laneName = (upstream: number): string => `upstream ${upstream}`;

/** `miningProxy` as an operator. What upstreams say comes as triggers from their clients, what is for them goes back. */
export const proxyMining =
  (options: ProxyMiningOptions): MiningServerHandler<ProxyMiningOutcome> =>
  (event$) =>
    defer(() => {
      const { scheduler } = options;
      const core = miningProxy(options);
      const upstreams = new Map<
        number,
        { readonly serial: number; readonly info: UpstreamInfo; readonly state: UpstreamState }
      >();
      const now = () => scheduler.now();

      /** Everything an output of the core leads to, in order. */
      const effects = (output: MiningProxyOutput): Effect[] => {
        const { toUpstreams, outcomes } = output;
        const all: Effect[] = [];
        for (const { upstream, messages: own } of toUpstreams) {
          const serial = upstreams.get(upstream)?.serial;
          if (serial !== undefined)
            all.push(toSibling(laneName(upstream), ToUpstream(upstream, serial, own)));
        }
        for (const effect of clients.effectsOf(output)) all.push(effect);
        for (const outcome of outcomes) {
          const effect = effectOf(outcome);
          if (effect !== undefined) all.push(effect);
          all.push(outcome);
        }
        return all;
      };

      /** What an outcome makes the proxy do, if anything. */
      const effectOf = (outcome: MiningProxyOutcome): ServerEffect | undefined => {
        switch (outcome.type) {
          case 'ClientUnserved':
            return disconnect(outcome.clientId, outcome.message, outcome.code);
          case 'UpstreamFault': {
            const { upstream, code, message } = outcome;
            const serial = upstreams.get(upstream)?.serial;
            return serial === undefined
              ? undefined
              : toSibling(laneName(upstream), LeaveUpstream(upstream, serial, { code, message }));
          }
          default:
            return undefined;
        }
      };

      const flagsHaveChanged = (): void => {
        const isFixed = [...upstreams.values()].some(({ info }) => info.requiresFixedVersion === true);
        options.successFlags(isFixed ? miningSuccessFlags.requiresFixedVersion : 0);
      };

      function* connected(upstream: number, serial: number, server: ServerInfo) {
        const known = options.serverOf(upstream, server.upstream);
        const state = { upstream, server: known.server, endpoint: server.endpoint, since: now() };
        const info = {
          ...known.info,
          requiresFixedVersion: (server.flags & miningSuccessFlags.requiresFixedVersion) !== 0,
          takesWorkerNames: server.extensions.includes(workerHashrateTracking),
        };
        upstreams.set(upstream, { serial, info, state });
        flagsHaveChanged();
        yield { ...state, type: 'UpstreamConnected' as const };
        yield* effects(core.addUpstream(upstream, info, now()));
      }

      function* disconnected(upstream: number, reason: DisconnectReason) {
        const known = upstreams.get(upstream);
        if (known === undefined) return;
        upstreams.delete(upstream);
        flagsHaveChanged();
        yield { ...known.state, type: 'UpstreamLost' as const, reason };
        yield* effects(core.removeUpstream(upstream, reason.message, now()));
      }

      const clients = servedClients<MiningProxyOutput, ProxyMiningOutcome>({
        ...options,
        core,
        accounts: options.openAccounts(),
        effects,
        upkeepInterval: 250,
        upkeep: (time) => effects(core.tick(time)),
      });

      return merge(
        event$.pipe(
          ofTrigger(UpstreamConnected),
          handleEach('mining', ({ upstream, serial, server }) => connected(upstream, serial, server)),
        ),
        event$.pipe(
          ofTrigger(UpstreamExtensions),
          handleEach('mining', ({ upstream, extensions }) => {
            const known = upstreams.get(upstream);
            if (known === undefined) return;
            const takesWorkerNames = extensions.includes(workerHashrateTracking);
            core.updateUpstream(upstream, { ...known.info, takesWorkerNames });
          }),
        ),
        event$.pipe(
          ofTrigger(UpstreamDisconnected),
          handleEach('mining', ({ upstream, reason }) => disconnected(upstream, reason)),
        ),
        event$.pipe(
          ofTrigger(UpstreamSaid),
          handleEach('mining', ({ upstream, message }) =>
            effects(core.handleUpstream(upstream, message, now())),
          ),
        ),
        clients.handler(event$),
        event$.pipe(
          ofMessage(UnknownMessage),
          // nobody here can tell what it is worth
          handleEach('mining', ({ clientId, message }) => [
            ...effects(core.forward(clientId, message)),
            nonsense(clientId),
          ]),
        ),
      );
    });
