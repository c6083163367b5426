/** Server ids are leased: two pools with one id would do the same work twice, and write one chain of records. */
import { Sv2Error } from '../codec/errors.js';

/**
 * Has a server id for this holder alone, until it lets go or is gone; again it is the same. Where ids are kept decides how it
 * is noticed that a holder is gone.
 * @param serverId 0 to 65,535
 * @throws Sv2Error `server-id-taken` (see {@link serverIdTaken}), `ledger-unavailable`
 */
export type LeaseServerId = (serverId: number) => Promise<void>;

/** How long a lease is waited for, in milliseconds: a holder that was killed is found to be gone within that. */
export const leasePatience = 3_000;

/**
 * Somebody else has a server id.
 * @param where what the ids are for, in words: no password in it
 */
export const serverIdTaken = (serverId: number, where: string, cause?: unknown): Sv2Error =>
  new Sv2Error(
    'server-id-taken',
    `another pool has server id ${serverId} in ${where}: give each one of its own (server_id), or end the other`,
    { serverId },
    cause,
  );
