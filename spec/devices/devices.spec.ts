import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { defer, merge, of, Subject, throwError } from 'rxjs';
import { memoryNetwork } from '../../src/testing/memory.js';
import { memoryStreams } from '../../src/testing/memory-streams.js';
import { acceptConnections } from '../../src/transport/accept-connections.js';
import type { ByteStream } from '../../src/transport/byte-stream.js';
import {
  during,
  memoryPool,
  memoryTemplateProvider,
  only,
  virtually,
  type Logged,
} from '../roles/support.js';
import { bitaxe } from './bitaxe.js';
import { device, type Line } from './device.js';
import { translator } from './translator.js';

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

/** Nothing hashed here is a block, but targets may be as easy as vardiff likes. */
const nbits = 0x1d00ffff;
const hashRate = 1_200;

/** Times in seconds: the pool is down from the first to the second, so is the template provider. */
const restarts = [
  [1_800, 1_805],
  [2_700, 2_730],
] as const;
const outages = [
  [600, 900],
  [2_400, 2_410],
  [3_000, 3_240],
] as const;

/** Dials whoever listens, if anybody does. */
const dial = (listening$: Subject<ByteStream>) =>
  defer(() => {
    if (!listening$.observed) return throwError(() => new Error('nobody listens'));
    const [near, far] = memoryStreams('pool', 'device');
    listening$.next(far);
    return of<Line>({ ...near, close: () => near.destroy() });
  });

/** Runs something but for these times. */
const except = <T>(
  gaps: readonly (readonly [number, number])[],
  run: (part: number) => T,
): readonly (readonly [number, number, T])[] => {
  const starts = [0, ...gaps.map(([, end]) => end)];
  const ends = [...gaps.map(([start]) => start), 3_600];
  return starts.map((start, part) => [start, ends[part] as number, run(part)]);
};

describe.each([
  ["Bitaxe's firmware on a standard channel", bitaxe('standard')],
  ["Bitaxe's firmware on an extended channel", bitaxe('extended')],
  ["the reference's translator", translator(hashRate)],
] as const)('%s at our pool, for an hour of renewals, tips, outages and restarts', (_, firmware) => {
  let device$: readonly Logged[] = [];
  let pool: readonly Logged[] = [];

  beforeAll(() => {
    const network = memoryNetwork();
    const stream$ = new Subject<ByteStream>();
    const logs = virtually(3_600, () => ({
      provider: merge(
        ...except(outages, (part) =>
          memoryTemplateProvider(network, {
            nbits,
            seed: 1 + part,
            blockInterval: 311_000,
            refreshInterval: 15_000,
            transactionsPerSecond: 0.2,
            initialTransactions: 10,
          }).start(),
        ).map(([from, to, run$]) => during(from, to, run$)),
      ),
      pool: merge(
        ...except(restarts, (part) =>
          memoryPool(network, {
            listen: stream$.pipe(acceptConnections({})),
            sharesPerMinute: 10,
            randomBytes: (length) => new Uint8Array(length).fill(1 + part),
          }).start(),
        ).map(([from, to, run$]) => during(from, to, run$)),
      ),
      device: device(dial(stream$), firmware, hashRate),
    }));
    ({ device: device$, pool } = logs);
  }, 120_000);

  it('has no share rejected, but those that a new tip overtook', () => {
    const tips = only(pool, 'NewTip').map(({ at }) => at);
    const unexplained = only(device$, 'Rejected').filter(
      ({ at, errorCode }) => errorCode !== 'stale-share' || !tips.some((tip) => at >= tip && at <= tip + 1),
    );
    expect(unexplained).toEqual([]);
    expect(only(pool, 'ShareRejected').length).toBe(only(device$, 'Rejected').length);
  });

  it('is accepted all the time that there is a pool', () => {
    const times = only(pool, 'ShareAccepted').map(({ at }) => at);
    expect(times.length).toBeGreaterThan(300);
    const isDown = (from: number, to: number) => restarts.some(([down, up]) => from < up && to > down);
    const gaps = times.map((at, index) => [times[index - 1] ?? 0, at] as const).slice(1);
    // a channel begins with the target that a nominal rate of 10^12 has, or with what vardiff makes of silence
    const long = gaps.filter(([from, to]) => to - from > 120 && !isDown(from, to) && from > 300);
    expect(long).toEqual([]);
  });

  it('is given nothing in routine operation that it does not understand', () => {
    expect(only(device$, 'Dropped')).toEqual([]);
    expect(only(device$, 'Ignored').map(({ message }) => message)).toEqual([]);
    const isDown = (at: number) => at === 0 || restarts.some(([down, up]) => at >= down && at <= up);
    expect(only(device$, 'Disconnected').filter(({ at }) => !isDown(at))).toEqual([]);
  });
});
