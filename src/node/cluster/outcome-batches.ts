/** What happens at a front, told to its core: in batches, in their order, and never more than the core takes. */
import { asyncScheduler, filter, mergeMap, Observable, Subscription, tap, type SchedulerLike } from 'rxjs';
import { outcomeFromJson, outcomeToJson } from '../../observe/json.js';
import { fieldsOf, invalid, type Fields } from '../../roles/cluster/plain-fields.js';
import type { Port, PortMessage } from '../../roles/cluster/port.js';
import type { ShareAccepted } from '../../mining/mining-server-outcomes.js';
import { isPackable, packShares, unpackShares } from './packed-shares.js';

interface Outcome {
  readonly type: string;
}

/** Outcomes in one message, and those that wait for it; of more the newest are left out and counted. */
const batchSize = 2_000;
const maxWaiting = 100_000;

/**
 * Milliseconds for which outcomes are gathered: a message takes both sides as long as dozens of outcomes in it, and where each share was one
 * of its own, a core had 18 µs of work with it, of 26 that a share takes in one process.
 */
const gathering = 20;

/** Characters of one message. */
const maxText = 256_000_000;

const isOf = (value: unknown, type: string): boolean =>
  (value as { readonly type?: unknown } | null | undefined)?.type === type;

/** Messages that monitoring looks into. All others, which are two for each share, do not cross. */
const shown: readonly string[] = [
  'OpenStandardMiningChannel.Success',
  'OpenExtendedMiningChannel.Success',
  'SetExtranoncePrefix',
  'SubmitShares.Success',
];

const crosses = (outcome: Outcome): boolean =>
  (outcome.type !== 'sent' && outcome.type !== 'received') ||
  shown.includes((outcome as Outcome & { readonly message: Outcome }).message.type);

/** Outcomes in their order: as JSON, but for accepted shares, which have a null there. */
const batchOf = (outcomes: readonly Outcome[]) => {
  const shares: ShareAccepted[] = [];
  const others = outcomes.map((outcome) => {
    if (!isPackable(outcome)) return outcomeToJson(outcome);
    shares.push(outcome);
    return null;
  });
  return { text: JSON.stringify(others), shares: packShares(shares) };
};

/** What {@link batchOf} was made of. @throws Sv2Error `invalid-cluster-message`, `invalid-outcome-json` */
const outcomesIn = (fields: Fields): Outcome[] => {
  const shares = unpackShares(fields.value('shares')).values();
  const all = JSON.parse(fields.text('text', maxText)) as unknown[];
  const outcomes = all.map((json): Outcome => {
    if (json !== null) return outcomeFromJson(json);
    const share = shares.next();
    if (share.done === true) throw invalid('outcomes: shares', 'one for each null', all);
    return share.value;
  });
  return outcomes;
};

/**
 * A front's side: tells the core of outcomes while subscribed, what came in 20 ms at a time, once what was told before was taken; completes
 * when `outcome$` has and all is told, and errors with it.
 */
export function toldOutcomes(
  outcome$: Observable<Outcome>,
  port: Port,
  scheduler: SchedulerLike = asyncScheduler,
): Observable<never> {
  return new Observable((subscriber) => {
    let waiting: Outcome[] = [];
    let lost = 0;
    let isUnderWay = false;
    let isGathering = false;
    let gathered = Subscription.EMPTY;
    let isComplete = false;

    const tell = (): void => {
      if (isUnderWay) return;
      if (waiting.length === 0) {
        if (isComplete) subscriber.complete();
        return;
      }
      const batch = batchOf(waiting.slice(0, batchSize));
      waiting = waiting.slice(batchSize);
      isUnderWay = true;
      port.send({ type: 'outcomes', ...batch, lost } as PortMessage);
      lost = 0;
    };

    const gather = (): void => {
      if (isGathering || isUnderWay) return;
      isGathering = true;
      gathered = scheduler.schedule(() => {
        isGathering = false;
        tell();
      }, gathering);
    };
    subscriber.add(() => gathered.unsubscribe());

    const taken$ = port.message$.pipe(
      filter((value) => isOf(value, 'outcomes-taken')),
      tap(() => {
        isUnderWay = false;
        if (isComplete || waiting.length >= batchSize) tell();
        else if (waiting.length > 0) gather();
      }),
    );
    subscriber.add(taken$.subscribe());
    subscriber.add(
      outcome$.subscribe({
        next(outcome) {
          if (!crosses(outcome)) return;
          if (waiting.length >= maxWaiting) {
            lost += 1;
            return;
          }
          waiting.push(outcome);
          gather();
        },
        error: (error: unknown) => subscriber.error(error),
        complete() {
          isComplete = true;
          tell();
        },
      }),
    );
  });
}

