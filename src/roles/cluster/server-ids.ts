/** Server ids for the fronts of a pool: no two have one at a time, and none comes back while its work could be valid. */
import { from, map, Observable, switchMap } from 'rxjs';
import { bytesToHex } from '../../codec/hex.js';
import { Sv2Error } from '../../codec/errors.js';
import type { LeaseServerId } from '../../ledger/server-lease.js';
import { RETURNING_TIPS } from '../../mining/work/chain-tip.js';

/**
 * Where a front gets its server id from, which tells its miners' work apart from that of all others: the core of one
 * machine, or what all machines share.
 */
export interface ServerIdLeases {
  /**
   * Emits a server id, 0 to 65,535, that is the subscriber's until it unsubscribes. Errors with Sv2Error
   * `server-ids-exhausted` where there is none, and when it is lost to another.
   */
  readonly lease$: Observable<number>;
}

/** Server ids that are leased in one process. */
export interface OwnServerIds extends ServerIdLeases {
  /** The chain has another tip. @param prevHash 32 bytes */
  tip(prevHash: Uint8Array): void;
}

const last = 0xffff;

/**
 * Leases the server ids from one on: the lowest that nobody has, and that nobody had on the last {@link RETURNING_TIPS}
 * tips, so that whoever gets it does no work that was done already.
 * @param first 0 to 65,535
 */
export const serverIds = (first: number): OwnServerIds => {
  const held = new Set<number>();
  /** By id, how many tips there had been when it was given back. */
  const resting = new Map<number, number>();
  let tips = 0;
  let present = '';

  const isFree = (id: number): boolean => {
    const since = resting.get(id);
    return !held.has(id) && (since === undefined || tips - since >= RETURNING_TIPS);
  };

  return {
    lease$: new Observable((subscriber) => {
      let id = first;
      while (id <= last && !isFree(id)) id += 1;
      if (id > last) {
        const problem = `all server ids from ${first} to ${last} are taken, or were on one of the last ${RETURNING_TIPS} tips`;
        subscriber.error(new Sv2Error('server-ids-exhausted', problem, { first }));
        return undefined;
      }
      resting.delete(id);
      held.add(id);
      subscriber.next(id);
      return () => {
        held.delete(id);
        resting.set(id, tips);
      };
    }),
    tip(prevHash) {
      const hash = bytesToHex(prevHash);
      if (hash !== present) tips += 1;
      present = hash;
    },
  };
};

/**
 * Ids that are told of in a ledger, too, before they are used: another pool with that ledger has others.
 * @param lease of the ledger's store; its errors are those of `lease$`
 */
export const leasedInLedger = ({ lease$ }: ServerIdLeases, lease: LeaseServerId): ServerIdLeases => ({
  lease$: lease$.pipe(switchMap((serverId) => from(lease(serverId)).pipe(map(() => serverId)))),
});
