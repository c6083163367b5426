/** `sv2 pool --cluster` with `cluster_role = "front"`: miners, for a core on whatever machine. */
import {
  asyncScheduler,
  defer,
  filter,
  finalize,
  from,
  map,
  merge,
  mergeMap,
  of,
  ReplaySubject,
  share,
  Subject,
  switchMap,
  take,
  tap,
  type Observable,
} from 'rxjs';
import type { PayoutPlan } from '../ledger/payout-plan.js';
import { frontPorts } from '../node/cluster/front-ports.js';
import type { NatsBus } from '../node/cluster/nats.js';
import { natsLeases, type NatsServerIds } from '../node/cluster/nats-leases.js';
import { presentClients } from '../node/cluster/present-clients.js';
import { keptBlocks } from '../node/cluster/streamed-blocks.js';
import { streamedLedger } from '../node/cluster/streamed-ledger.js';
import { reachablePlaces } from '../node/cluster/reachable-places.js';
import { coreLink } from '../roles/cluster/core-link.js';
import { FrontDraining, type Place } from '../roles/pool/draining.js';
import { poolFront, type PoolFrontOptions } from '../roles/pool/pool-front.js';
import type { ClusterPlace } from './cluster-settings.js';
import { hostPort } from './config.js';
import { info, type LogLine } from './log-line.js';
import {
  clusterErrors,
  clusterQueues,
  onBus,
  payoutText,
  persistent,
  type ClusterQueues,
} from './pool-cluster.js';
import { onceTheCoreAnswers, sentAway, toEachCore } from './pool-cluster-flows.js';
import type { PoolTold } from './pool-told.js';
import { untilWritten } from './until-written.js';

/** What a front is told. */
export interface ClusterFrontOptions {
  readonly place: ClusterPlace;
  /** Its server id; the lowest that is free unless given. */
  readonly serverId?: number;
  /** Where miners reach it, `HOST:PORT`, for those of fronts that end. */
  readonly address?: string;
  readonly miners: Omit<PoolFrontOptions, 'sibling' | 'ledger' | 'serverId'>;
  /** Is told, when the front ends, where its miners can go; `miners` lets nobody in any more from then on. */
  readonly drain$: Subject<readonly Place[]>;
  /** How blocks are paid by the core's ledger, if they are. */
  readonly payout?: PayoutPlan | undefined;
  readonly durability: 'acknowledged' | 'relaxed';
  readonly told: PoolTold;
}

/** A front that runs while its lines are subscribed to. */
export interface ClusterFront {
  readonly line$: Observable<LogLine>;
  /** Sends its miners to other fronts, and takes no more; emits when they have gone, or after 25 s. */
  finish(): Observable<void>;
}

/** Milliseconds in which a place where miners could go has to answer. */
const reachLimit = 1_000;

/** Milliseconds that what was accepted may take to be written when a front ends. */
const writeLimit = 10_000;

/** What a front has while it runs. */
interface Held extends ClusterQueues {
  readonly ids: NatsServerIds;
}

/** Runs a front: under a server id of its own, and under another when that is lost. */
export function clusterFront(options: ClusterFrontOptions): ClusterFront {
  const { place, told, drain$ } = options;
  const line$ = new Subject<LogLine>();
  const tell = (line: LogLine): void => line$.next(line);
  const drained$ = new ReplaySubject<void>(1);
  let holding: { readonly ids: NatsServerIds; readonly clients: () => number } | undefined;
  let write = (): Promise<unknown> => Promise.resolve();

  const written = async (): Promise<void> => {
    await Promise.race([write(), new Promise((resolve) => setTimeout(resolve, writeLimit).unref())]);
  };

  const life$ = (bus: NatsBus, { ids, shares, blocks }: Held, serverId: number): Observable<LogLine> =>
    defer(() => {
      const { miners, durability, payout } = options;
      const errorObserver = clusterErrors(tell);
      const kept = keptBlocks(blocks, serverId, errorObserver.next);
      const link = coreLink(frontPorts(bus, { cluster: place.name, errorObserver }), {
        errorObserver,
        keeps: kept.keeps,
      });
      const store = streamedLedger({ cluster: place.name, bus, queue: shares }, link.store);
      const port$ = link.port$.pipe(untilWritten(written), share({ connector: () => new ReplaySubject(1) }));
      const present = presentClients();
      const front = poolFront({
        ...miners,
        serverId,
        sibling: {
          trigger$: merge(link.sibling.trigger$, drain$.pipe(map((places) => FrontDraining(places)))),
          next: link.sibling.next,
        },
        ledger: { store, durability },
        ...(payout === undefined ? {} : { corePayout: payout }),
      });
      write = () => Promise.all([front.written(), kept.written()]);
      holding = { ids, clients: () => front.clients().size };
      const outcome$ = port$.pipe(
        filter((port) => port !== undefined),
        take(1),
        mergeMap(() => front.start().pipe(onceTheCoreAnswers)),
        tap({
          next: (outcome) => present.note(outcome),
          complete: () => drained$.next(),
        }),
        share(),
      );
      const toCore$ = toEachCore(port$, {
        call: {
          ...{ name: place.holder, serverId, payoutScript: miners.payoutScript },
          payout: payoutText(payout),
        },
        ...{ present, outcome$, tell },
      });
      return merge(
        of(info(`front with server id ${serverId}`)),
        kept.sending$.pipe(untilWritten(written)),
        toCore$,
        told.run(outcome$),
      ).pipe(
        finalize(() => {
          holding = undefined;
        }),
      );
    });

  const run = (bus: NatsBus): Observable<LogLine> =>
    defer(() => {
      const { serverId, address } = options;
      const held = async (): Promise<Held> => ({
        ids: await natsLeases(bus, {
          ...{ cluster: place.name, holder: place.holder },
          ...(serverId === undefined ? {} : { serverId }),
          ...(address === undefined ? {} : { address }),
        }),
        ...(await clusterQueues(bus, place.name, clusterErrors(tell).next)),
      });
      return from(held());
    }).pipe(
      switchMap((held) => held.ids.lease$.pipe(map((serverId) => ({ held, serverId })))),
      untilWritten(written),
      switchMap(({ held, serverId }) => life$(bus, held, serverId)),
      persistent(0, tell), // what works under an id that is lost has ended by then
    );

  /** Where miners can go: what others say of themselves, read with care. */
  const placesOf = async ({ ids }: NonNullable<typeof holding>): Promise<readonly Place[]> => {
    await ids.withdraw();
    const others = await ids.others();
    return others.flatMap((address): Place[] => {
      const read = hostPort().safeParse(address);
      return read.success ? [read.data] : [];
    });
  };

  /** Those of them that are there. */
  const places$ = (held: NonNullable<typeof holding>): Observable<readonly Place[]> =>
    from(placesOf(held)).pipe(switchMap((places) => reachablePlaces(places, reachLimit, asyncScheduler)));

  return {
    line$: merge(
      line$,
      onBus(place, (bus) => ({ line$: merge(run(bus), told.report$), written })),
    ),
    finish: () =>
      defer(() => {
        if (holding === undefined) return of(undefined);
        const held = holding;
        return sentAway({
          ...{ clients: held.clients, drained$, tell, places$: () => places$(held) },
          drain: (places) => drain$.next(places),
        });
      }),
  };
}