/** Outcomes of a front could not be told, as there were too many: what is counted of it lacks them. */
export interface OutcomesLost {
  readonly type: 'OutcomesLost';
  readonly count: number;
}

/** Ids of clients that no two fronts have: each front numbers its own from 1 on. */
export interface ClientIds {
  /** @param front which place in the pool it has, from 0 on */
  (front: number): (clientId: number) => number;
}

/**
 * Makes one id of a front's place and its client's: `(clientId - 1) * places + place + 1`, beyond all that the fronts before
 * it in that place have had.
 * @param places how many there are
 */
export const clientIds = (places: number): ClientIds => {
  const highest = new Map<number, number>();
  return (place) => {
    const before = highest.get(place) ?? 0;
    return (clientId) => {
      highest.set(place, Math.max(highest.get(place) ?? 0, before + clientId));
      return (before + clientId - 1) * places + place + 1;
    };
  };
};

/** A client's end that its front can tell nobody of. */
const ended = { code: 'front-ended', message: 'the process that served it has ended' };

/**
 * The core's side: a front's outcomes, with ids of clients that are unique in the pool. When the front is gone, its clients
 * are disconnected.
 * @param idOf what a client's id becomes
 * @param cutOff why clients of a front that is gone are disconnected; its process has ended unless given
 */
export function takenOutcomes(
  port: Port,
  idOf: (clientId: number) => number,
  cutOff: { readonly code: string; readonly message: string } = ended,
): Observable<Outcome> {
  return new Observable((subscriber) => {
    const connected = new Map<number, Outcome>();

    const renamed = (
      outcome: Outcome & { readonly clientId?: unknown; readonly client?: unknown },
    ): Outcome => {
      if (typeof outcome.clientId !== 'number') return outcome;
      const clientId = idOf(outcome.clientId);
      return {
        ...outcome,
        clientId,
        ...(outcome.type === 'connected' ? { client: { ...(outcome.client as object), clientId } } : {}),
      } as Outcome;
    };

    const note = (outcome: Outcome): void => {
      const { clientId, client } = outcome as Outcome & {
        readonly clientId?: number;
        readonly client?: { readonly peer: unknown; readonly protocol: unknown };
      };
      if (clientId === undefined) return;
      if (outcome.type === 'disconnected') connected.delete(clientId);
      if (outcome.type === 'connected')
        connected.set(clientId, {
          ...{ type: 'disconnected', clientId, reason: cutOff },
          ...{ peer: client?.peer, protocol: client?.protocol },
        });
    };

    const outcome$ = port.message$.pipe(
      filter((value) => isOf(value, 'outcomes')),
      mergeMap((value): Outcome[] => {
        const fields = fieldsOf(value, 'outcomes');
        const count = fields.whole('lost');
        const outcomes = outcomesIn(fields).map(renamed);
        port.send({ type: 'outcomes-taken' });
        const lost: OutcomesLost[] = count === 0 ? [] : [{ type: 'OutcomesLost', count }];
        return [...outcomes, ...lost];
      }),
      tap(note),
    );
    return outcome$.subscribe({
      next: (outcome) => subscriber.next(outcome),
      error: (error: unknown) => subscriber.error(error),
      complete() {
        for (const end of connected.values()) subscriber.next(end);
        subscriber.complete();
      },
    });
  });
}
