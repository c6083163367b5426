/** Leases of server ids in a real nats-server: whose they are when a holder ends, is killed, or is cut off. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { firstValueFrom, retry, tap } from 'rxjs';
import { natsBus, type NatsBus } from '../../src/node/cluster/nats.js';
import { natsLeases } from '../../src/node/cluster/nats-leases.js';
import { cutRelay, type CutRelay } from './cut-relay.js';
import { natsServer, type NatsServer } from './nats-server.js';

const ttl = 3_000;
let server: NatsServer;
let relay: CutRelay;
const buses: NatsBus[] = [];

const connect = async (port: number): Promise<NatsBus> => {
  const bus = await natsBus(`nats://127.0.0.1:${port}`);
  buses.push(bus);
  return bus;
};

beforeAll(async () => {
  server = await natsServer();
  relay = await cutRelay(() => server.port);
});
afterAll(async () => {
  await Promise.all(buses.map((bus) => bus.connection.close()));
  relay.close();
  await server.remove();
});

/** Holds a lease, until `end`. */
const hold = async (bus: NatsBus, holder: string, serverId?: number) => {
  const { lease$ } = await natsLeases(bus, { holder, ttl, ...(serverId === undefined ? {} : { serverId }) });
  let lose: (error: unknown) => void = () => undefined;
  const lost = new Promise<unknown>((resolve) => {
    lose = resolve;
  });
  const held = await new Promise<{ id: number; end: () => void }>((resolve, reject) => {
    const subscription = lease$.subscribe({
      next: (id) => resolve({ id, end: () => subscription.unsubscribe() }),
      error: (error: unknown) => {
        lose(error);
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    });
  });
  return { ...held, lost };
};

/** The lease of an id, as soon as it is to be had. */
const whenFree = async (bus: NatsBus, serverId: number): Promise<number> => {
  const { lease$ } = await natsLeases(bus, { holder: 'next', ttl, serverId });
  return firstValueFrom(lease$.pipe(retry({ delay: 100 })));
};

describe('leases in a real nats-server', () => {
  it('have one holder each, who is named to others; those of who ends are free', async () => {
    const [one, two] = [await connect(server.port), await connect(server.port)];
    const first = await hold(one, 'pool-1 (process 5)');
    const second = await hold(two, 'pool-2 (process 6)');
    expect([first.id, second.id]).toEqual([0, 1]);
    await expect(hold(two, 'pool-2 (process 6)', 0)).rejects.toThrow(
      /^server id 0 is held by pool-1 \(process 5\): /,
    );
    first.end();
    second.end();
    expect(await whenFree(two, 0)).toBe(0);
    expect(await whenFree(one, 1)).toBe(1);
  });

  it('are lost to who is cut off before another can have them, and renewed to who is not', async () => {
    const [near, far] = [await connect(server.port), await connect(relay.port)];
    const kept = await hold(near, 'near', 10);
    const cutOff = await hold(far, 'far', 11);
    const order: string[] = [];
    relay.cut();
    const lost = cutOff.lost.then((error) => {
      order.push((error as { code: string }).code);
    });
    const { lease$ } = await natsLeases(near, { holder: 'near', ttl, serverId: 11 });
    await Promise.all([
      lost,
      firstValueFrom(
        lease$.pipe(
          retry({ delay: 20 }),
          tap(() => order.push('taken')),
        ),
      ),
    ]);
    expect(order).toEqual(['lease-lost', 'taken']);
    await expect(hold(near, 'another', 10)).rejects.toMatchObject({ code: 'server-id-taken' });
    kept.end();
    relay.mend();
  });

  it('are somebody else’s when their time is over after a holder was killed', async () => {
    const [killed, next] = [await connect(server.port), await connect(server.port)];
    const { lost } = await hold(killed, 'killed', 20);
    await killed.connection.close();
    expect(await whenFree(next, 20)).toBe(20);
    expect(await lost).toMatchObject({ code: 'lease-lost' });
  });
});
