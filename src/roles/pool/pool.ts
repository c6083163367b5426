import { merge, type Observable } from 'rxjs';
import type { AddressNetwork } from '../../bitcoin/payout-script.js';
import type { PayoutPlan } from '../../ledger/payout-plan.js';
import { ServiceError } from '../../service/errors.js';
import { siblings } from '../../service/siblings.js';
import { given } from '../given.js';
import { payEverythingTo } from './payout.js';
import { roomOf } from './payout-room.js';
import { poolCore, type PoolCoreOptions, type PoolCoreOutcome } from './pool-core.js';
import { poolFront, type PoolFront, type PoolFrontOptions, type PoolFrontOutcome } from './pool-front.js';
import type { TemplateClientOutcome } from './template-client-outcomes.js';

export type { JobTooLong, NewTip, PoolMiningOutcome, WhenTemplateOld } from './mining-handler.js';
export type { TemplateClientOutcome };
export type * from './held-solutions.js';
export type { PayoutBooked, PayoutOutcome, PayoutReversed, PayoutStated } from './ledger-payout.js';
export type { PoolLedgerOptions } from './pool-ledger.js';
export type {
  BlockNotNoted,
  BlockNotStated,
  LedgerConflict,
  LedgerFull,
  LedgerOutcome,
  LedgerResumed,
  LedgerStalled,
} from './ledger-outcomes.js';
export type {
  ChainRefused,
  ClockDiffers,
  ProviderFault,
  TargetDiffers,
  TemplateOld,
  TemplateReceived,
  TemplateRenewed,
} from './template-client-outcomes.js';

/** What a pool is told. */
export interface PoolOptions
  extends Omit<PoolFrontOptions, 'sibling' | 'corePayout'>, Omit<PoolCoreOptions, 'sibling' | 'payoutRoom'> {}

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
 * What is paid by a ledger is paid on `ledger.payout.networks`, which `networks` need not say again.
 * @throws Sv2Error `out-of-range` with the `option`, `invalid-coinbase-tag` (a pool signature that is too long);
 * ServiceError `invalid-configuration` (users that are paid on networks that nobody said, among others)
 */
export function pool(options: PoolOptions): Pool {
  const { ledger, networks } = options;
  const payout = ledger?.payout === undefined ? undefined : paidOn(ledger.payout, networks);
  const [serverSide, clientSide] = siblings();
  const front = poolFront({
    ...options,
    ...(ledger === undefined || payout === undefined ? {} : { ledger: { ...ledger, payout } }),
    sibling: serverSide,
  });
  const core = poolCore({
    ...options,
    ...given({ networks: payout?.networks ?? networks }, 'networks'),
    sibling: clientSide,
    payoutRoom: payoutRoom(options),
  });
  return { ...front, start: () => merge(front.start(), core.start()) };
}

/** A plan and its networks. @throws ServiceError for one that is of any: a user's address must not be paid on another chain */
function paidOn(plan: PayoutPlan, networks: readonly AddressNetwork[] | undefined): PayoutPlan {
  const own = plan.networks ?? networks;
  if (own !== undefined) return { ...plan, networks: own };
  throw new ServiceError(
    'invalid-configuration',
    'pool: expected networks, of which the addresses are that the ledger pays',
  );
}

/** The room that templates must leave for what a pool's blocks pay. */
export const payoutRoom = ({ payoutScript, ledger }: Pick<PoolFrontOptions, 'payoutScript' | 'ledger'>) =>
  ledger?.payout === undefined ? payEverythingTo(payoutScript).room : roomOf(ledger.payout);
