/** What a cluster's processes say of a JetStream that does not do what it is asked for. */
import { Sv2Error } from '../../codec/errors.js';

/** JetStream's error for a stream that has nowhere to be: fewer servers are there than it is to be on. */
const noPeers = 10005;

/**
 * The error for it: whoever starts waits for a while where it is told, whoever runs for ever.
 * @param what could not be done
 * @param error of NATS's client
 * @param advice what may have to be mended
 */
export function unavailable(what: string, error: unknown, advice = ''): Sv2Error {
  const why = error instanceof Error ? error.message : String(error);
  const code = (error as { readonly code?: unknown } | null)?.code;
  const hint =
    code === noPeers
      ? ' (of a NATS cluster three servers with JetStream have to be there at the first start)'
      : advice;
  return new Sv2Error('cluster-unavailable', `${what}: ${why}${hint}`, { what }, error);
}
