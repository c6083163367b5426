/** `sv2 pool --cluster` with `cluster_role = "core"`: templates, ledger and monitoring for fronts on any machine. */
import {
  asyncScheduler,
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  exhaustMap,
  filter,
  finalize,
  from,
  ignoreElements,
  lastValueFrom,
  map,
  merge,
  mergeMap,
  of,
  share,
  Subject,
  switchMap,
  take,
  tap,
  timer,
  type NextObserver,
  type Observable,
} from 'rxjs';
import { bytesToHex } from '../codec/hex.js';
import type { LedgerStore } from '../ledger/store.js';
import { corePorts, maxFronts } from '../node/cluster/core-ports.js';
import { natsBlockJournal } from '../node/cluster/nats-block-journal.js';
import type { NatsBus } from '../node/cluster/nats.js';
import { coreLeaseTtl, natsCoreLease, natsLeases } from '../node/cluster/nats-leases.js';
import { clientIds, takenOutcomes } from '../node/cluster/outcome-batches.js';
import { blocksFromQueue } from '../node/cluster/streamed-blocks.js';
import { writtenFromQueue } from '../node/cluster/streamed-ledger.js';
import { natsTemplateMemory } from '../node/cluster/template-memory.js';
import { frontCalls$, refusal } from '../roles/cluster/front-call.js';
import type { CoreJournal } from '../roles/cluster/core-journal.js';
import { coreLedger, type CoreLedger, type CoreLedgerOptions } from '../roles/cluster/core-ledger.js';
import { servedLedger } from '../roles/cluster/port-ledger.js';
import type { Port } from '../roles/cluster/port.js';
import { coreSibling } from '../roles/cluster/siblings.js';
import { poolCore, type PoolCoreOptions } from '../roles/pool/pool-core.js';
import type { PoolOutcome } from '../roles/pool/pool.js';
import type { TemplateMemory } from '../roles/pool/template-ids.js';
import type { Sibling } from '../service/siblings.js';
import type { ClusterPlace } from './cluster-settings.js';
import { frontOutcomes } from './front-outcomes.js';
import { info, trouble, type LogLine } from './log-line.js';
import {
  clusterErrors,
  clusterQueues,
  onBus,
  payoutText,
  persistent,
  type ClusterQueues,
} from './pool-cluster.js';
import { poolLedger } from './pool-ledger.js';
import type { PoolTold } from './pool-told.js';

/** What a core is told. */
export interface ClusterCoreOptions {
  readonly place: ClusterPlace;
  /** Where the ledger is: a file or a URL. */
  readonly ledger: string;
  readonly core: Omit<PoolCoreOptions, 'sibling' | 'templateMemory'>;
  /** Whom blocks pay, and by what rules, if by the ledger: fronts have to have the same. */
  readonly payoutScript: Uint8Array;
  readonly payout: Pick<CoreLedgerOptions, 'plan' | 'confirmations'> | undefined;
  readonly told: PoolTold;
}

/** What a front's clients are taken to be when it is not heard of any more. */
const unheard = {
  code: 'front-away',
  message: 'the front that serves it is gone, or has no connection with the core',
};

/** Runs a core, once it is the only one: errors with Sv2Error `core-taken` when there is another for longer than a lease lasts. */
export function clusterCore(options: ClusterCoreOptions): Observable<LogLine> {
  const { place, ledger, told } = options;
  return onBus(place, (bus) => {
    const line$ = new Subject<LogLine>();
    const tell = (line: LogLine): void => line$.next(line);
    const errorObserver = clusterErrors(tell);
    const lease$ = defer(() => from(natsCoreLease(bus, { cluster: place.name, holder: place.holder }))).pipe(
      switchMap((leases) => leases.lease$),
    );
    const run$ = lease$.pipe(
      switchMap(() => from(whatIsKept(bus, place.name, errorObserver.next))),
      switchMap((kept) =>
        poolLedger(ledger, (store) => ({
          line$: merge(
            told.run(servingFronts(bus, options, { ...kept, store, errorObserver, tell }), store),
            told.report$,
          ),
          written: () => Promise.resolve(),
        })),
      ),
      persistent(coreLeaseTtl + 2_000, tell),
    );
    return { line$: merge(line$, run$), written: () => Promise.resolve() };
  });
}

/** What a core finds that was kept for it. */
interface Kept extends ClusterQueues {
  readonly templateMemory: TemplateMemory;
  readonly journal: CoreJournal;
}

const whatIsKept = async (
  bus: NatsBus,
  cluster: string,
  onError: (error: unknown) => void,
): Promise<Kept> => ({
  ...(await clusterQueues(bus, cluster, onError)),
  templateMemory: await natsTemplateMemory(bus, cluster, asyncScheduler.now()),
  journal: await natsBlockJournal(bus, cluster),
});

