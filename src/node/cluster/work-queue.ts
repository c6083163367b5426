/** What must not be lost on its way to a core: values that JetStream keeps until the core is done with them. */
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { defer, filter, merge, mergeMap, Observable, of, retry, switchMap } from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import type { PortMessage } from '../../roles/cluster/port.js';
import { clusterSubjects } from './bus.js';
import { decodeEnvelope, encodeEnvelope, maxText, piecesOf, tooLarge, valueOf } from './envelope.js';
import type { NatsBus } from './nats.js';
import { unavailable } from './unavailable.js';

/** A value that the core has to be done with. It can come again, also after that. */
export interface QueuedItem {
  /** Whose it is. */
  readonly serverId: number;
  readonly id: string;
  readonly value: unknown;
  /** It need not come again. */
  done(): void;
}

/** See {@link workQueue}. */
export interface WorkQueue {
  /**
   * Keeps a value; of those of one id within two minutes only one is kept.
   * @param id 1 to 48 characters
   * @returns whether one of that id was kept before
   * @throws Sv2Error `ledger-unavailable` where it is not known whether it is kept
   */
  put(serverId: number, id: string, value: PortMessage): Promise<{ readonly isKnown: boolean }>;
  /**
   * What is kept, of each server in its order, and what comes while subscribed: all that is not done comes again with each
   * connection, at once. One subscriber at a time, in the whole cluster.
   */
  readonly item$: Observable<QueuedItem>;
}

/** Options of {@link workQueue}. */
export interface WorkQueueOptions {
  readonly cluster: string;
  /** What it is of: its name in JetStream is `CLUSTER-NAME`, its subjects are `CLUSTER.NAME.SERVERID`. */
  readonly name: string;
  /** Told of what cannot be read: Sv2Error. Nobody can, so that it is not kept. */
  readonly onError: (error: unknown) => void;
}

/** Pieces that a server may have kept at one time: one value of the longest. */
const maxPieces = 64;

const milliseconds = 1_000_000;

/** Milliseconds for which ids are remembered, and after which what was taken and is not done comes again. */
const remembered = 120_000;
const takenFor = 600_000;

/** Milliseconds that JetStream may take to say that something is kept. */
const answerTimeout = 5_000;

/** Milliseconds between two attempts to take what is kept. */
const takeAgain = 1_000;

/**
 * A queue of a cluster in JetStream, on disk: a stream whose messages are gone when they are done.
 * @throws Sv2Error `cluster-unavailable` where there is no JetStream
 */
export async function workQueue(
  bus: NatsBus,
  { cluster, name, onError }: WorkQueueOptions,
): Promise<WorkQueue> {
  clusterSubjects(cluster); // complains about the name
  const { jetstream, jetstreamManager } = await import('@nats-io/jetstream');
  const connection = bus.connection as NatsConnection;
  const stream = `${cluster}-${name}`;
  const consumer = 'core';
  const subjectOf = (serverId: number): string => `${cluster}.${name}.${serverId}`;
  const failed = (error: unknown): Sv2Error => unavailable(`cannot open ${stream} in JetStream`, error);
  const manager = await jetstreamManager(connection).catch((error: unknown) => {
    throw failed(error);
  });
  await manager.streams
    .add({
      name: stream,
      subjects: [`${cluster}.${name}.*`],
      retention: 'workqueue',
      storage: 'file',
      discard: 'new',
      max_msgs_per_subject: maxPieces,
      discard_new_per_subject: true,
      duplicate_window: remembered * milliseconds,
    })
    .catch((error: unknown) => {
      throw failed(error);
    });
  const js = jetstream(connection, { timeout: answerTimeout });

  /** All that is kept, and what comes, over this connection. */
  const taken$ = new Observable<JsMsg>((subscriber) => {
    let messages: ConsumerMessages | undefined;
    const begin = async (): Promise<void> => {
      // another consumer is given everything that is not done, without waiting for those who had it before
      await manager.consumers.delete(stream, consumer).catch(() => undefined);
      if (subscriber.closed) return;
      await manager.consumers.add(stream, {
        durable_name: consumer,
        ack_policy: 'explicit',
        deliver_policy: 'all',
        ack_wait: takenFor * milliseconds,
        max_ack_pending: 10_000,
      });
      if (subscriber.closed) return;
      const found = await js.consumers.get(stream, consumer);
      messages = await found.consume({
        max_messages: 500,
        callback: (message) => subscriber.next(message),
      });
      if (subscriber.closed) messages.stop();
    };
    begin().catch((error: unknown) => subscriber.error(error));
    return () => messages?.stop();
  });

  /** Makes values of pieces, which come in order unless something is lost; then all of them come again. */
  const assembled = (): ((message: JsMsg) => QueuedItem[]) => {
    const unfinished = new Map<string, { pieces: Uint8Array[]; messages: JsMsg[]; size: number }>();
    return (message) => {
      const serverId = Number(message.subject.split('.').at(-1));
      try {
        const { from: id, sent, more, piece } = decodeEnvelope(message.data);
        const key = `${serverId} ${id}`;
        const before = unfinished.get(key);
        const begun = before?.pieces.length === sent - 1 ? before : { pieces: [], messages: [], size: 0 };
        if (begun.pieces.length !== sent - 1) return []; // its beginning is on its way again
        begun.pieces.push(piece);
        begun.messages.push(message);
        begun.size += piece.length;
        if (begun.size > maxText) throw tooLarge(begun.size);
        if (more) {
          unfinished.set(key, begun);
          return [];
        }
        unfinished.delete(key);
        const value = valueOf(begun.pieces);
        return [{ serverId, id, value, done: () => begun.messages.forEach((own) => own.ack()) }];
      } catch (error) {
        onError(error);
        message.ack();
        return [];
      }
    };
  };

  const connected$ = merge(of(undefined), bus.status$.pipe(filter(({ type }) => type === 'NatsBack')));

  return {
    async put(serverId, id, value) {
      const pieces = piecesOf(value, bus.maxBytes);
      let isKnown = false;
      try {
        if (!bus.isConnected) throw new Error('there is no connection to NATS');
        for (const [index, piece] of pieces.entries()) {
          const sent = index + 1;
          const more = sent < pieces.length;
          const payload = encodeEnvelope({ kind: 'value', from: id, sent, sentToAll: 0, more, piece });
          const { duplicate } = await js.publish(subjectOf(serverId), payload, {
            msgID: `${serverId} ${id} ${sent}`,
          });
          isKnown = duplicate;
        }
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new Sv2Error('ledger-unavailable', `cannot be kept in ${stream}: ${why}`, { stream }, error);
      }
      return { isKnown };
    },
    item$: connected$.pipe(
      switchMap(() =>
        defer(() => {
          const take = assembled();
          return taken$.pipe(mergeMap(take));
        }).pipe(retry({ delay: takeAgain })),
      ),
    ),
  };
}
