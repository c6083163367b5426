import { describe, it } from '@jest/globals';
import { bufferTime, filter, map, merge, timer } from 'rxjs';
import { openStandard, prevHashFor, template } from '../spec/mining/support.js';
import { CloseChannel, SubmitSharesStandard, UpdateChannel } from '../src/messages/mining.js';
import { pool, type PoolOptions } from '../src/roles/pool/pool.js';
import { like, marbles, setupConnection, testConnector } from '../src/testing/index.js';
import { clients, welcome } from './support.js';

const share = SubmitSharesStandard({
  channelId: 2,
  sequenceNumber: 1,
  jobId: 99,
  nonce: 0,
  ntime: 0,
  version: 0,
});
const miner = {
  s: setupConnection('mining'),
  o: openStandard({ nominalHashRate: 1e12 }),
  x: openStandard({ nominalHashRate: -1 }),
  h: share,
  u: UpdateChannel({ channelId: 99, nominalHashRate: 1, maximumTarget: new Uint8Array(32).fill(1) }),
  c: CloseChannel({ channelId: 99, reasonCode: '' }),
  ...Object.fromEntries(
    [2, 3, 4, 5].map((channelId) => [channelId, CloseChannel({ channelId, reasonCode: '' })]),
  ),
};

/** When, and why, a pool disconnects a miner that says these things. */
function expectDisconnected(
  says: string,
  expected: string,
  code: string,
  options: Partial<PoolOptions> = {},
  until = 5_000,
) {
  marbles(
    ({ connection, expectOutcomes }) => {
      const provider = connection('(wtp)', { w: welcome(), t: template(1), p: prevHashFor(1) });
      const { start } = pool({
        listen: clients(connection(says, miner)),
        templateProvider: testConnector([provider]),
        payoutScript: Uint8Array.of(0x51),
        ...options,
      });
      expectOutcomes(start(), 'disconnected', 'handlerError').toBe(expected, {
        d: like({ clientId: 1, reason: { code } }),
      });
    },
    { until },
  );
}

describe('a pool disconnects a miner', () => {
  const strict = { nonsenseBurst: 3, nonsensePerSecond: 0 };

  it.each([
    ['shares that are rejected', 'h'],
    ['channels that cannot be opened', 'x'],
    ['updates of channels that are not there', 'u'],
    ['the closing of channels that are not there', 'c'],
  ])('after too much of %s', (_, message) => {
    const all = message.repeat(3);
    expectDisconnected(`(so) 6ms ${all}-`, '', '', strict);
    expectDisconnected(`(so) 6ms ${all}-${message}`, '14ms d', 'too-much-nonsense', strict);
  });

  it('that opens and closes channels for its own amusement', () => {
    expectDisconnected('s-o2o3o4o5', '---------d', 'too-much-nonsense', strict);
  });

  it('that has lost its way and floods: 95 stale shares a second are enough after twelve seconds', () => {
    const second = `(${'h'.repeat(95)}) 903ms `;
    expectDisconnected(`(so) 996ms ${second.repeat(20)}`, '12s d', 'too-much-nonsense', {}, 20_000);
  });

  it('that has no channel in time, however busy it is', () => {
    expectDisconnected('s 3s c 3s c', '10s d', 'no-channel', { firstChannelTimeout: 10_000 }, 12_000);
    expectDisconnected('s 3s o 3s c', '', '', { firstChannelTimeout: 10_000 }, 12_000);
    expectDisconnected('s 3s c 3s c', '', '', { firstChannelTimeout: Infinity }, 12_000);
  });
});

describe('a pool keeps a miner', () => {
  it('whose every share is stale at the rate that vardiff aims at, and a flood of as many as 1,000', () => {
    expectDisconnected(`(so) 6ms (${'h'.repeat(1_000)})`, '', '');
    expectDisconnected(`(so) ${'5s h '.repeat(200)}`, '', '', { nonsenseBurst: 5 }, 1_100_000);
  });
});

describe('a pool that lets its miners go', () => {
  it('does so 500 at first, then 2,000 a second, and those that come at once', () => {
    marbles(
      ({ connection, expectObservable }) => {
        const provider = connection('(wtp)', { w: welcome(), t: template(1), p: prevHashFor(1) });
        const miners = Array.from({ length: 1_200 }, () => connection('s', miner));
        const { start } = pool({
          listen: merge(clients(...miners), timer(1_600).pipe(map(() => connection('s', miner)))),
          templateProvider: testConnector([provider]),
          payoutScript: Uint8Array.of(0x51),
          maxTemplateAge: 1_000,
          whenTemplateOld: 'let-go',
        });
        const gone$ = start().pipe(
          filter(({ type }) => type === 'disconnected'),
          bufferTime(10),
          filter(({ length }) => length > 0),
          map(({ length }) => length),
        );
        expectObservable(gone$, '2s !').toBe(`1s a ${'49ms b '.repeat(7)} 259ms c`, { a: 500, b: 100, c: 1 });
      },
      { until: 2_000 },
    );
  });
});
