/** `sv2 pool` on several machines: what its core and its fronts have in common. */
import {
  defer,
  finalize,
  from,
  lastValueFrom,
  map,
  merge,
  of,
  retry,
  switchMap,
  tap,
  throwError,
  timer,
  type NextObserver,
  type Observable,
} from 'rxjs';
import { Sv2Error } from '../codec/errors.js';
import type { PayoutPlan } from '../ledger/payout-plan.js';
import { natsBus, natsServers, type NatsBus, type NatsStatus } from '../node/cluster/nats.js';
import { natsWorkQueue } from '../node/cluster/nats-work-queue.js';
import type { WorkQueue } from '../node/cluster/work-queue.js';
import type { ClusterPlace } from './cluster-settings.js';
import { outcomeToJson } from '../observe/json.js';
import { info, trouble, type LogLine } from './log-line.js';
import { afterThisTurn } from './until-written.js';

/** A part of a cluster that runs while its lines are subscribed to. */
export interface ClusterPart {
  readonly line$: Observable<LogLine>;
  /** Resolves when all that it has to say to others, and to write, is said and written. */
  written(): Promise<void>;
}

/** Runs a part of a cluster at its bus, which is closed when that has ended. Errors with Sv2Error `cluster-unavailable`. */
export function onBus(
  { url, name, identity }: ClusterPlace,
  run: (bus: NatsBus) => ClusterPart,
): Observable<LogLine> {
  const where = natsServers(url).servers.join(', ');
  return defer(() => from(natsBus(url, identity))).pipe(
    switchMap((bus) => {
      const { line$, written } = run(bus);
      const told$ = merge(
        of(info(`cluster ${name}: at NATS ${where}`)),
        bus.status$.pipe(map(statusLine)),
        line$,
      );
      // the process lives until this is done
      const end = (): Promise<unknown> => lastValueFrom(afterThisTurn(written), { defaultValue: undefined });
      return told$.pipe(finalize(() => void end().then(() => bus.close())));
    }),
  );
}

/** What is kept for a core, whichever it is, and whoever is there. */
export interface ClusterQueues {
  readonly shares: WorkQueue;
  readonly blocks: WorkQueue;
}

/** Opens them. @throws Sv2Error `cluster-unavailable` */
export const clusterQueues = async (
  bus: NatsBus,
  cluster: string,
  onError: (error: unknown) => void,
): Promise<ClusterQueues> => ({
  shares: await natsWorkQueue(bus, { cluster, name: 'shares', onError }),
  blocks: await natsWorkQueue(bus, { cluster, name: 'blocks', onError }),
});

/** Rules of payouts as a text, which core and fronts have to have the same. */
export const payoutText = (plan: PayoutPlan | undefined): string =>
  plan === undefined ? '' : JSON.stringify(outcomeToJson({ type: 'payout', plan }));

/** Tells of what goes wrong between the parts of a cluster. */
export const clusterErrors = (tell: (line: LogLine) => void): NextObserver<unknown> => ({
  next(error) {
    tell(trouble(`cluster: ${error instanceof Error ? error.message : String(error)}`, 'cluster'));
  },
});

const statusLine = ({ type, server }: NatsStatus): LogLine =>
  type === 'NatsLost' ? trouble(`no connection to NATS at ${server}`) : info(`NATS is back, at ${server}`);

/** How often a lease is asked for again, in milliseconds. */
const askAgain = 1_000;

/** For how long JetStream is asked again that does not answer from the start, in milliseconds: one that was not set up is to be told soon. */
const silencePatience = 10_000;

/**
 * A lease that is asked for again: for as long as `patience` milliseconds where another has it, for ten seconds where nobody can be
 * asked, and for ever once it was ours and lost. Errors of a lease are Sv2Errors; others pass.
 * @param tell is told why it is waited for, once for each reason
 */
export const persistent =
  (patience: number, tell: (line: LogLine) => void) =>
  <T>(lease$: Observable<T>): Observable<T> =>
    defer(() => {
      const most = Math.ceil(patience / askAgain);
      let attempts = 0;
      let wasOurs = false;
      let told = '';
      return lease$.pipe(
        tap(() => {
          wasOurs = true;
          told = '';
        }),
        retry({
          delay(error: unknown) {
            attempts += 1;
            if (!(error instanceof Sv2Error)) return throwError(() => error);
            const isTaken = error.code === 'core-taken' || error.code === 'server-id-taken';
            const isAway = error.code === 'cluster-unavailable';
            const isWaitedFor = wasOurs
              ? isTaken || isAway || error.code === 'lease-lost'
              : (isTaken && attempts <= most) || (isAway && attempts <= silencePatience / askAgain);
            if (!isWaitedFor) return throwError(() => error);
            if (told !== error.message) tell(trouble(`${error.message}; waiting for it`));
            told = error.message;
            return timer(askAgain);
          },
        }),
      );
    });
