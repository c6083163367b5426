import { describe, expect, it } from '@jest/globals';
import { reportLines, totalsOf } from '../../src/cli/report.js';
import { poolFold, type PoolState } from '../../src/observe/pool-state.js';
import type { PoolOutcome } from '../../src/roles/pool/pool.js';
import { closed, connected, opened, rejectedShare, share } from '../observe/support.js';

/** The states of a pool to which this happens, at these seconds. */
function states(...happens: readonly (readonly [second: number, outcome?: PoolOutcome])[]): PoolState[] {
  const fold = poolFold(0);
  return happens.map(([second, outcome]) => {
    if (outcome !== undefined) fold.note(outcome, 1_000 * second);
    return fold.state(1_000 * second);
  });
}

/** The report from one second to another. */
const report = (all: readonly PoolState[], from: number, to: number): string[] => {
  const at = (second: number) => all.find(({ time }) => time === 1_000 * second) as PoolState;
  return reportLines(at(from), at(to)).map(({ text }) => text);
};

describe('the report of what users delivered', () => {
  it('counts what is new, with rates and how far they can be trusted', () => {
    const all = states(
      ...([
        [0, connected()],
        [1, opened('alice', { difficulty: 1 })],
        [2, share({ difficulty: 1 })],
        [60],
      ] as const),
      ...([[61, share({ difficulty: 1 })], [62, rejectedShare()], [120]] as const),
    );
    expect(report(all, 60, 120)).toEqual([
      'last 60 s: 1 share accepted, 1 rejected; 71.6 MH/s over 5 min (8.67 MH/s to 259 MH/s), ' +
        '71.6 MH/s over 1 h (8.67 MH/s to 259 MH/s); 1 user, 1 channel; 0 blocks since the start',
      'last 60 s: alice: 1 accepted, 1 rejected; 72.2 MH/s over 5 min (8.74 MH/s to 261 MH/s), ' +
        '72.2 MH/s over 1 h (8.74 MH/s to 261 MH/s); since the start 2 shares accepted, 1 rejected, difficulty 2, 0 blocks',
    ]);
    expect(totalsOf(all.at(-1) as PoolState)).toBe('2 shares accepted, 1 rejected, difficulty 2, 0 blocks');
  });

  it('lists who has a channel, silent or without a share, and for an hour who has none any more', () => {
    const all = states(
      ...([
        [0, connected()],
        [1, opened('alice')],
        [2, opened('bob', { channelId: 2 })],
        [3, share()],
      ] as const),
      ...([[600], [660, closed()], [661], [4_000]] as const),
    );
    const told = (from: number, to: number) =>
      report(all, from, to)
        .slice(1)
        .map((line) => line.replace(/; .*/, ''));
    expect(told(3, 600)).toEqual([
      'last 597 s: alice: 0 accepted, 0 rejected, last share 9:57 ago',
      'last 597 s: bob: 0 accepted, 0 rejected, no share yet',
    ]);
    expect(told(600, 661)[0]).toBe('last 61 s: alice: 0 accepted, 0 rejected, last share 10:58 ago, gone');
    expect(told(661, 4_000)).toEqual(['last 3339 s: bob: 0 accepted, 0 rejected, no share yet']);
  });

  it('lists named workers below their user, and no name can look like another part of the line', () => {
    const evil = 'rig: 5 accepted\n\u202e';
    const all = states(
      ...([[0], [1, connected()], [2, opened('a, b')], [3, share({ worker: evil })], [60]] as const),
    );
    const names = report(all, 0, 60)
      .slice(1)
      .map((line) => line.replace(/^last 60 s: (.*): 1 accepted.*/, '$1'));
    expect(names).toEqual(['"a, b"', '"a, b", "rig: 5 accepted\\n\\u202e"']);
  });

  it('has lines for the twenty users and workers of each who do most, and names all others who are here', () => {
    const users = Array.from({ length: 50 }, (_, index) => [
      [2, opened(`user ${index}`, { channelId: index + 1 })] as const,
      [10, share({ channelId: index + 1, difficulty: index + 1 })] as const,
    ]).flat();
    const workers = Array.from(
      { length: 50 },
      (_, index) => [20, share({ channelId: 50, worker: `w${index}` })] as const,
    );
    const all = states([0], [1, connected()], ...users, ...workers, [60]);
    const lines = report(all, 0, 60);
    expect(lines).toHaveLength(1 + 20 + 20 + 1 + 3);
    expect(lines[1]).toContain('"user 49":');
    expect(lines[22]).toBe('  and 30 more workers of "user 49", who did less');
    expect(lines.at(-1)).toMatch(/^ {2}and (".*" [\d.]+ .H\/s, ){9}"user 0" [\d.]+ .H\/s$/);
    for (let index = 0; index < 50; index++) expect(lines.join()).toContain(`"user ${index}"`);
  });

  it('names two hundred besides, says who is silent, and counts those beyond', () => {
    const users = Array.from(
      { length: 300 },
      (_, index) => [2, opened(`u${index}`, { channelId: index + 1 })] as const,
    );
    const work = [3, share({ channelId: 250 })] as const;
    const lines = report(states([0], [1, connected()], ...users, work, [600]), 0, 600);
    expect(lines[1]).toMatch(/^last 600 s: u249: 1 accepted/);
    expect(lines).toHaveLength(1 + 20 + 20 + 1);
    expect(lines[21]).toMatch(/^ {2}and u19 no share yet, /);
    expect(lines.at(-1)).toBe('  and 80 more users, who did less');
  });

  it('says nothing while nobody is here', () => {
    expect(report(states([0], [60]), 0, 60)).toEqual([]);
  });

  it('never counts less than nothing', () => {
    const [before] = states([0, connected()], [1, opened()], [2, share()]).slice(-1);
    const [after] = states([0, connected()], [1, opened()], [3]).slice(-1);
    const lines = reportLines(before as PoolState, after as PoolState).map(({ text }) => text);
    expect(lines.join()).not.toMatch(/-\d/);
  });
});
