/** What a cluster's processes say of a JetStream that does not do what it is asked for. */
import { Sv2Error } from '../../codec/errors.js';

/**
 * The error for it: whoever starts waits for a while where it is told, whoever runs for ever.
 * @param what could not be done
 * @param error of NATS's client
 * @param advice what may have to be mended
 */
export function unavailable(what: string, error: unknown, advice = ''): Sv2Error {
  const why = error instanceof Error ? error.message : String(error);
  return new Sv2Error('cluster-unavailable', `${what}: ${why}${advice}`, { what }, error);
}
