/** The half of a pool that miners connect to: sockets, channels and validation, as many in a pool as it has fronts. */
import { asyncScheduler, defer, from, merge, switchMap, type Observable, type SchedulerLike } from 'rxjs';
import {
  coinbaseScriptSigPrefix,
  coinbaseTag,
  MAX_COINBASE_SCRIPT_SIG_SIZE,
} from '../../bitcoin/coinbase.js';
import { Sv2Error } from '../../codec/errors.js';
import { defaultCrypto, type RandomBytes } from '../../crypto/index.js';
import { payoutDistribution } from '../../declaration/payout-messages.js';
import { extranonceAllocator } from '../../mining/channels/extranonce.js';
import { accountBook, type AccountTotals } from '../../mining/shares/accounts.js';
import type { ChannelLimits } from '../../mining/channels/channel-limits.js';
import type { MiningServerOptions } from '../../mining/mining-server-types.js';
import { JOB_MARK_SIZE } from '../../mining/work/job-mark.js';
import { miningSetupFlags } from '../../messages/setup-flags.js';
import { workerHashrateTracking } from '../../messages/user-identity.js';
import type { MiningServerHandler } from '../../service/handlers.js';
import type { ServerOutcome } from '../../service/outcomes.js';
import { createServer, type Server } from '../../service/server.js';
import type { NonsenseLimits } from '../../service/sessions/nonsense.js';
import type { Sibling } from '../../service/siblings.js';
import type { Connection } from '../../transport/connection.js';
import {
  poolMining,
  type CustomBlockOptions,
  type PoolMiningOptions,
  type PoolMiningOutcome,
  type WhenTemplateOld,
} from './mining-handler.js';
import { given } from '../given.js';
import type { PayoutPlan } from '../../ledger/payout-plan.js';
import { sendsAway } from './draining.js';
import { frontPayout } from './front-payout.js';
import { payEverythingTo } from './payout.js';
import { openBooks, type OpenedBooks, type PoolLedgerOptions } from './pool-ledger.js';
import { shareLedger, type ShareLedger } from './share-ledger.js';
import { maxCoinbasePrefix } from './provider-checks.js';
import type { WaitingLimits } from '../downstream/waiting-clients.js';

/** What the half of a pool that miners connect to is told. */
export interface PoolFrontOptions
  extends
    Partial<Pick<MiningServerOptions, 'isKnownUser' | 'acceptCustomJob'>>,
    CustomBlockOptions,
    ChannelLimits,
    WaitingLimits,
    NonsenseLimits {
  /** Where miners come from. */
  readonly listen: Observable<Connection>;
  /** The half that templates come from, and that blocks go to: `siblings()` in one process, `frontSibling(port)` beyond. */
  readonly sibling: Sibling;
  /**
   * What to do with miners without a new template for too long, until there is one: go on (`mine`, unless given), reject their shares as stale
   * (`refuse-shares`), or disconnect them so that they go to another pool (`let-go`).
   */
  readonly whenTemplateOld?: WhenTemplateOld;
  /** Script that the whole value of a block is paid to. */
  readonly payoutScript: Uint8Array;
  /** Text for the coinbase, at most 64 bytes; `rx-sv2` unless given. */
  readonly poolSignature?: string;
  /** 0 to 65,535; tells the servers of one pool apart so that their miners never do the same work. */
  readonly serverId?: number;
  /**
   * 0 to 255; tells those apart that have a server id after each other, so that none needs to rest while the work of the one
   * before it may be valid. Beside it a front has room for 16,777,216 channels at a time, without for all of 32 bits.
   */
  readonly life?: number;
  /**
   * Bytes of extranonce that an extended channel may roll, and the most that `min_extranonce_size` can ask for, 1 to
   * 26; 14 unless given. For a signature of more than 47 bytes there is room for less, down to 9. Some devices can do
   * with 8 and less only.
   */
  readonly extranonceSize?: number;
  /** How many shares a channel should find a minute, above 0; 6 unless given. */
  readonly sharesPerMinute?: number;
  /** Accepted shares per SubmitShares.Success, 1 or more; 10 unless given. Every 5 s the rest is acknowledged. */
  readonly shareBatchSize?: number;
  /** Where shares are kept; without, they are counted in memory alone. */
  readonly ledger?: PoolLedgerOptions;
  /**
   * How the core pays blocks by its ledger (see `corePayout`), for a front whose `ledger` is `portLedger`: that has no `payout`
   * of its own then. User identities are those of `parseIdentity`.
   */
  readonly corePayout?: PayoutPlan;
  /** Milliseconds of silence after which a miner is disconnected; an hour unless given. */
  readonly inactivityLimit?: number;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
  /** Makes its coinbases others than those of every other run; Web Crypto unless given, as simulations do. */
  readonly randomBytes?: RandomBytes;
}

/** What happens at a pool's front. */
export type PoolFrontOutcome = ServerOutcome<PoolMiningOutcome>;

/** The half of a pool that miners connect to: cold until started. */
export interface PoolFront {
  /** Runs it while subscribed: see `Server.start`. With a ledger it listens once that is read. */
  start(): Observable<PoolFrontOutcome>;
  /** The miners that are connected. */
  readonly clients: Server['clients'];
  /** Resolves when what was accepted until now is in the ledger, or has failed to be written; at once without a ledger. */
  written(): Promise<void>;
  /** What users and their workers delivered since it was started. */
  accounts(): AccountTotals;
}

