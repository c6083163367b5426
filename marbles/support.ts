import { concat, EMPTY, ignoreElements, map, NEVER, of, type Observable } from 'rxjs';
import {
  CloseChannel,
  SetupConnectionSuccess,
  SubmitSharesStandard,
  SubmitSharesSuccess,
  type MiningToServer,
} from '../src/messages/index.js';
import { defineTrigger, ofMessage, send, type Send, type ServerEvent } from '../src/service/index.js';
import type { Connection } from '../src/transport/index.js';

/** A share that can be told from others by its sequence number. */
export const share = (sequenceNumber: number) =>
  SubmitSharesStandard({ channelId: 1, sequenceNumber, jobId: 1, nonce: 0, ntime: 0, version: 0 });

/** What acknowledges a share. */
export const accepted = (lastSequenceNumber: number) =>
  SubmitSharesSuccess({ channelId: 1, lastSequenceNumber, newSubmitsAcceptedCount: 1, newSharesSum: 1n });

/** A small message that both sides may send. */
export const close = (channelId: number) => CloseChannel({ channelId, reasonCode: 'spec' });

/** The server's yes. */
export const welcome = (flags = 0) => SetupConnectionSuccess({ usedVersion: 2, flags });

/** A trigger that can be told from others by its number. */
export const Tick = defineTrigger('Tick', (number: number) => ({ number }));

/** A mining server that accepts every share. */
export function acceptShares(event$: Observable<ServerEvent<MiningToServer>>): Observable<Send> {
  return event$.pipe(
    ofMessage(SubmitSharesStandard),
    map(({ clientId, message }) => send(clientId, accepted(message.sequenceNumber))),
  );
}

/** A handler that does nothing. */
export function silentHandler(event$: Observable<unknown>): Observable<never> {
  return event$.pipe(ignoreElements());
}

/** A listener whose clients come at once, and that goes on listening. */
export function clients(...connections: readonly Connection[]): Observable<Connection> {
  return concat(connections.length === 0 ? EMPTY : of(...connections), NEVER);
}
