import { describe, expect, it } from '@jest/globals';
import { asyncScheduler, NEVER } from 'rxjs';
import { isPinnedBy, lanesOf } from '../../../src/roles/proxy/lanes.js';
import { standInNeeded, type LaneOutcome } from '../../../src/roles/proxy/stand-in.js';
import type { ClientOutcome } from '../../../src/service/index.js';
import { marbles } from '../../../src/testing/index.js';

const upstream = (weight?: number) => ({ connect: NEVER, ...(weight === undefined ? {} : { weight }) });

describe('the lanes of a proxy', () => {
  it('are one without weights: the others are for while those before do not work', () => {
    expect(lanesOf([upstream(), upstream(), upstream()], [])).toEqual([
      { servers: [0, 1, 2], weight: 1, isStandIn: false },
    ]);
  });

  it('are one for each weight, and one for those that stand in', () => {
    expect(lanesOf([upstream(70), upstream(), upstream(30), upstream()], [])).toEqual([
      { servers: [0], weight: 70, isStandIn: false },
      { servers: [2], weight: 30, isStandIn: false },
      { servers: [1, 3], weight: 0, isStandIn: true },
    ]);
  });

  it('are one more for each upstream that somebody is pinned to', () => {
    const pins = [{ userIdentity: 'alice', upstream: 1 }];
    expect(lanesOf([upstream(), upstream(), upstream()], pins)).toEqual([
      { servers: [1], weight: 0, isStandIn: false },
      { servers: [0, 2], weight: 1, isStandIn: false },
    ]);
  });
});

describe('a pin', () => {
  it.each([
    ['alice', ['alice'], ['alice.rig1', 'malice', '']],
    ['alice.*', ['alice.', 'alice.rig1'], ['alice', 'malice.rig1']],
    ['*.rig1', ['.rig1', 'bob.rig1'], ['bob.rig11']],
    ['a*b*c', ['abc', 'axbxc', 'abbc', 'abcbc'], ['ac', 'abxcx', 'acb']],
    ['a*a', ['aa', 'aba'], ['a']],
    ['*', ['', 'anybody'], []],
    ['a.c', ['a.c'], ['abc']],
    // would take minutes by a regular expression
    [`${'*a'.repeat(40)}*b`, [`${'a'.repeat(200)}b`], ['a'.repeat(255)]],
  ])('%s', (userIdentity, names, others) => {
    const fits = (name: string) => isPinnedBy({ userIdentity, upstream: 0 }, name);
    expect(names.filter((name) => !fits(name))).toEqual([]);
    expect(others.filter(fits)).toEqual([]);
  });
});

describe('a stand-in', () => {
  const said = (lane: number, type: 'connected' | 'disconnected'): LaneOutcome => ({
    lane,
    outcome: { type } as ClientOutcome,
  });
  const outcomes = {
    A: said(0, 'connected'),
    a: said(0, 'disconnected'),
    B: said(1, 'connected'),
    b: said(1, 'disconnected'),
  };
  const values = {
    t: true,
    f: false,
  };

  it.each([
    ['is needed when all others have failed', 'a-b', '--t'],
    ['is not before all have', 'a--a-- 20s -', '15s f'],
    ['is not while one works', 'A-b-b- 20s -', '15s f'],
    ['is until another has lasted, and its last shares are answered', 'a-b--A- 20s -', '--t-- 15s f'],
    ['is again when that one did not last', 'a-b--A- 5s a- 20s -', '--t- 25s -'],
  ])('%s', (_, input, expected) =>
    marbles(({ cold, expectObservable }) => {
      const outcome$ = cold<LaneOutcome>(input, outcomes);
      const needed$ = outcome$.pipe(standInNeeded(2, 0, asyncScheduler));
      expectObservable(needed$, `^ 40s !`).toBe(expected, values);
    }),
  );
});
