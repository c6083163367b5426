/** The part of a state that knows the servers that a role depends on: template providers, pools. */
import type { Subprotocol } from '../messages/define-message.js';
import type { ClientOutcome } from '../service/outcomes.js';
import type { Endpoint } from '../transport/connection.js';
import type { Note, Part } from './fold.js';

/** How a role fares with the server of a subprotocol. */
export interface UpstreamState {
  readonly protocol: Subprotocol;
  /** `disconnected` until it is dialled again, and for good if it is not. */
  readonly status: 'connecting' | 'connected' | 'disconnected';
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
  /** Which of the servers that it was given, from 0 on. */
  readonly server: number;
  /** `host:port`; empty if it is not known. */
  readonly address: string;
  readonly encrypted: boolean;
  /** How often it was connected. */
  readonly connections: number;
  /** How often it was dialled in vain since then. */
  readonly attempts: number;
  /** How often it went to another of the servers. */
  readonly switches: number;
  /** Why the last connection ended, or could not be made; null before that. */
  readonly lastFailure: { readonly code: string; readonly message: string; readonly at: number } | null;
}

type Outcome<T extends ClientOutcome['type']> = Extract<ClientOutcome, { readonly type: T }>;

/** Those of a client: outcomes of a server have the same types and a `clientId`. */
const ofServer =
  <O extends { readonly protocol: Subprotocol }>(note: Note<O>): Note<O> =>
  (outcome, now) => {
    const { clientId, protocol } = outcome as Partial<O> & { readonly clientId?: unknown };
    if (clientId === undefined && protocol !== undefined) note(outcome, now);
  };

const addressOf = (endpoint: Endpoint | undefined): string =>
  endpoint === undefined
    ? ''
    : endpoint.host.includes(':')
      ? `[${endpoint.host}]:${endpoint.port}`
      : `${endpoint.host}:${endpoint.port}`;

/**
 * The servers that a role depends on, one for each subprotocol.
 * @param protocols those that are dialled as soon as the role is started
 */
export function upstreams(
  startedAt: number,
  ...protocols: readonly Subprotocol[]
): Part<readonly UpstreamState[]> {
  let all: readonly UpstreamState[] = protocols.map((protocol) => nothing(protocol, startedAt));

  const update = (protocol: Subprotocol, change: (before: UpstreamState) => Partial<UpstreamState>): void => {
    const before = all.find((state) => state.protocol === protocol);
    if (before === undefined) {
      const first = nothing(protocol, startedAt);
      all = [...all, { ...first, ...change(first) }];
    } else all = all.map((state) => (state === before ? { ...before, ...change(before) } : state));
  };

  return {
    on: {
      connected: ofServer<Outcome<'connected'>>(({ protocol, server }, now) =>
        update(protocol, ({ connections }) => ({
          status: 'connected',
          since: now,
          server: server.upstream,
          address: server.endpoint === undefined ? server.peer.address : addressOf(server.endpoint),
          encrypted: server.peer.encrypted,
          connections: connections + 1,
          attempts: 0,
        })),
      ),
      disconnected: ofServer<Outcome<'disconnected'>>(({ protocol, reason }, now) =>
        update(protocol, () => ({
          status: 'disconnected',
          since: now,
          lastFailure: { code: reason.code, message: reason.message, at: now },
        })),
      ),
      reconnecting: ofServer<Outcome<'reconnecting'>>(({ protocol, attempt, endpoint }, now) =>
        update(protocol, ({ status, since, address }) => ({
          status: 'connecting',
          since: status === 'connected' ? now : since,
          attempts: attempt,
          address: addressOf(endpoint) || address,
        })),
      ),
      switched: ofServer<Outcome<'switched'>>(({ protocol, upstream, endpoint }) =>
        update(protocol, ({ switches, address }) => ({
          server: upstream,
          switches: switches + 1,
          address: addressOf(endpoint) || address,
        })),
      ),
    },
    state: () => all,
  };
}

const nothing = (protocol: Subprotocol, since: number): UpstreamState => ({
  ...{ protocol, status: 'connecting', since, server: 0, address: '', encrypted: false },
  ...{ connections: 0, attempts: 0, switches: 0, lastFailure: null },
});
