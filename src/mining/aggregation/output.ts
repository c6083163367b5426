/** Collects what an input to a mining proxy leads to, in order. */
import type { Message } from '../../messages/index.js';
import type { MiningServerOutput } from '../mining-server-types.js';
import type { MiningProxyOutcome, MiningProxyOutput } from './mining-proxy-types.js';

/** Collects. See {@link proxyOutput}. */
export interface ProxyOutput {
  /** Messages to clients alone. */
  send(messages: MiningServerOutput['messages']): void;
  toUpstream(upstream: number, ...messages: readonly Message[]): void;
  tell(...outcomes: readonly MiningProxyOutcome[]): void;
  /** All of it. */
  readonly output: MiningProxyOutput;
}

/** An empty collection. */
export const proxyOutput = (): ProxyOutput => {
  const toClients = new Map<number, Message[]>();
  const toUpstreams = new Map<number, Message[]>();
  const outcomes: MiningProxyOutcome[] = [];

  const add = (to: Map<number, Message[]>, id: number, messages: readonly Message[]): void => {
    const own = to.get(id);
    if (own === undefined) to.set(id, [...messages]);
    else for (const message of messages) own.push(message);
  };

  return {
    send(messages) {
      for (const { clientId, messages: own } of messages) add(toClients, clientId, own);
    },
    toUpstream: (upstream, ...messages) => add(toUpstreams, upstream, messages),
    tell(...told) {
      for (const outcome of told) outcomes.push(outcome);
    },
    get output() {
      return {
        messages: [...toClients].map(([clientId, messages]) => ({ clientId, messages })),
        toUpstreams: [...toUpstreams].map(([upstream, messages]) => ({ upstream, messages })),
        outcomes,
      };
    },
  };
};
