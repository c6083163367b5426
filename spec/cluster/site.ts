/** Where specs of a cluster are played: a real nats-server, a relay to it that can be cut, and connections to either. */
import { afterAll, beforeAll } from '@jest/globals';
import { natsBus, type NatsBus } from '../../src/node/cluster/nats.js';
import { cutRelay, type CutRelay } from './cut-relay.js';
import { natsServer, type NatsServer } from './nats-server.js';

/** Started before the specs of a file, and ended after them. */
export interface ClusterSite {
  readonly server: NatsServer;
  readonly relay: CutRelay;
  /** A connection to the server or the relay, which is closed in the end. */
  connect(port: number): Promise<NatsBus>;
}

/** Starts it for the file that calls this; what it has is there from the first spec on. */
export function clusterSite(): ClusterSite {
  const buses: NatsBus[] = [];
  const site = {
    async connect(port: number) {
      const bus = await natsBus(`nats://127.0.0.1:${port}`);
      buses.push(bus);
      return bus;
    },
  } as { server: NatsServer; relay: CutRelay } & Pick<ClusterSite, 'connect'>;
  beforeAll(async () => {
    site.server = await natsServer();
    site.relay = await cutRelay(() => site.server.port);
  });
  afterAll(async () => {
    await Promise.all(buses.map((bus) => bus.connection.close()));
    site.relay.close();
    await site.server.remove();
  });
  return site;
}
