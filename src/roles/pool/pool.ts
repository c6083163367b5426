import { merge, type Observable } from 'rxjs';
import { siblings } from '../../service/siblings.js';
import { payEverythingTo } from './payout.js';
import { roomOf } from './payout-room.js';
import { poolCore, type PoolCoreOptions, type PoolCoreOutcome } from './pool-core.js';
import { poolFront, type PoolFront, type PoolFrontOptions, type PoolFrontOutcome } from './pool-front.js';
import type { TemplateClientOutcome } from './template-client.js';

export type { JobTooLong, NewTip, PoolMiningOutcome, WhenTemplateOld } from './mining-handler.js';
export type { TemplateClientOutcome };
export type * from './held-solutions.js';
export type { PayoutBooked, PayoutOutcome, PayoutReversed, PayoutStated } from './ledger-payout.js';
export type { PoolLedgerOptions } from './pool-ledger.js';
export type {
  BlockNotNoted,
  LedgerConflict,
  LedgerFull,
  LedgerOutcome,
  LedgerResumed,
  LedgerStalled,
} from './ledger-outcomes.js';
export type {
  ChainDiffers,
  ClockDiffers,
  ProviderFault,
  TargetDiffers,
  TemplateOld,
  TemplateReceived,
  TemplateRenewed,
} from './template-client.js';

/** What a pool is told. */
export interface PoolOptions
  extends Omit<PoolFrontOptions, 'sibling'>, Omit<PoolCoreOptions, 'sibling' | 'payoutRoom'> {}

/** What happens at a pool: the outcomes of its server, which name a `clientId`, and of its template client. */
export type PoolOutcome = PoolFrontOutcome | PoolCoreOutcome;

/** A pool: cold until started. */
export interface Pool extends Omit<PoolFront, 'start'> {
  /** Runs the pool while subscribed: see `Server.start` and `Client.start`. */
  start(): Observable<PoolOutcome>;
}

/**
 * A pool: a mining server and a template distribution client as siblings. Miners that come before the first
 * template wait for it; without the template provider they keep the last one until it is back.
 * Clients that require work selection are taken if there is `acceptCustomJob` (see `jdServer`): they get no jobs from here, and
 * have theirs accepted by it. Without it they are refused.
 * @throws Sv2Error `out-of-range` with the `option`, `invalid-coinbase-tag` (a pool signature that is too long);
 * ServiceError `invalid-configuration`
 */
export function pool(options: PoolOptions): Pool {
  const [serverSide, clientSide] = siblings();
  const front = poolFront({ ...options, sibling: serverSide });
  const core = poolCore({ ...options, sibling: clientSide, payoutRoom: payoutRoom(options) });
  return { ...front, start: () => merge(front.start(), core.start()) };
}

/** The room that templates must leave for what a pool's blocks pay. */
export const payoutRoom = ({ payoutScript, ledger }: Pick<PoolFrontOptions, 'payoutScript' | 'ledger'>) =>
  ledger?.payout === undefined ? payEverythingTo(payoutScript).room : roomOf(ledger.payout);
