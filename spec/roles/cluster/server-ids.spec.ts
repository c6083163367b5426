import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { firstValueFrom } from 'rxjs';
import { RETURNING_TIPS } from '../../../src/mining/work/chain-tip.js';
import { leasedInLedger, serverIds, type ServerLease } from '../../../src/roles/cluster/server-ids.js';
import { hash } from '../../mining/support.js';

/** The first life is 200. */
const idsFrom = (first: number) => serverIds(first, (length) => new Uint8Array(length).fill(200));

/** Leases an id: which, and what gives it back. */
const lease = (ids: ReturnType<typeof serverIds>) => {
  let own: ServerLease | undefined;
  let error: unknown;
  const subscription = ids.lease$.subscribe({
    next: (leased) => (own = leased),
    error: (problem: unknown) => (error = problem),
  });
  return { ...own, error, giveBack: () => subscription.unsubscribe() };
};

describe('server ids', () => {
  it('are the lowest from the configured one on that nobody has', () => {
    const ids = idsFrom(7);
    expect([lease(ids).serverId, lease(ids).serverId, lease(ids).serverId]).toEqual([7, 8, 9]);
  });

  it('are the same for who takes the place of another, with another life', () => {
    const ids = idsFrom(3);
    lease(ids);
    const lives = Array.from({ length: 3 }, () => {
      const { serverId, life, giveBack } = lease(ids);
      giveBack();
      return [serverId, life];
    });
    expect(lives).toEqual([
      [4, 200],
      [4, 201],
      [4, 202],
    ]);
  });

  it('rest when all their lives were had on the last tips, and come back with the first of them', () => {
    const ids = idsFrom(0);
    ids.tip(hash(0));
    for (let life = 0; life < 256; life++) {
      const one = lease(ids);
      expect(one).toMatchObject({ serverId: 0, life: (200 + life) % 256 });
      one.giveBack();
    }
    for (let tip = 1; tip < RETURNING_TIPS; tip++) {
      ids.tip(hash(tip));
      ids.tip(hash(tip)); // said again
    }
    const other = lease(ids);
    expect(other.serverId).toBe(1);
    other.giveBack();
    ids.tip(hash(RETURNING_TIPS));
    expect(lease(ids)).toMatchObject({ serverId: 0, life: 200 });
  });

  it('never come twice with one life at a time, nor within the tips on which its work may be valid', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.constant('lease' as const) },
      { weight: 8, arbitrary: fc.nat(2) },
      { weight: 2, arbitrary: fc.constant('tip' as const) },
    );
    let again = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 3_000, maxLength: 4_000 }), (steps) => {
        const ids = idsFrom(0);
        const held: ReturnType<typeof lease>[] = [];
        const ended = new Map<string, number>();
        let tips = 0;
        for (const what of steps) {
          if (what === 'tip') ids.tip(hash(++tips));
          else if (what === 'lease') {
            const one = lease(ids);
            const key = `${one.serverId} ${one.life}`;
            const since = ended.get(key);
            expect(held.map(({ serverId }) => serverId)).not.toContain(one.serverId);
            if (since !== undefined) {
              expect(tips - since).toBeGreaterThanOrEqual(RETURNING_TIPS);
              again += 1;
            }
            held.push(one);
          } else {
            const [one] = held.splice(what % Math.max(1, held.length), 1);
            one?.giveBack();
            if (one !== undefined) ended.set(`${one.serverId} ${one.life}`, tips);
          }
        }
      }),
      { seed: 20261127, numRuns: 20 },
    );
    expect(again).toBeGreaterThan(100);
  });

  it('are refused when there are none left', () => {
    const ids = idsFrom(0xfffe);
    const [one, two, three] = [lease(ids), lease(ids), lease(ids)];
    expect([one.serverId, two.serverId, three.serverId]).toEqual([0xfffe, 0xffff, undefined]);
    expect(three.error).toMatchObject({ code: 'server-ids-exhausted' });
  });

  it('are leased in a ledger, too, before anybody has them; who is refused there gives them back', async () => {
    const ids = idsFrom(3);
    const asked: number[] = [];
    const told = leasedInLedger(ids, (id) => {
      asked.push(id);
      return id === 3 ? Promise.resolve() : Promise.reject(new Error('taken'));
    });
    const first = new Promise<ServerLease>((resolve) => told.lease$.subscribe(resolve));
    expect(await first).toEqual({ serverId: 3, life: 200 });
    await expect(firstValueFrom(told.lease$)).rejects.toThrow('taken');
    expect(asked).toEqual([3, 4]);
    expect(lease(ids)).toMatchObject({ serverId: 4, life: 201 });
  });
});