/** Hashes per second that lower nominal hash rates are taken for, and that no target is made for less than. */
const minHashrate = 1_000;

/** Bytes of an extranonce prefix that tell a server's channels apart, or its lives and their channels. */
const indexSize = 4;

/** Bytes of an extranonce prefix: server id and index. */
const prefixSize = 2 + indexSize;

/** Most bytes that channels can roll: an extranonce is 32 at most (spec §5.3.3), and beside its tag a coinbase has room for so many. */
const mostRollable = (tag: Uint8Array): number =>
  Math.min(
    32 - prefixSize,
    MAX_COINBASE_SCRIPT_SIG_SIZE - maxCoinbasePrefix - 1 - tag.length - JOB_MARK_SIZE - 1 - prefixSize,
  );

/**
 * The half of a pool that miners connect to. Miners that come before the first template wait for it.
 * @throws as `pool`
 */
export function poolFront(options: PoolFrontOptions): PoolFront {
  const { poolSignature = 'rx-sv2', serverId = 0, life, scheduler = asyncScheduler } = options;
  const { sharesPerMinute = 6, shareBatchSize = 10, ledger } = options;
  const { randomBytes = defaultCrypto.randomBytes } = options;
  const wholePayout = payEverythingTo(options.payoutScript);
  const byCore = options.corePayout === undefined ? undefined : frontPayout(options.corePayout);
  let accounts = accountBook();
  let opened: OpenedBooks | undefined;
  let shares: ShareLedger | undefined;
  const tag = coinbaseTag(poolSignature);
  const { extranonceSize = Math.min(14, mostRollable(tag)) } = options;
  const extranonce = {
    ...(life === undefined ? { indexSize } : { life, indexSize: indexSize - 1 }),
    ...{ serverId, size: prefixSize + extranonceSize, randomBytes },
  };
  requireRange(
    'sharesPerMinute',
    sharesPerMinute,
    sharesPerMinute > 0 && sharesPerMinute < Infinity,
    'above 0',
  );
  requireRange(
    'shareBatchSize',
    shareBatchSize,
    isU32(shareBatchSize) && shareBatchSize > 0,
    '1 to 4294967295',
  );
  requireRange(
    'extranonceSize',
    extranonceSize,
    isU32(extranonceSize) && extranonceSize > 0 && extranonceSize <= mostRollable(tag),
    `1 to ${mostRollable(tag)} beside this poolSignature`,
  );
  // complains now, not when the first template comes
  coinbaseScriptSigPrefix(new Uint8Array(maxCoinbasePrefix), {
    tag,
    mark: new Uint8Array(JOB_MARK_SIZE),
    fullExtranonceSize: extranonceAllocator(extranonce).size,
  });

  const server = createServer({
    listen: options.listen,
    mining: {
      handler: servingUntilDrained({
        extranonce,
        randomBytes,
        payout: () => (opened?.payout ?? byCore)?.payout ?? wholePayout,
        ledgerPayout: () => opened?.payout ?? byCore,
        whenTemplateOld: options.whenTemplateOld ?? 'mine',
        tag,
        sharesPerMinute,
        shareBatchSize,
        minHashrate,
        scheduler,
        openAccounts: () => (accounts = accountBook()),
        openLedger: () =>
          (shares =
            ledger === undefined || opened === undefined
              ? undefined
              : shareLedger({ ...ledger, ...opened, serverId, scheduler })),
        ...(ledger === undefined
          ? {}
          : { alreadySeen: { has: (hash) => opened?.alreadySeen.has(hash) === true } }),
        ...given(options, 'isKnownUser', 'acceptCustomJob', 'customBlockObserver'),
        ...(ledger?.declaredPayouts === undefined ? {} : { declaredPayouts: ledger.declaredPayouts }),
        ...given(options, 'maxChannels', 'maxChannelsPerAddress', 'maxChannelsPerClient'),
        ...given(options, 'firstChannelTimeout', 'maxWithoutChannel'),
      }),
      supportedFlags:
        miningSetupFlags.requiresStandardJobs |
        miningSetupFlags.requiresVersionRolling |
        (options.acceptCustomJob === undefined ? 0 : miningSetupFlags.requiresWorkSelection),
    },
    sibling: options.sibling,
    extensions: {
      supported:
        options.acceptCustomJob === undefined
          ? [workerHashrateTracking]
          : [workerHashrateTracking, payoutDistribution],
    },
    ...given(options, 'inactivityLimit', 'nonsenseBurst', 'nonsensePerSecond'),
    scheduler,
  });
  return {
    start: () =>
      ledger === undefined
        ? server.start()
        : defer(() => from(openBooks(ledger, serverId, () => scheduler.now()))).pipe(
            switchMap((books) => {
              opened = books;
              return server.start();
            }),
          ),
    written: () => shares?.written() ?? Promise.resolve(),
    clients: server.clients,
    accounts: () => accounts.totals(),
  };
}

/** Serves miners, and sends them away when the front drains. */
const servingUntilDrained = (options: PoolMiningOptions): MiningServerHandler<PoolMiningOutcome> => {
  const [servingHandler, drainingHandler] = [poolMining(options), sendsAway(options.scheduler)];
  return (event$) => merge(servingHandler(event$), drainingHandler(event$));
};

const isU32 = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;

function requireRange(option: string, value: number, isInRange: boolean, expected: string): void {
  if (isInRange) return;
  throw new Sv2Error('out-of-range', `${option} must be ${expected}, got ${value}`, { option, value });
}