/** What serving fronts takes, beside a core's options. */
interface Serving extends Kept {
  readonly store: LedgerStore | undefined;
  readonly errorObserver: NextObserver<unknown>;
  readonly tell: (line: LogLine) => void;
}

/** Milliseconds between two looks whether those who found blocks that are not in the ledger are gone. */
const lookAgain = 5_000;

/** Writes the blocks of fronts that are gone for good: their server ids are to be had, and the core has them meanwhile. */
const endedFronts$ = (
  bus: NatsBus,
  { name: cluster, holder }: ClusterPlace,
  ledger: CoreLedger,
): Observable<never> =>
  timer(lookAgain, lookAgain, asyncScheduler).pipe(
    exhaustMap(() =>
      from(ledger.waiting()).pipe(
        concatMap((serverId) =>
          from(natsLeases(bus, { cluster, holder, serverId })).pipe(
            switchMap(({ lease$ }) => lease$),
            switchMap(() => concat(ledger.frontEnded(serverId), of(serverId))),
            take(1),
            catchError(() => EMPTY), // it is somebody's, who writes them
          ),
        ),
      ),
    ),
    ignoreElements(),
  );

/** All that happens at the core and at its fronts. */
function servingFronts(
  bus: NatsBus,
  { place, core, payoutScript, payout }: ClusterCoreOptions,
  { shares, blocks, templateMemory: memory, journal, store, errorObserver, tell }: Serving,
): Observable<PoolOutcome> {
  const { name: cluster } = place;
  const paying$: Observable<CoreLedger | undefined> =
    store === undefined || payout === undefined
      ? of(undefined)
      : defer(() =>
          coreLedger({ ...payout, store, journal, doFrontsLiveOn: true, scheduler: asyncScheduler }),
        );
  return paying$.pipe(switchMap((ledger) => served(ledger)));

  function served(ledger: CoreLedger | undefined): Observable<PoolOutcome> {
    const own = ledger?.store ?? store;
    const ports = corePorts(bus, { cluster, errorObserver });
    const front$ = ports.front$.pipe(share());
    const idsOf = clientIds(maxFronts);
    const passed = frontOutcomes(tell);
    const taken = new Set<number>();

    const served$ = (port: Port): Observable<PoolOutcome> =>
      defer(() => {
        let front = 0;
        while (taken.has(front)) front += 1;
        taken.add(front);
        let name = 'a front';
        return merge(
          frontCalls$(port).pipe(
            tap((call) => {
              name = `front ${call.name} (server id ${call.serverId})`;
              tell(info(`${name} is here`));
              const isPaidAlike =
                bytesToHex(call.payoutScript) === bytesToHex(payoutScript) &&
                call.payout === payoutText(payout?.plan);
              if (isPaidAlike) return;
              const message =
                'coinbase_reward_script, payout, and what goes with them are not those of the core, and have to be';
              tell(trouble(`${name} is refused: ${message}`));
              port.send(refusal(message));
            }),
            ignoreElements(),
          ),
          own === undefined ? EMPTY : servedLedger(port, own, () => false), // commits have a way of their own
          takenOutcomes(port, idsOf(front), unheard).pipe(
            map(passed),
            filter((outcome) => outcome !== undefined),
          ),
        ).pipe(
          catchError((error: unknown) => {
            errorObserver.next(error);
            port.send(refusal(error instanceof Error ? error.message : String(error)));
            return EMPTY;
          }),
          finalize(() => {
            taken.delete(front);
            tell(trouble(`${name} is gone`));
          }),
        );
      });

    const found = blocksFromQueue(blocks, errorObserver.next);
    const sibling = coreSibling(front$, { errorObserver, toAll: ports.toAll });
    const fronts: Sibling = { ...sibling, trigger$: merge(sibling.trigger$, found.trigger$) };
    // blocks of whoever had the id before, and whose shares were not written
    const begins = (serverId: number): Promise<void> =>
      ledger === undefined
        ? Promise.resolve()
        : lastValueFrom(ledger.frontEnded(serverId), { defaultValue: undefined });
    return merge(
      poolCore({
        ...core,
        sibling: ledger?.sibling(fronts) ?? fronts,
        templateMemory: memory,
      })
        .start()
        .pipe(tap((outcome) => found.note(outcome))),
      front$.pipe(mergeMap(served$)),
      own === undefined ? EMPTY : writtenFromQueue({ cluster, bus, queue: shares }, own, begins),
      ledger?.start() ?? EMPTY,
      ledger === undefined ? EMPTY : endedFronts$(bus, place, ledger),
    );
  }
}
