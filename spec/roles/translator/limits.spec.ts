/** The limits that a pool has for its clients hold for those that speak Stratum V1. */
import { expect, it } from '@jest/globals';
import { concat, defer, delay, from, mergeMap, of, type Observable } from 'rxjs';
import { sv1Miners } from '../../../src/roles/translator/sv1-miners.js';
import { memoryNetwork } from '../../../src/testing/memory.js';
import type { Message } from '../../../src/messages/index.js';
import type { Sv1Connection, Sv1Received } from '../../../src/sv1/index.js';
import { decodeSv1 } from '../../../src/sv1/index.js';
import { during, memoryTemplateProvider, only, virtually } from '../support.js';
import { nbits, poolWithSv1, rawMiner, topics } from './raw-miners.js';

const hello = [
  '{"id":2,"method":"mining.subscribe","params":["cgminer/4.12"]}\n',
  '{"id":3,"method":"mining.authorize","params":["alice.rig1","x"]}\n',
];
const provider = (network: ReturnType<typeof memoryNetwork>) =>
  memoryTemplateProvider(network, { nbits, seed: 1, blockInterval: 1e9, refreshInterval: 1e9 }).start();

it('channels in all: who is one too many is told so, and goes', () => {
  const network = memoryNetwork();
  const { pool, event$ } = poolWithSv1(network, {}, { maxChannels: 2 });
  const logs = virtually(10, () => ({
    provider: provider(network),
    pool: pool.start(),
    event: event$,
    first: during(1, 10, rawMiner(network.dial('sv1'), hello)),
    second: during(1, 10, rawMiner(network.dial('sv1'), hello)),
    third: during(2, 10, rawMiner(network.dial('sv1'), hello)),
  }));
  expect(only(logs.event, 'Sv1Ended')).toMatchObject([{ code: 'channel-refused' }]);
  expect(topics(logs.third)).toEqual([2, 3]);
  expect(only(logs.third, 'ended')).toHaveLength(1);
  for (const name of ['first', 'second'] as const) expect(topics(logs[name])).toContain('mining.notify');
});

it('time to set up: who only knocks goes, and has cost no channel (R12)', () => {
  const network = memoryNetwork();
  const { pool } = poolWithSv1(network);
  const logs = virtually(60, () => ({
    provider: provider(network),
    pool: pool.start(),
    knocker: during(1, 60, rawMiner(network.dial('sv1'), hello.slice(0, 1))),
    slow: during(1, 60, rawMiner(network.dial('sv1'), ['{'])),
    honest: during(1, 60, rawMiner(network.dial('sv1'), hello)),
  }));
  for (const name of ['knocker', 'slow'] as const)
    expect(only(logs[name], 'ended').map(({ at }) => Math.round(at))).toEqual([11]);
  expect(only(logs.honest, 'ended')).toEqual([]);
  expect(only(logs.pool, 'ChannelOpened')).toHaveLength(1);
});

it('nonsense: as much as the setting says, with the same forgiveness', () => {
  const network = memoryNetwork();
  const { pool, event$ } = poolWithSv1(network, { nonsenseBurst: 20, nonsensePerSecond: 1 });
  const dance = '{"id":9,"method":"mining.dance","params":[]}\n';
  const logs = virtually(30, () => ({
    provider: provider(network),
    pool: pool.start(),
    event: event$,
    flood: during(1, 30, rawMiner(network.dial('sv1'), [...hello, dance.repeat(21)])),
    twenty: during(1, 30, rawMiner(network.dial('sv1'), [...hello, dance.repeat(20)])),
  }));
  expect(only(logs.event, 'Sv1Ended')).toMatchObject([{ code: 'too-much-nonsense' }]);
  expect(only(logs.flood, 'ended')).toHaveLength(1);
  expect(only(logs.twenty, 'ended')).toEqual([]);
});

it('a share that was answered counts, though the connection breaks behind it', () => {
  // the connection gives everything in one turn, and breaks in it
  const lines = [
    '{"id":1,"method":"mining.subscribe","params":["x"]}',
    '{"id":2,"method":"mining.authorize","params":["alice","x"]}',
  ].map(decodeSv1);
  const broken = {
    peer: { address: 'test:1', encrypted: false },
    message$: concat(
      from(lines),
      defer((): Observable<Sv1Received> => {
        throw new Error('reset');
      }),
    ),
    send: () => undefined,
    close: () => undefined,
    pause: () => undefined,
    queuedBytes: 0,
    drained$: of().pipe(delay(0)),
  } as unknown as Sv1Connection;
  const toServer: Message[] = [];
  const errors: unknown[] = [];
  const listening = of(broken)
    .pipe(
      sv1Miners(),
      mergeMap(({ message$ }) => message$),
    )
    .subscribe({ next: (message) => toServer.push(message), error: (error: unknown) => errors.push(error) });
  listening.unsubscribe();
  expect(toServer.map(({ type }) => type)).toEqual(['SetupConnection']);
  expect(errors).toHaveLength(1);
});
