/** Leases of server ids in a real nats-server: whose they are when a holder ends, is killed, or is cut off. */
import { describe, expect, it } from '@jest/globals';
import { filter, firstValueFrom, retry, skip, switchMap, tap, timer } from 'rxjs';
import type { NatsBus } from '../../src/node/cluster/nats.js';
import { natsCoreLease, natsLeases } from '../../src/node/cluster/nats-leases.js';
import { clusterSite } from './site.js';

const ttl = 3_000;
const site = clusterSite();
const { connect } = site;

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
    const [one, two] = [await connect(site.server.port), await connect(site.server.port)];
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
    const [near, far] = [await connect(site.server.port), await connect(site.relay.port)];
    const kept = await hold(near, 'near', 10);
    const cutOff = await hold(far, 'far', 11);
    const order: string[] = [];
    site.relay.cut();
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
    site.relay.mend();
  });

  it('are somebody else’s when their time is over after a holder was killed', async () => {
    const [killed, next] = [await connect(site.server.port), await connect(site.server.port)];
    const { lost } = await hold(killed, 'killed', 20);
    await killed.connection.close();
    expect(await whenFree(next, 20)).toBe(20);
    expect(await lost).toMatchObject({ code: 'lease-lost' });
  });

  it('tell where the miners of one that ends can go: to the others, but not to those that end as well', async () => {
    const [one, two] = [await connect(site.server.port), await connect(site.server.port)];
    const at = async (bus: NatsBus, address?: string) => {
      const ids = await natsLeases(bus, {
        ...{ holder: address ?? 'none', ttl },
        ...(address === undefined ? {} : { address }),
      });
      const held = ids.lease$.subscribe();
      await firstValueFrom(
        timer(0, 20).pipe(
          switchMap(() => ids.others()),
          filter(() => !held.closed),
          skip(1),
        ),
      );
      return { ids, end: () => held.unsubscribe() };
    };
    const [a, b, c] = [await at(one, 'a:1'), await at(two, 'b:2'), await at(two)];
    const killedBefore = await at(two, 'b:2');
    expect(new Set(await c.ids.others())).toEqual(new Set(['a:1', 'b:2']));
    expect(await a.ids.others()).toEqual(['b:2']);
    expect(await b.ids.others()).toEqual(['a:1']);
    await b.ids.withdraw();
    await killedBefore.ids.withdraw();
    expect(await a.ids.others()).toEqual([]);
    for (const { end } of [a, b, c, killedBefore]) end();
  });

  it('make one core at a time', async () => {
    const [one, two] = [await connect(site.server.port), await connect(site.server.port)];
    const lease$ = async (bus: NatsBus, holder: string) =>
      (await natsCoreLease(bus, { cluster: 'cores', holder })).lease$;
    const held = (await lease$(one, 'here')).subscribe();
    const second$ = await lease$(two, 'there');
    await firstValueFrom(timer(100));
    await expect(firstValueFrom(second$)).rejects.toThrow(
      'cluster cores has a core, here: there is one at a time',
    );
    held.unsubscribe();
    expect(await firstValueFrom(second$.pipe(retry({ delay: 50 })))).toBe(0);
  });
});
