/** Server ids for the fronts of a pool: no two have one at a time, and none does work that was done while that could be valid. */
import { from, map, Observable, switchMap } from 'rxjs';
import { bytesToHex } from '../../codec/hex.js';
import { Sv2Error } from '../../codec/errors.js';
import { defaultCrypto } from '../../crypto/index.js';
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

/** What tells the work of a front apart from that of all others, and of all that had its server id lately. */
export interface ServerLease {
  /** 0 to 65,535. */
  readonly serverId: number;
  /** Which life of that id it is, 0 to 255: see `PoolFrontOptions.life`. */
  readonly life: number;
}

/** Where a pool of several processes gets the server ids of its fronts from. */
export interface ServerLives {
  /** As {@link ServerIdLeases.lease$}. */
  readonly lease$: Observable<ServerLease>;
}

/** Server ids that are leased in one process. */
export interface OwnServerIds extends ServerLives {
  /** The chain has another tip. @param prevHash 32 bytes */
  tip(prevHash: Uint8Array): void;
}

const last = 0xffff;

/** How many lives an id has. */
const lives = 256;

/**
 * Leases the server ids from one on: the lowest that nobody has, each time with another life. One that was ended comes back after the last
 * {@link RETURNING_TIPS} tips, so that whoever gets it does no work that was done already; an id whose lives are used up
 * by then rests until that.
 * @param first 0 to 65,535
 * @param randomBytes says with which life to begin, so that the next process begins with another; Web Crypto unless given
 */
export const serverIds = (first: number, randomBytes = defaultCrypto.randomBytes): OwnServerIds => {
  const held = new Set<number>();
  /** By id, its next life. */
  const next = new Map<number, number>();
  /** By id and life, how many tips there had been when it was ended. */
  const ended = new Map<string, number>();
  const keyOf = ({ serverId, life }: ServerLease): string => `${serverId} ${life}`;
  let tips = 0;
  let present = '';

  const lifeOf = (serverId: number): ServerLease => {
    const life = next.get(serverId) ?? randomBytes(1)[0] ?? 0;
    next.set(serverId, life);
    return { serverId, life };
  };

  const isFree = (lease: ServerLease): boolean => {
    const since = ended.get(keyOf(lease));
    return !held.has(lease.serverId) && (since === undefined || tips - since >= RETURNING_TIPS);
  };

  return {
    lease$: new Observable((subscriber) => {
      let serverId = first;
      while (serverId <= last && !isFree(lifeOf(serverId))) serverId += 1;
      if (serverId > last) {
        const problem = `all server ids from ${first} to ${last} are taken, or were on one of the last ${RETURNING_TIPS} tips`;
        subscriber.error(new Sv2Error('server-ids-exhausted', problem, { first }));
        return undefined;
      }
      const lease = lifeOf(serverId);
      next.set(serverId, (lease.life + 1) % lives);
      held.add(serverId);
      subscriber.next(lease);
      return () => {
        held.delete(serverId);
        ended.set(keyOf(lease), tips);
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
export const leasedInLedger = ({ lease$ }: ServerLives, lease: LeaseServerId): ServerLives => ({
  lease$: lease$.pipe(switchMap((own) => from(lease(own.serverId)).pipe(map(() => own)))),
});
