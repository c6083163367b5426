/** Three nats-servers that are a cluster: JetStream keeps what it has on all of them. */
import { defer, firstValueFrom, retry, timeout } from 'rxjs';
import type { StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { natsBus, type NatsBus } from '../../src/node/cluster/nats.js';
import { freePort } from '../interop/support/node.js';
import { natsServer, type NatsServer } from './nats-server.js';

/** See {@link natsCluster}. */
export interface NatsCluster {
  /** The servers, the first of them named `n0`. */
  readonly servers: readonly NatsServer[];
  /** For `--cluster`. @param first which of the servers is named first */
  url(first: number): string;
  /** What JetStream says of all streams that it has, those of buckets too. */
  streams(): Promise<StreamInfo[]>;
  /** The server that decides on a stream. */
  leaderOf(stream: string): Promise<NatsServer>;
  /** Resolves when all three have all that any of them has. */
  whole(): Promise<void>;
  /** Kills them and removes their data. */
  remove(): Promise<void>;
}

/** Milliseconds that servers may take to agree, on a busy machine too. */
const patience = 60_000;

/** Asks again until it is answered. */
const asked = <T>(question: () => Promise<T>): Promise<T> =>
  firstValueFrom(defer(question).pipe(retry({ delay: 200 }), timeout(patience)));

/** Starts three servers. */
export async function natsCluster(): Promise<NatsCluster> {
  const ports = [await freePort(), await freePort(), await freePort()];
  const routes = ports.map((port) => `nats-route://127.0.0.1:${port}`).join(', ');
  const servers = await Promise.all(
    ports.map((port, index) =>
      natsServer(
        `server_name: n${index}\ncluster { name: spec, listen: "127.0.0.1:${port}", routes: [${routes}] }\n`,
      ),
    ),
  );
  const url = (first: number): string =>
    `nats://${[0, 1, 2].map((step) => `127.0.0.1:${servers[(first + step) % 3]?.port ?? 0}`).join(',')}`;
  let bus: NatsBus | undefined;
  const streams = (): Promise<StreamInfo[]> =>
    asked(async () => {
      const { jetstreamManager } = await import('@nats-io/jetstream');
      bus ??= await natsBus(url(0));
      const manager = await jetstreamManager(bus.connection as NatsConnection);
      const all: StreamInfo[] = [];
      for await (const info of manager.streams.list()) all.push(info);
      return all;
    });
  await streams();
  return {
    ...{ servers, url, streams },
    leaderOf: (stream) =>
      asked(async () => {
        const info = (await streams()).find(({ config }) => config.name === stream);
        const leader = info?.cluster?.leader;
        const server = leader === undefined ? undefined : servers[Number(leader.slice(1))];
        if (server === undefined) throw new Error(`${stream} has no leader`);
        return server;
      }),
    whole: () =>
      asked(async () => {
        const behind = (await streams()).filter(
          ({ cluster }) =>
            cluster?.replicas?.length !== 2 || cluster.replicas.some(({ current }) => !current),
        );
        if (behind.length > 0) throw new Error(`${behind.length} streams are not on all servers`);
      }),
    async remove() {
      await bus?.connection.close();
      await Promise.all(servers.map((server) => server.remove()));
    },
  };
}
