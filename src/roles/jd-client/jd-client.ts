/** A job declaration client: miners on one side, whose work is of one's own templates, and pools with declarators on the other. */
import {
  asyncScheduler,
  concat,
  merge,
  NEVER,
  of,
  Subject,
  tap,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { coinbaseTag } from '../../bitcoin/coinbase.js';
import type { AddressNetwork } from '../../bitcoin/payout-script.js';
import type { RandomBytes } from '../../crypto/index.js';
import { ServiceError } from '../../service/errors.js';
import type { ClientOutcome } from '../../service/outcomes.js';
import type { Connector } from '../../transport/connection.js';
import { given } from '../given.js';
import type { ExtraNode } from '../extra-nodes.js';
import { inProcess } from '../in-process/in-process.js';
import { pool, type PoolOptions, type PoolOutcome } from '../pool/pool.js';
import {
  proxy,
  type Proxy,
  type ProxyOptions,
  type ProxyOutcome,
  type ProxyUpstream,
} from '../proxy/proxy.js';
import { declaredWork, type DeclaredWorkOutcome } from './declared-work.js';

export type { DeclaredWorkOutcome, PairFaulty, PairReady } from './declared-work.js';

/** A pool, and the declarator that works for it. */
export interface DeclarationPair {
  readonly pool: Connector;
  readonly declarator: Connector;
  /** Who tokens and the channel are for. */
  readonly userIdentity: string;
}

/** What a job declaration client is told. */
export interface JobDeclarationClientOptions extends Omit<ProxyOptions, 'upstreams' | 'mode'> {
  /**
   * Pools and their declarators, the preferred one first: the others are for while those before do not work, and one that is
   * preferred is gone back to. None for mining alone.
   */
  readonly pairs: readonly DeclarationPair[];
  /** Where templates come from. Of several, the first is preferred: the others are for while it does not work. */
  readonly templateProvider: Connector | readonly [Connector, ...Connector[]];
  /** Whether the pool's declarator sees the transactions; `full-template` unless given. */
  readonly mode?: 'full-template' | 'coinbase-only';
  /** Script that blocks pay to while no pool works; without one, and with pairs, miners wait for a pool then. */
  readonly soloScript?: Uint8Array;
  /** The networks that `soloScript` is for, as those of a pool; any unless given. */
  readonly networks?: readonly AddressNetwork[];
  /** Text for the coinbase; `rx-sv2` unless given. */
  readonly signature?: string;
  /** Whether pools may say whom blocks pay by draft extension 0x0003: experimental, for its text may change; false unless given. */
  readonly payoutDistributions?: boolean;
  /** Nodes that blocks go to as well, whole, in every mode; none unless given. */
  readonly extraNodes?: readonly ExtraNode[];
  /** Milliseconds that each request to pool, declarator and template provider may take; 20,000 unless given. */
  readonly requestTimeout?: number;
}

/** What happens between us and a pair, or at the solo pool. */
export interface OwnWork {
  readonly type: 'OwnWork';
  /** Which of the pairs, from 0 on; null when mining alone. */
  readonly pair: number | null;
  readonly outcome: ClientOutcome<DeclaredWorkOutcome> | PoolOutcome;
}

/** What happens at a job declaration client: at its proxy, and with its own work. */
export type JobDeclarationClientOutcome = ProxyOutcome | OwnWork;

/** A job declaration client: cold until started. */
export interface JobDeclarationClient extends Pick<Proxy, 'clients' | 'accounts'> {
  /** Runs it while subscribed: see `Proxy.start`. */
  start(): Observable<JobDeclarationClientOutcome>;
}

/**
 * A job declaration client (spec chapter 6): to miners a pool, to a pool one miner who chooses the transactions.
 *
 * It is a `proxy` whose upstreams are {@link declaredWork} of each pair and, last, a pool of its own that pays `soloScript`:
 * they are left and gone back to as proxies' upstreams are, miners stay connected meanwhile. A pair is left when a connection
 * ends, when a request is not answered, when it refuses a job for a reason that does not pass, and when it rejects shares
 * in a row.
 *
 * @throws ServiceError `invalid-configuration`; Sv2Error as `proxy` and `coinbaseTag`
 */
export function jdClient(options: JobDeclarationClientOptions): JobDeclarationClient {
  const { pairs, soloScript, mode = 'full-template', scheduler = asyncScheduler } = options;
  const { signature = 'rx-sv2', requestTimeout, payoutDistributions = false, extraNodes = [] } = options;
  const templateProviders = several(options.templateProvider);
  const own$ = new Subject<OwnWork>();
  const upstreams = pairs.map(({ pool: connect, declarator, userIdentity }, pair): ProxyUpstream => ({
    connect: declaredWork({
      pool: connect,
      declarator,
      templateProviders,
      mode,
      userIdentifier: userIdentity,
      tag: coinbaseTag('', signature),
      payoutDistributions,
      extraNodes,
      ...(requestTimeout === undefined ? {} : { requestTimeout }),
      observer: { next: (outcome) => own$.next({ type: 'OwnWork', pair, outcome }) },
      scheduler,
    }),
    userIdentity,
  }));
  if (soloScript !== undefined) {
    const connect = soloWork(
      { payoutScript: soloScript, ...given(options, 'networks') },
      templateProviders,
      signature,
      scheduler,
      extraNodes,
      options.randomBytes,
      (outcome) => own$.next({ type: 'OwnWork', pair: null, outcome }),
    );
    upstreams.push({ connect, userIdentity: pairs[0]?.userIdentity ?? 'solo' });
  }
  const [first, ...others] = upstreams;
  if (first === undefined)
    throw new ServiceError(
      'invalid-configuration',
      'jdClient: expected a pair, or a script for mining alone',
    );
  const service = proxy({ ...options, mode: 'aggregate', upstreams: [first, ...others], scheduler });
  return {
    start: () => merge(own$, service.start()),
    clients: service.clients,
    accounts: service.accounts,
  };
}

const several = (
  connectors: Connector | readonly [Connector, ...Connector[]],
): readonly [Connector, ...Connector[]] =>
  Array.isArray(connectors)
    ? (connectors as readonly [Connector, ...Connector[]])
    : [connectors as Connector];

/** A pool of our own as an upstream, for while there is no other. */
function soloWork(
  payout: Pick<PoolOptions, 'payoutScript' | 'networks'>,
  templateProvider: readonly [Connector, ...Connector[]],
  poolSignature: string,
  scheduler: SchedulerLike,
  extraNodes: readonly ExtraNode[],
  randomBytes: RandomBytes | undefined,
  tell: (outcome: PoolOutcome) => void,
): Connector {
  return inProcess<PoolOutcome>({
    name: 'mining alone',
    serve: (connection) =>
      pool({
        listen: concat(of(connection), NEVER),
        templateProvider,
        extraNodes,
        ...payout,
        poolSignature,
        extranonceSize: 14,
        // it has one miner, which is as much as all of ours
        maxChannels: 4,
        inactivityLimit: 2_000_000_000,
        scheduler,
        ...(randomBytes === undefined ? {} : { randomBytes }),
      })
        .start()
        .pipe(tap(tell)),
  });
}
