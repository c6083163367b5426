/** A miner of Stratum V1 that has a list of pools. */
import { expect, it } from '@jest/globals';
import {
  asyncScheduler,
  concat,
  defer,
  merge,
  mergeMap,
  NEVER,
  of,
  takeUntil,
  throwError,
  timer,
} from 'rxjs';
import { mineSv1 } from '../../../src/roles/miner/sv1-miner.js';
import type { Sv1Connector } from '../../../src/sv1/connection.js';
import { testSv1Connection, type TestSv1Connection } from '../../../src/testing/index.js';
import { during, only, virtually, virtualHasher } from '../support.js';

const says = (job: string): readonly string[] => [
  '{"id":1,"result":[[["mining.notify","1"]],"aabbccdd",4],"error":null}',
  '{"id":3,"result":true,"error":null}',
  '{"id":null,"method":"mining.set_difficulty","params":[1e-7]}',
  `{"id":null,"method":"mining.notify","params":["${job}","${'00'.repeat(32)}","01","02",[],"20000000","170331db","65000000",true]}`,
];

/** A server that is there for some of the time, in seconds, and what it was sent. */
function serverAt(job: string, times: readonly (readonly [from: number, to: number])[], speaks = says(job)) {
  const connections: TestSv1Connection[] = [];
  const connect: Sv1Connector = defer(() => {
    const now = asyncScheduler.now() / 1_000;
    const present = times.find(([from, to]) => now >= from && now < to);
    if (present === undefined) return throwError(() => new Error('nobody there'));
    const message$ = concat(timer(1).pipe(mergeMap(() => speaks)), NEVER);
    const connection = testSv1Connection(message$.pipe(takeUntil(timer(1_000 * (present[1] - now)))));
    connections.push(connection);
    return of(connection);
  });
  return { connect, connections };
}

const mineAt = (
  seconds: number,
  ...servers: readonly [ReturnType<typeof serverAt>, ...ReturnType<typeof serverAt>[]]
) =>
  virtually(seconds, () => ({
    miner: during(
      0.5,
      seconds,
      mineSv1({
        connect: servers.map(({ connect }) => connect) as [Sv1Connector, ...Sv1Connector[]],
        user: 'bob',
        hasher$: merge(of(virtualHasher(1_000)), NEVER),
        random: () => 0.5,
      }),
    ),
  })).miner;

const jobsOf = (log: ReturnType<typeof mineAt>, from: number, to: number) =>
  new Set(
    only(log, 'ShareFound')
      .filter(({ at }) => at >= from && at < to)
      .map(({ jobId }) => jobId),
  );

it('mines for the next of its pools while one is away, and goes back when that has been good for a minute', () => {
  const log = mineAt(
    200,
    serverAt('one', [
      [0, 40],
      [60, 1_000],
    ]),
    serverAt('two', [[0, 1_000]]),
  );
  expect(only(log, 'Sv1Connected').map(({ upstream }) => upstream)).toEqual([0, 1, 0]);
  const left = only(log, 'Sv1Disconnected').map(({ reason, next }) => [
    (reason as { code: string }).code,
    next,
  ]);
  expect(left).toEqual([
    ['peer-closed', 1],
    ['better-upstream', 0],
  ]);
  const [, , back] = only(log, 'Sv1Connected');
  expect(back!.at).toBeGreaterThanOrEqual(120);
  expect(back!.at).toBeLessThan(180);
  expect(jobsOf(log, 2, 40)).toEqual(new Set(['one']));
  expect(jobsOf(log, 45, 119)).toEqual(new Set(['two']));
  expect(jobsOf(log, back!.at + 1, 200)).toEqual(new Set(['one']));
});

it('does not go back to a pool that is there and gives no work, nor to one that refuses it', () => {
  const silent = serverAt('one', [[10, 1_000]], []);
  const refuses = serverAt('two', [[10, 1_000]], ['{"id":3,"result":false,"error":[24,"no",null]}']);
  const log = mineAt(170, silent, refuses, serverAt('three', [[0, 1_000]]));
  expect(only(log, 'Sv1Connected').map(({ upstream }) => upstream)).toEqual([2]);
  expect(jobsOf(log, 10, 170)).toEqual(new Set(['three']));
  // both were tried more than once meanwhile, and nothing was mined for them
  for (const { connections } of [silent, refuses]) expect(connections.length).toBeGreaterThan(1);
});

it('has one pool as before: for ever, with waits that grow', () => {
  const log = mineAt(100, serverAt('one', [[50, 1_000]]));
  const waits = only(log, 'Sv1Disconnected').map(({ retryIn }) => retryIn);
  expect(waits.slice(0, 5)).toEqual([750, 1_500, 3_000, 6_000, 12_000]);
  expect(only(log, 'Sv1Connected')).toHaveLength(1);
});
