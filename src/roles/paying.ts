/** Connectors to pools that are left when a job does not pay. */
import { map, tap } from 'rxjs';
import { decodeMessage } from '../framing/frame.js';
import { payoutCheck } from '../ledger/payout-check.js';
import type { PayoutDemand } from '../ledger/payout-demand.js';
import type { Connection, Connector, Endpoint } from '../transport/connection.js';

/**
 * A connector whose connections break at the first job whose coinbase does not pay what is demanded, before anybody mines
 * it: whoever dials several pools goes to the next. The error, Sv2Error `payout-missing`, says what the job's outputs are.
 *
 * ```text
 * connect(…)           --c           message$ of it: --o--j--j--
 *   paying(demand)
 *                      --c                           --o--j--#     the second job pays somebody else
 * ```
 * @param connector$ of a pool
 * @param demand as `payoutDemand` reads it of a user identity
 * @example connect: paying(connect('stratum2+tcp://pool.example:3333/…'), payoutDemand('bc1q….rig1'))
 */
export function paying(connector$: Connector, demand: PayoutDemand): Connector {
  const { endpoint } = connector$;
  return Object.assign(
    connector$.pipe(map((connection) => checked(connection, demand))),
    endpoint === undefined ? {} : { endpoint },
    connector$.redirect === undefined
      ? {}
      : { redirect: (to: Endpoint) => paying(connector$.redirect?.(to) ?? connector$, demand) },
  );
}

function checked(connection: Connection, demand: PayoutDemand): Connection {
  const { take } = payoutCheck(demand);
  return {
    ...connection,
    message$: connection.message$.pipe(tap((message) => take(message))),
    frame$: connection.frame$.pipe(tap(({ header, payload }) => take(decodeMessage(header, payload)))),
    get queuedBytes() {
      return connection.queuedBytes;
    },
  };
}
