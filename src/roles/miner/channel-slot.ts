/** One channel that a miner wants: asked for, mined on while it is open, and asked for again. */
import {
  catchError,
  defer,
  EMPTY,
  filter,
  map,
  merge,
  mergeMap,
  of,
  repeat,
  take,
  takeUntil,
  tap,
  timeout,
  timer,
  type Observable,
} from 'rxjs';
import { difficultyFromTarget } from '../../bitcoin/target.js';
import { CloseChannel, OpenExtendedMiningChannel, OpenStandardMiningChannel } from '../../messages/mining.js';
import type { ClientChannel } from '../../mining/channels/client-channel.js';
import type { OpenMiningChannelErrorCode } from '../../mining/error-codes.js';
import type { MiningClient, MiningClientChange, OpenMiningChannel } from '../../mining/mining-client.js';
import { ServiceError } from '../../service/errors.js';
import { sendToServer, type SendToServer } from '../../service/effects.js';
import { type HandlerError } from '../../service/outcomes.js';
import { anyTarget, channelMining, type Mined, type MiningMeans } from './channel-mining.js';
import type { ChannelKind, MinerOutcome } from './outcomes.js';

/** What a slot is told. */
export interface SlotOptions extends MiningMeans {
  readonly kind: ChannelKind;
  readonly userIdentity: string;
  /** Hashes per second of this channel alone. */
  readonly nominalHashRate: number;
  /** The connection's channels. */
  readonly core: MiningClient;
  /** What the pool changes about channels. */
  readonly change$: Observable<MiningClientChange | HandlerError>;
  /** An id that no request on this connection has had. */
  nextRequestId(): number;
}

/** Bytes that an extended channel must be able to roll, at least. */
const minExtranonceSize = 4;

/** Milliseconds the pool has to answer. */
const answerTimeout = 10_000;

/** Milliseconds until the pool is asked again; doubles with each failure in a row. */
const firstRetry = 30_000;
const longestRetry = 600_000;

/** Refusals of the request itself: the same one, on the same connection, would be refused again. */
const finalRefusals: readonly string[] = [
  'max-target-out-of-range',
  'invalid-nominal-hashrate',
  'min-extranonce-size-too-large',
  'standard-channels-not-supported-for-custom-work',
  'extended-channels-not-supported-for-standard-jobs',
] satisfies readonly OpenMiningChannelErrorCode[];

type Answer = Extract<MiningClientChange, { readonly type: 'opened' | 'refused' | 'unusable' }>;

/**
 * Mines on one channel, whatever becomes of it, while subscribed. Completes if the pool will never open it.
 * @param options whose channel, and how it is mined on
 */
export function channelSlot(options: SlotOptions): Observable<Mined> {
  const { kind, core, change$, scheduler } = options;
  return defer(() => {
    let { nominalHashRate } = options;
    let failures = 0;
    let retryIn: number | null = null;

    const failed = (): number => {
      failures += 1;
      return (retryIn = Math.min(longestRetry, firstRetry * 2 ** (failures - 1)));
    };

    const mining$ = (channel: ClientChannel): Observable<Mined> => {
      const { channelId, target } = channel;
      const openedAt = scheduler.now();
      const closed$ = change$.pipe(
        filter((change) => change.type === 'closed' && change.channel === channel),
        take(1),
      );
      return merge(
        of<MinerOutcome>({
          type: 'ChannelOpened',
          kind,
          channelId,
          difficulty: difficultyFromTarget(target),
        }),
        channelMining(channel, change$, nominalHashRate, options).pipe(
          tap((mined) => {
            if (mined.type === 'HashRateTold') nominalHashRate = mined.hashesPerSecond;
          }),
          takeUntil(closed$),
        ),
        closed$.pipe(
          map((closed): MinerOutcome => {
            const reason = closed.type === 'closed' ? closed.reason : '';
            // only a channel that lasted makes up for the failures before it
            if (scheduler.now() - openedAt >= longestRetry) failures = 0;
            return { type: 'ChannelClosed', channelId, reason, retryIn: failed() };
          }),
        ),
      );
    };

    const after$ = (answer: Answer): Observable<Mined> => {
      switch (answer.type) {
        case 'opened':
          return mining$(answer.channel);
        case 'refused': {
          const { errorCode } = answer;
          const isFinal = finalRefusals.includes(errorCode);
          if (isFinal) retryIn = null;
          return of({ type: 'ChannelRefused', kind, errorCode, retryIn: isFinal ? null : failed() });
        }
        case 'unusable': {
          const { error, channelId, isTaken } = answer;
          const outcome: MinerOutcome = { type: 'ChannelFailed', kind, error, retryIn: failed() };
          return isTaken ? of(outcome) : of(outcome, closing(channelId));
        }
      }
    };

    return defer(() => {
      const request = openMessage(options, nominalHashRate);
      const { requestId } = request;
      core.request(request);
      const unanswered$ = defer(() => {
        core.abandon(requestId);
        const problem = `no answer to ${request.type} within ${answerTimeout} ms`;
        return of<Mined>({
          type: 'ChannelFailed',
          kind,
          error: new ServiceError('request-timeout', problem, { request: request.type }),
          retryIn: failed(),
        });
      });
      const answered$ = change$.pipe(
        filter((change): change is Answer => 'requestId' in change && change.requestId === requestId),
        take(1),
        timeout({ first: answerTimeout, scheduler }),
      );
      return merge(
        answered$.pipe(
          catchError(() => of(null)),
          mergeMap((answer) => (answer === null ? unanswered$ : after$(answer))),
        ),
        // last, so that everything above is there for the answer
        of(sendToServer(request)),
      );
    }).pipe(repeat({ delay: () => (retryIn === null ? EMPTY : timer(retryIn, scheduler)) }));
  });
}

/** Closes a channel that is of no use. */
export const closing = (channelId: number): SendToServer =>
  sendToServer(CloseChannel({ channelId, reasonCode: 'channel cannot be used' }));

const openMessage = (
  { kind, userIdentity, nextRequestId }: SlotOptions,
  nominalHashRate: number,
): OpenMiningChannel => {
  const request = { requestId: nextRequestId(), userIdentity, nominalHashRate, maxTarget: anyTarget };
  return kind === 'standard'
    ? OpenStandardMiningChannel(request)
    : OpenExtendedMiningChannel({ ...request, minExtranonceSize });
};
