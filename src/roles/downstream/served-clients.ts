/** Serves clients that come and go with a mining core: what a pool's and a proxy's side towards miners have in common. */
import { merge, type Observable, type SchedulerLike } from 'rxjs';
import {
  CloseChannel,
  OpenExtendedMiningChannel,
  OpenStandardMiningChannel,
  SetCustomMiningJob,
  SubmitSharesExtended,
  SubmitSharesStandard,
  UpdateChannel,
} from '../../messages/mining.js';
import type {
  ClientMessages,
  MiningClientMessage,
  MiningServerOutcome,
} from '../../mining/mining-server-types.js';
import type { Message } from '../../messages/registry.js';
import type { AccountBook } from '../../mining/shares/accounts.js';
import { handleEach } from '../../service/handle-each.js';
import type { MiningServerHandler } from '../../service/handlers.js';
import { ofEvent, ofMessage } from '../../service/operators.js';
import { disconnect, lastWordsTo, nonsense, send, type ServerEffect } from '../../service/effects.js';
import { type HandlerError } from '../../service/outcomes.js';
import { sourceOf } from '../../transport/source.js';
import { upkeepEvery } from '../upkeep.js';
import { judge } from './judgement.js';
import { waitingClients, type WaitingLimits } from './waiting-clients.js';

/** What the core of a role that serves miners says, at least. */
interface CoreOutput {
  readonly messages: readonly ClientMessages[];
  readonly outcomes: readonly { readonly type: string }[];
}

/** The core of a role that serves miners, as far as it is about them. Times are milliseconds since 1970. */
interface ServingCore<Output> {
  addClient(clientId: number, flags: number, address?: string): void;
  removeClient(clientId: number, now: number): Output;
  handle(clientId: number, message: MiningClientMessage, now: number): Output;
  flush(clientId: number): Output;
}

/** How {@link servedClients} serves. */
export interface ServedClientsOptions<Output, Outcome> extends WaitingLimits {
  readonly core: ServingCore<Output>;
  /** What of messages may be sent now, if not all of them: the others are somebody else's to send. */
  readonly outgoing?: (clientId: number, messages: readonly Message[]) => readonly Message[];
  /** Who counts what they deliver. */
  readonly accounts: Pick<AccountBook, 'count'>;
  readonly scheduler: SchedulerLike;
  /** Everything an output of the core leads to, in order; made with {@link ServedClients.effectsOf}. */
  readonly effects: (output: Output) => Iterable<ServerEffect | Outcome>;
  /** How often there is upkeep, in milliseconds. */
  readonly upkeepInterval: number;
  /** What is to be done then, beside letting clients go that open no channel. */
  readonly upkeep: (now: number) => Iterable<ServerEffect | Outcome>;
}

/** The clients that are served. See {@link servedClients}. */
export interface ServedClients<Output, Outcome> {
  /** Takes note of an output of the core: who has a channel, what was delivered. Returns what clients are sent for it. */
  effectsOf(output: Output): ServerEffect[];
  /** Those who are connected, live. */
  ids(): Iterator<number>;
  /** Serves: their coming, their messages, their going, and time. */
  handler(event$: Parameters<MiningServerHandler>[0]): Observable<ServerEffect | Outcome | HandlerError>;
}

/** Serves clients with a mining core. */
export const servedClients = <Output extends CoreOutput, Outcome>(
  options: ServedClientsOptions<Output, Outcome>,
): ServedClients<Output, Outcome> => {
  const { core, accounts, scheduler, effects, outgoing = (_, messages) => messages } = options;
  const waiting = waitingClients(options);
  const clientIds = new Set<number>();
  const now = () => scheduler.now();

  function* upkeep() {
    const time = now();
    for (const clientId of waiting.due(time))
      yield disconnect(clientId, 'it has been without a channel for too long', 'no-channel');
    yield* options.upkeep(time);
  }

  return {
    ids: () => clientIds.values(),
    effectsOf({ messages, outcomes }) {
      const happened = outcomes as readonly MiningServerOutcome[]; // of others nobody takes note
      const all: ServerEffect[] = [];
      accounts.count(happened);
      for (const { clientId, messages: own } of messages) {
        const sent = outgoing(clientId, own);
        if (sent.length > 0) all.push(send(clientId, ...sent));
        judge(clientId, own, all);
      }
      for (const { type, clientId } of happened) {
        if (type === 'ChannelOpened') waiting.channels(clientId, 1, now());
        else if (type === 'ChannelClosed') waiting.channels(clientId, -1, now());
      }
      return all;
    },
    handler: (event$) =>
      merge(
        event$.pipe(
          ofEvent('clientAdded'),
          handleEach('mining', ({ clientId, client }) => {
            core.addClient(clientId, client.flags, sourceOf(client.peer.address));
            waiting.added(clientId, now());
            clientIds.add(clientId);
            return [
              lastWordsTo(clientId, () =>
                core.flush(clientId).messages.flatMap(({ messages }) => outgoing(clientId, messages)),
              ),
            ];
          }),
        ),
        event$.pipe(
          ofEvent('clientRemoved'),
          handleEach('mining', ({ clientId }) => {
            waiting.removed(clientId);
            clientIds.delete(clientId);
            return effects(core.removeClient(clientId, now()));
          }),
        ),
        event$.pipe(
          ofMessage(
            SubmitSharesStandard,
            SubmitSharesExtended,
            OpenStandardMiningChannel,
            OpenExtendedMiningChannel,
            UpdateChannel,
            CloseChannel,
            SetCustomMiningJob,
          ),
          // an array, not a generator, which was an eighth of what a share leaves to collect
          handleEach('mining', ({ clientId, message }) => {
            const all = effects(core.handle(clientId, message, now()));
            // opening and closing is work for everybody but the one who does it
            return message.type === 'CloseChannel' ? [...all, nonsense(clientId)] : all;
          }),
        ),
        upkeepEvery(options.upkeepInterval, scheduler).pipe(handleEach('mining', upkeep)),
      ),
  };
};
