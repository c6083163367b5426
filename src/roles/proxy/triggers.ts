/** What the two sides of a proxy hand each other. */
import type { MiningToClient } from '../../messages/directions.js';
import type { Message } from '../../messages/registry.js';
import { defineTrigger } from '../../service/define-trigger.js';
import type { DisconnectReason } from '../../service/errors.js';
import type { ServerInfo } from '../../service/events.js';

/**
 * A connection to an upstream is set up; from its client to the server. Each has another serial number, so that what is
 * meant for one does not get to the next.
 */
export const UpstreamConnected = defineTrigger(
  'UpstreamConnected',
  (upstream: number, serial: number, server: ServerInfo) => ({ upstream, serial, server }),
);

/** The extensions of a connection have changed; from a client to the server. */
export const UpstreamExtensions = defineTrigger(
  'UpstreamExtensions',
  (upstream: number, extensions: readonly number[]) => ({ upstream, extensions }),
);

/** A connection to an upstream is gone; from its client to the server. */
export const UpstreamDisconnected = defineTrigger(
  'UpstreamDisconnected',
  (upstream: number, reason: DisconnectReason) => ({ upstream, reason }),
);

/** An upstream has sent a message; from its client to the server. */
export const UpstreamSaid = defineTrigger('UpstreamSaid', (upstream: number, message: MiningToClient) => ({
  upstream,
  message,
}));

/** Messages for an upstream; from the server to its client. */
export const ToUpstream = defineTrigger(
  'ToUpstream',
  (upstream: number, serial: number, messages: readonly Message[]) => ({ upstream, serial, messages }),
);

/** An upstream is of no use; from the server to its client. */
export const LeaveUpstream = defineTrigger(
  'LeaveUpstream',
  (upstream: number, serial: number, reason: Pick<DisconnectReason, 'code' | 'message'>) => ({
    upstream,
    serial,
    reason,
  }),
);
