/** A cluster's queues in JetStream: streams whose messages are gone when they are done. Its client is loaded when they are asked for. */
import type { ConsumerMessages } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { filter, Observable } from 'rxjs';
import { clusterSubjects } from './bus.js';
import { isNotFound, openStream } from './jetstream.js';
import type { NatsBus } from './nats.js';
import { unavailable } from './unavailable.js';
import { workQueue, type KeptMessage, type WorkQueue, type WorkQueueOptions } from './work-queue.js';

/** Options of {@link natsWorkQueue}. */
export interface NatsWorkQueueOptions extends Pick<WorkQueueOptions, 'onError'> {
  readonly cluster: string;
  /** What it is of: its name in JetStream is `CLUSTER-NAME`, its subjects are `CLUSTER.NAME.SERVERID`. */
  readonly name: string;
}

/** Pieces that a server may have kept at one time: one value of the longest. */
const maxPieces = 64;

const milliseconds = 1_000_000;

/** Milliseconds for which ids are remembered, and after which what was taken and is not done comes again. */
const remembered = 120_000;
const takenFor = 600_000;

/** Milliseconds that JetStream may take to say that something is kept. */
const answerTimeout = 5_000;

/**
 * Milliseconds for which messages are asked for at a time, and between two signs of life meanwhile. Of a server that has the stream and
 * ends, while we are connected to another, nothing else is heard: two signs that are missing have us ask whoever has it now.
 */
const askedFor = 10_000;
const signInterval = 2_000;

/**
 * A queue of a cluster in JetStream, on disk.
 * @throws Sv2Error `cluster-unavailable` where there is no JetStream, `invalid-cluster-name`
 */
export async function natsWorkQueue(
  bus: NatsBus,
  { cluster, name, onError }: NatsWorkQueueOptions,
): Promise<WorkQueue> {
  clusterSubjects(cluster); // complains about the name
  const { jetstream } = await import('@nats-io/jetstream');
  const stream = `${cluster}-${name}`;
  const consumer = 'core';
  const manager = await openStream(bus, {
    name: stream,
    subjects: [`${cluster}.${name}.*`],
    retention: 'workqueue',
    storage: 'file',
    discard: 'new',
    max_msgs_per_subject: maxPieces,
    discard_new_per_subject: true,
    duplicate_window: remembered * milliseconds,
  }).catch((error: unknown) => {
    throw unavailable(`cannot open ${stream} in JetStream`, error);
  });
  const js = jetstream(bus.connection as NatsConnection, { timeout: answerTimeout });

  const message$ = new Observable<KeptMessage>((subscriber) => {
    let messages: ConsumerMessages | undefined;
    const begin = async (): Promise<void> => {
      // another consumer is given everything that is not done, without waiting for those who had it before
      await manager.consumers.delete(stream, consumer).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
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
        expires: askedFor,
        idle_heartbeat: signInterval,
        callback: (message) =>
          subscriber.next({
            serverId: Number(message.subject.split('.').at(-1)),
            bytes: message.data,
            done: () => message.ack(),
          }),
      });
      if (subscriber.closed) messages.stop();
    };
    begin().catch((error: unknown) => subscriber.error(error));
    return () => messages?.stop();
  });

  return workQueue(
    {
      maxBytes: bus.maxBytes,
      async keep(serverId, id, bytes) {
        if (!bus.isConnected) throw new Error('there is no connection to NATS');
        const { duplicate } = await js.publish(`${cluster}.${name}.${serverId}`, bytes, {
          msgID: `${serverId} ${id}`,
        });
        return { isKnown: duplicate };
      },
      message$,
      back$: bus.status$.pipe(filter(({ type }) => type === 'NatsBack')),
    },
    { name: stream, onError },
  );
}
