/** Pools in virtual time that are as good as any until they attack: a relay before a pool says what that never would. */
import {
  concat,
  concatMap,
  filter,
  ignoreElements,
  interval,
  map,
  merge,
  mergeMap,
  of,
  share,
  switchMap,
  take,
  takeUntil,
  timer,
  type Observable,
  type OperatorFunction,
} from 'rxjs';
import {
  NewExtendedMiningJob,
  Reconnect,
  SetTarget,
  SubmitSharesError,
  type Message,
} from '../../src/messages/index.js';
import { relay } from '../../src/service/index.js';
import type { MemoryNetwork } from '../../src/testing/memory.js';

/** What becomes of what a pool sends. */
export type Attack = OperatorFunction<Message, Message>;

/** A pool found at `address`, in truth the one at `pool:1`, whose messages an attack goes into. */
export const hostilePool = (network: MemoryNetwork, address: string, attack: Attack) =>
  relay({
    listen: network.listen({ address }),
    connect: network.connect({ address: 'pool:1', encrypted: false }),
    toClient: attack,
  });

/** Adds to what the pool sends what follows from the id of the first channel and its first job. */
const beside =
  (more: (job: NewExtendedMiningJob) => Observable<Message>): Attack =>
  (message$) =>
    ((shared$) =>
      merge(
        shared$,
        shared$.pipe(
          filter((message) => NewExtendedMiningJob.match(message)),
          take(1),
          mergeMap(more),
          takeUntil(concat(shared$.pipe(ignoreElements()), of(null))),
        ),
      ))(message$.pipe(share()));

/** So many messages a second from a moment on, in seconds after the first job; for five seconds. */
const tenThousandASecond = (from: number, message: (count: number) => Message): Observable<Message> =>
  timer(1_000 * from).pipe(
    switchMap(() => interval(1).pipe(take(5_000))),
    concatMap((millisecond) => Array.from({ length: 10 }, (_, index) => message(10 * millisecond + index))),
  );

/** A target that no share meets. */
export const targetOfZero = (from: number): Attack =>
  beside(({ channelId }) =>
    timer(1_000 * from).pipe(map(() => SetTarget({ channelId, maximumTarget: new Uint8Array(32) }))),
  );

/** Jobs, each to be mined at once. */
export const floodOfJobs = (from: number): Attack =>
  beside((job) =>
    tenThousandASecond(from, (count) => NewExtendedMiningJob({ ...job, jobId: 1_000_000 + count })),
  );

/** Verdicts on shares that nobody has sent. */
export const floodOfVerdicts = (from: number): Attack =>
  beside(({ channelId }) =>
    tenThousandASecond(from, (count) =>
      SubmitSharesError({ channelId, sequenceNumber: 1_000_000 + count, errorCode: 'stale-share' }),
    ),
  );

/** Jobs, and in the same turn with the last of them a way out. */
export const floodAndRedirect = (from: number, newPort: number): Attack =>
  beside((job) =>
    timer(1_000 * from).pipe(
      concatMap(() => [
        ...Array.from({ length: 500 }, (_, index) =>
          NewExtendedMiningJob({ ...job, jobId: 1_000_000 + index }),
        ),
        Reconnect({ newHost: '', newPort }),
      ]),
    ),
  );

/** Whoever is let in is sent to another port at once. */
export const circle =
  (newPort: number): Attack =>
  (message$) =>
    message$.pipe(
      take(1),
      concatMap((message) => [message, Reconnect({ newHost: '', newPort })]),
    );

/** Sent elsewhere, and the connection ends with that message. */
export const redirectAndGone =
  (from: number, newPort: number): Attack =>
  (message$) =>
    concat(message$.pipe(takeUntil(timer(1_000 * from))), of(Reconnect({ newHost: '', newPort })));
