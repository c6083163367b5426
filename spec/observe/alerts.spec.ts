import { describe, expect, it } from '@jest/globals';
import type { PoolOutcome } from 'rx-sv2';
import { alerts, poolFold, type AlertChange, type AlertOptions, type PoolState } from 'rx-sv2/observe';
import { marbles } from 'rx-sv2/testing';
import { connected, opened, provider, rejectedShare, share, template } from './support.js';

/** What is told of a pool to which this happens, at these seconds; it is looked at every ten. */
function told(
  happens: Readonly<Record<number, readonly PoolOutcome[]>>,
  until: number,
  options: AlertOptions = {},
): readonly string[] {
  const changes: AlertChange[] = [];
  const states: PoolState[] = [];
  const fold = poolFold(0);
  for (let second = 0; second <= until; second++) {
    for (const outcome of happens[second] ?? []) fold.note(outcome, 1_000 * second);
    if (second % 10 === 0) states.push(fold.state(1_000 * second));
  }
  marbles(({ cold, flush }) => {
    const marks = states.map((_, index) => String.fromCodePoint(0x4e00 + index));
    const subscription = cold<PoolState>(
      marks.join(''),
      Object.fromEntries(marks.map((mark, index) => [mark, states[index] as PoolState])),
    )
      .pipe(alerts({ templateAge: Infinity, upstreamAway: Infinity, ...options }))
      .subscribe((change) => changes.push(change));
    flush();
    subscription.unsubscribe();
  });
  return changes.map((change) =>
    change.type === 'AlertRaised'
      ? `${change.since / 1_000}: ${change.message}`
      : `${change.at / 1_000}: over: ${change.kind} ${change.subject}`,
  );
}

/** A share every so many seconds, from and until. */
const every = (seconds: number, from: number, until: number): Record<number, PoolOutcome[]> =>
  Object.fromEntries(
    Array.from({ length: Math.floor((until - from) / seconds) + 1 }, (_, index) => [
      from + index * seconds,
      [share()],
    ]),
  );

const opening = { 0: [connected(), opened()] };

describe('alerts', () => {
  it('tell of a worker that falls silent, and that it is back', () => {
    expect(told({ ...opening, ...every(10, 10, 300), ...every(10, 1_500, 1_600) }, 1_600)).toEqual([
      '300: worker alice has delivered nothing for 10 minutes',
      '1500: over: worker-silent alice',
    ]);
  });

  it('do not take rare shares for silence, nor a worker that has not begun', () => {
    expect(told({ ...opening, ...every(900, 100, 9_100) }, 10_000)).toEqual([]);
    expect(told(opening, 3_000)).toEqual([]);
    expect(told({ ...opening, ...every(10, 10, 60) }, 3_000, { workerSilence: Infinity })).toEqual([]);
  });

  it('tell of templates that are old, or never came, until there is one', () => {
    expect(
      told({ ...opening, 100: [template()], 900: [template()] }, 1_000, { templateAge: 600_000 }),
    ).toEqual(['100: there is no new template for 10 minutes', '900: over: template-stale ']);
    expect(told({}, 100, { templateAge: 60_000 })).toEqual(['0: there is no new template for 1 minutes']);
  });

  it('tell of a template provider that is away for a while, not of one that is back at once', () => {
    const lost = {
      100: [provider()],
      200: [provider(false)],
      220: [provider()],
      300: [provider(false)],
      400: [provider()],
    };
    expect(told(lost, 500, { upstreamAway: 30_000 })).toEqual([
      '0: no connection for templateDistribution',
      '100: over: upstream-lost templateDistribution',
      '300: no connection for templateDistribution (tp:8442): the network broke',
      '400: over: upstream-lost templateDistribution',
    ]);
  });

  it('tell of rejects that rise above what is usual, and that they are few again', () => {
    const happens: Record<number, PoolOutcome[]> = { ...every(10, 10, 4_000), 0: [connected(), opened()] };
    for (let second = 1_000; second < 1_100; second += 10) happens[second + 1] = [rejectedShare()];
    const [raised, cleared, ...others] = told(happens, 4_000);
    expect(raised).toMatch(/^10\d0: \d of \d\d shares were rejected in the last \d+ minutes$/);
    expect(cleared).toMatch(/^1[67]\d0: over: rejects-rising $/);
    expect(others).toEqual([]);
    expect(told({ ...opening, 1: [rejectedShare(), rejectedShare()] }, 100)).toEqual([]);
  });

  it('are no more than there is room for', () => {
    const outcomes = Array.from({ length: 50 }, (_, index) => [
      opened(`user ${index}`, { channelId: index + 1 }),
      share({ channelId: index + 1 }),
    ]).flat();
    const changes = told({ 0: [connected(), ...outcomes] }, 700, { maxAlerts: 7 });
    expect(changes).toHaveLength(7);
  });
});
