import { describe, expect, it } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { leasedInLedger, serverIds } from '../../../src/roles/cluster/server-ids.js';
import { RETURNING_TIPS } from '../../../src/mining/work/chain-tip.js';
import { hash } from '../../mining/support.js';

/** Leases an id: which, and what gives it back. */
const lease = (ids: ReturnType<typeof serverIds>) => {
  let id: number | undefined;
  let error: unknown;
  const subscription = ids.lease$.subscribe({
    next: (leased) => (id = leased),
    error: (problem: unknown) => (error = problem),
  });
  return { id, error, giveBack: () => subscription.unsubscribe() };
};

describe('server ids', () => {
  it('are the lowest from the configured one on that nobody has', () => {
    const ids = serverIds(7);
    expect([lease(ids).id, lease(ids).id, lease(ids).id]).toEqual([7, 8, 9]);
  });

  it('come back once nobody could do work on them that was done already', () => {
    const ids = serverIds(0);
    ids.tip(hash(0));
    lease(ids).giveBack();
    for (let tip = 1; tip < RETURNING_TIPS; tip++) {
      ids.tip(hash(tip));
      ids.tip(hash(tip)); // said again
      const other = lease(ids);
      expect(other.id).toBe(tip);
      other.giveBack();
    }
    ids.tip(hash(RETURNING_TIPS));
    expect(lease(ids).id).toBe(0);
  });

  it('are refused when there are none left', () => {
    const ids = serverIds(0xfffe);
    const [one, two, three] = [lease(ids), lease(ids), lease(ids)];
    expect([one.id, two.id, three.id]).toEqual([0xfffe, 0xffff, undefined]);
    expect(three.error).toMatchObject({ code: 'server-ids-exhausted' });
  });

  it('are leased in a ledger, too, before anybody has them; who is refused there gives them back', async () => {
    const ids = serverIds(3);
    const asked: number[] = [];
    const told = leasedInLedger(ids, (id) => {
      asked.push(id);
      return id === 3 ? Promise.resolve() : Promise.reject(new Error('taken'));
    });
    const first = new Promise<number>((resolve) => told.lease$.subscribe(resolve));
    expect(await first).toBe(3);
    await expect(firstValueFrom(told.lease$)).rejects.toThrow('taken');
    expect(asked).toEqual([3, 4]);
    for (let tip = 0; tip < RETURNING_TIPS; tip++) ids.tip(hash(tip + 100));
    expect(lease(ids).id).toBe(4);
  });
});
