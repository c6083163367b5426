/** What a part of a cluster waits for: leases that others have, and what is to be written before it ends. */
import { describe, expect, it } from '@jest/globals';
import { EMPTY, merge, mergeMap, NEVER, of, throwError, type Observable } from 'rxjs';
import { persistent } from '../src/cli/pool-cluster.js';
import { Sv2Error } from '../src/codec/errors.js';
import { marbles } from '../src/testing/marbles.js';

const taken = new Sv2Error('core-taken', 'there is a core');
const lost = new Sv2Error('lease-lost', 'the lease is lost');
const away = new Sv2Error('cluster-unavailable', 'no JetStream');

/** Leases one after another, the last again and again. */
const inTurn = (...all: readonly Observable<string>[]): Observable<string> => {
  let turn = -1;
  return of(undefined).pipe(
    mergeMap(() => {
      turn += 1;
      return all[Math.min(turn, all.length - 1)] ?? EMPTY;
    }),
  );
};

/** A lease that is ours for 10 ms, and is lost then. */
const heldFor = (cold: (marbles: string, values: undefined, error: unknown) => Observable<string>) =>
  cold('i---------#', undefined, lost);

const thrown = (error: unknown): Observable<never> => throwError(() => error);

describe('a lease that is asked for again', () => {
  it('is waited for each second while another has it, which is told once, and not for longer than that', () => {
    const told: string[] = [];
    marbles(({ expectObservable }) => {
      const lease$ = inTurn(thrown(taken)).pipe(persistent(2_000, ({ text }) => told.push(text)));
      expectObservable(lease$).toBe('2s #', undefined, taken);
    });
    expect(told).toEqual(['there is a core; waiting for it']);
  });

  it('is had as soon as it is free', () => {
    marbles(({ expectObservable }) => {
      const lease$ = inTurn(thrown(taken), merge(of('i'), NEVER)).pipe(persistent(2_000, () => undefined));
      expectObservable(lease$, '3s !').toBe('1s i');
    });
  });

  it('is waited for for ever once it was ours, whoever has it then and while nobody can be asked', () => {
    const told: string[] = [];
    marbles(({ cold, expectObservable }) => {
      const lease$ = inTurn(
        heldFor(cold),
        thrown(taken),
        thrown(away),
        thrown(away),
        merge(of('j'), NEVER),
      ).pipe(persistent(0, ({ text }) => told.push(text)));
      expectObservable(lease$, '10s !').toBe('i 4009ms j');
    });
    expect(told).toEqual(
      ['the lease is lost', 'there is a core', 'no JetStream'].map((why) => `${why}; waiting for it`),
    );
  });

  it('is waited for for ten seconds where nobody can be asked: a broker under load is no reason to end', () => {
    const told: string[] = [];
    marbles(({ expectObservable }) => {
      const tell = ({ text }: { readonly text: string }) => told.push(text);
      expectObservable(inTurn(thrown(away)).pipe(persistent(0, tell))).toBe('10s #', undefined, away);
      const late$ = inTurn(...new Array<Observable<never>>(10).fill(thrown(away)), of('i'));
      expectObservable(late$.pipe(persistent(0, tell))).toBe('10s (i|)');
    });
    expect(told).toEqual(['no JetStream; waiting for it', 'no JetStream; waiting for it']);
  });

  it('ends with an error that is not of a lease', () => {
    const fault = new Error('a fault');
    marbles(({ expectObservable }) => {
      expectObservable(thrown(fault).pipe(persistent(2_000, () => undefined))).toBe('#', undefined, fault);
    });
  });
});
