import { describe, expect, it } from '@jest/globals';
import { asyncScheduler, map, NEVER, of, throwError, timer, type Observable } from 'rxjs';
import { expiringLeases, leaseLost, type LeaseKeeper } from '../../../src/roles/cluster/leases.js';
import { like } from '../../../src/testing/equality.js';
import { marbles } from '../../../src/testing/marbles.js';

const ttl = 90_000;
const options = { ttl, scheduler: asyncScheduler };

/** A keeper in which others have ids, whose renewals go as told, and that notes what it was asked. */
const keeperOf = (
  others: Readonly<Record<number, string>>,
  renewals: (revision: number) => Observable<number> = (revision) => of(revision + 1),
) => {
  const asked: string[] = [];
  const keeper: LeaseKeeper = {
    take(serverId) {
      asked.push(`take ${serverId}`);
      const holder = others[serverId];
      return of(holder === undefined ? { revision: 1 } : { holder });
    },
    renew(_serverId, revision) {
      asked.push(`renew ${revision}`);
      return renewals(revision);
    },
    release: (serverId, revision) => asked.push(`release ${serverId} ${revision}`),
  };
  return { keeper, asked };
};

describe('the lease of a server id', () => {
  it('is the lowest that nobody has, renewed at a third of its time, and given back', () => {
    const { keeper, asked } = keeperOf({ 0: 'one', 1: 'another' });
    marbles(({ expectObservable }) => {
      const { lease$ } = expiringLeases(keeper, options);
      expectObservable(lease$, '100s !').toBe('i', { i: 2 });
    });
    const renewed = ['renew 1', 'renew 2', 'renew 3'];
    expect(asked).toEqual(['take 0', 'take 1', 'take 2', ...renewed, 'release 2 4']);
  });

  it('is refused to a second holder, who is told of the first', () => {
    const { keeper, asked } = keeperOf({ 7: 'pool-2 (process 99)' });
    marbles(({ expectObservable }) => {
      const { lease$ } = expiringLeases(keeper, { ...options, serverId: 7 });
      const message =
        'server id 7 is held by pool-2 (process 99): two with one id would give the same work twice';
      expectObservable(lease$).toBe('#', {}, like({ code: 'server-id-taken', message }));
    });
    expect(asked).toEqual(['take 7']);
  });

  it('is lost at nine tenths of the time since it was last asked for, whether there is an answer or not', () => {
    for (const renewal of [() => NEVER, () => throwError(() => new Error('no connection'))]) {
      const { keeper, asked } = keeperOf({}, renewal);
      marbles(({ expectObservable }) => {
        const { lease$ } = expiringLeases(keeper, options);
        expectObservable(lease$).toBe('i 80999ms #', { i: 0 }, like({ code: 'lease-lost' }));
      });
      expect(asked.at(-1)).toBe('release 0 1');
    }
  });

  it('counts from when a renewal was asked for, not from when it was answered', () => {
    const answers = [timer(20_000).pipe(map(() => 2)), NEVER];
    const { keeper } = keeperOf({}, () => answers.shift() ?? NEVER);
    marbles(({ expectObservable }) => {
      const { lease$ } = expiringLeases(keeper, options);
      // asked for at 30 s, answered at 50 s
      expectObservable(lease$).toBe('i 110999ms #', { i: 0 }, like({ code: 'lease-lost' }));
    });
  });

  it('lives on when a renewal fails and the next does not', () => {
    let failures = 3;
    const { keeper, asked } = keeperOf({}, (revision) =>
      failures-- > 0 ? throwError(() => new Error('no connection')) : of(revision + 1),
    );
    marbles(({ expectObservable }) => {
      expectObservable(expiringLeases(keeper, options).lease$, '130s !').toBe('i', { i: 0 });
    });
    // at 30 s, then each 7.5 s until 52.5 s, at 82.5 s and 112.5 s
    const renewals = ['renew 1', 'renew 1', 'renew 1', 'renew 1', 'renew 2', 'renew 3'];
    expect(asked).toEqual(['take 0', ...renewals, 'release 0 4']);
  });

  it('is lost at once when it is seen to be another holder’s', () => {
    const { keeper } = keeperOf({}, () => throwError(() => leaseLost('server id 0', 'pool-2 has it')));
    marbles(({ expectObservable }) => {
      const lost = like({ code: 'lease-lost', message: 'the lease of server id 0 is lost: pool-2 has it' });
      expectObservable(expiringLeases(keeper, options).lease$).toBe('i 29999ms #', { i: 0 }, lost);
    });
  });

  it('is told of when all are taken, or the keeper cannot be asked', () => {
    marbles(({ expectObservable }) => {
      const { keeper } = keeperOf({});
      const all: LeaseKeeper = { ...keeper, take: () => of({ holder: 'somebody' }) };
      const error = new Error('no connection');
      const none: LeaseKeeper = { ...keeper, take: () => throwError(() => error) };
      const exhausted = like({ code: 'server-ids-exhausted' });
      expectObservable(expiringLeases(all, options).lease$).toBe('#', {}, exhausted);
      expectObservable(expiringLeases(none, options).lease$).toBe('#', {}, error);
    });
  });
});
