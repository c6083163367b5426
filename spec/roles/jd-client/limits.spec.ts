/** What a declaration client does about those who do not answer: each is left for itself, and gone back to. */
import { describe, expect, it, jest } from '@jest/globals';
import { asyncScheduler, filter, map, mergeMap, timer } from 'rxjs';
import type { Message } from '../../../src/messages/index.js';
import { jdClient } from '../../../src/roles/jd-client/jd-client.js';
import { jdServer } from '../../../src/roles/jd-server/jd-server.js';
import { simulatedSource } from '../../../src/roles/template-provider/simulated-source.js';
import { templateProvider } from '../../../src/roles/template-provider/template-provider.js';
import type { Connection } from '../../../src/transport/connection.js';
import { memoryNetwork, type MemoryNetwork } from '../../../src/testing/memory.js';
import { memoryMiner, memoryPool, only, seeded, virtually, type Logged } from '../support.js';

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

/** Messages that never come. */
interface Silence {
  /** Of whom: `tp`, `tp-2`, `pool`, `jds`, `pool-2`, `jds-2`. */
  readonly of: string;
  readonly types: readonly Message['type'][];
  /** Seconds until they come; to the end unless given. */
  readonly until?: number;
}

/** Dials in plaintext, each address some milliseconds after another; what is silence does not come. */
const dial = (network: MemoryNetwork, address: string, after: number, silences: readonly Silence[]) =>
  timer(after).pipe(
    mergeMap(() => network.connect({ address, encrypted: false })),
    map((connection): Connection => {
      const message$ = connection.message$.pipe(
        filter(
          ({ type }) =>
            !silences.some(
              ({ of: whom, types, until = Infinity }) =>
                whom === address && types.includes(type) && asyncScheduler.now() < 1000 * until,
            ),
        ),
      );
      return {
        ...{ peer: connection.peer, frame$: connection.frame$, drained$: connection.drained$, message$ },
        send: (...messages) => connection.send(...messages),
        sendFrames: (...frames) => connection.sendFrames(...frames),
        queuedBytes: 0,
        pause: (until$) => connection.pause(until$),
        limitPayload: (bytes) => connection.limitPayload(bytes),
        close: () => connection.close(),
      };
    }),
  );

/** A client with two template providers and two pairs, a miner behind it, and who is silent. */
const play = (seconds: number, silences: readonly Silence[], providers: 1 | 2 = 2) => {
  const network = memoryNetwork();
  const logs = virtually(seconds, () => {
    const source = simulatedSource({ nbits: 0x1d00ffff, initialTransactions: 20 });
    const serve = (address: string) =>
      templateProvider({ listen: network.listen({ address }), source }).start();
    const pair = (name: string, seed: number) => {
      const script = Uint8Array.of(0x50 + seed);
      const declarator = jdServer({
        listen: network.listen({ address: `jds${name}` }),
        node: source,
        outputs: [{ value: 0n, scriptPubKey: script }],
        randomBytes: seeded(seed),
      });
      const pool = memoryPool(network, {
        listen: network.listen({ address: `pool${name}` }),
        payoutScript: script,
        sharesPerMinute: 30,
        randomBytes: seeded(seed),
        acceptCustomJob: declarator.acceptCustomJob,
        customBlockObserver: declarator.customBlockObserver,
      });
      return { pool: pool.start(), declarator: declarator.start() };
    };
    const [first, second] = [pair('', 1), pair('-2', 2)];
    const to = (address: string, after: number) => dial(network, address, after, silences);
    const all = [to('tp', 7), to('tp-2', 7)] as const;
    const client = jdClient({
      listen: network.listen({ address: 'jdc' }),
      pairs: [
        { pool: to('pool', 0), declarator: to('jds', 3), userIdentity: 'farm' },
        { pool: to('pool-2', 0), declarator: to('jds-2', 3), userIdentity: 'farm' },
      ],
      templateProvider: providers === 1 ? all[0] : all,
      sharesPerMinute: 30,
      randomBytes: seeded(5),
    });
    return {
      tp: serve('tp'),
      tp2: serve('tp-2'),
      pool: first.pool,
      declarator: first.declarator,
      pool2: second.pool,
      declarator2: second.declarator,
      client: client.start(),
      miner: memoryMiner(network, { connect: network.connect({ address: 'jdc', encrypted: false }) }).start(),
    };
  });
  const own = (type: string) =>
    only(logs.client, 'OwnWork')
      .map(({ at, pair, outcome }) => ({ ...(outcome as Logged & Record<string, unknown>), at, pair }))
      .filter((outcome) => outcome.type === type);
  return { logs, own };
};

describe('a template provider that never says what its transactions are', () => {
  const silence: Silence = {
    of: 'tp',
    types: ['RequestTransactionData.Success', 'RequestTransactionData.Error'],
  };

  it('is left after 20 seconds for the next one, and no pair answers for it', () => {
    const { logs, own } = play(60.123, [silence]);
    const [fault] = own('ProviderFault');
    expect(fault).toMatchObject({
      code: 'request-timeout',
      message: 'no answer to RequestTransactionData within 20000 ms',
      isLeft: true,
    });
    const waited = fault!.at - own('OwnJobStarted')[0]!.at;
    expect(waited).toBeGreaterThanOrEqual(20);
    expect(waited).toBeLessThan(22);
    expect(own('PairFaulty')).toEqual([]);
    expect(only(logs.client, 'UpstreamConnected').map(({ server }) => server)).toEqual([0]);
    expect(own('switched')).toMatchObject([{ protocol: 'templateDistribution', upstream: 1 }]);
    expect(own('OwnJobAccepted')[0]!.at).toBeGreaterThan(fault!.at);
    // what was mined until then is for the second one's jobs on the same tip
    expect(only(logs.pool, 'ShareAccepted').length).toBeGreaterThan(5);
    expect(only(logs.miner, 'disconnected')).toEqual([]);
  });

  it('is dialled anew when there is no other, and work goes on as soon as it speaks', () => {
    const { logs, own } = play(60.123, [{ ...silence, until: 30 }], 1);
    expect(own('PairFaulty')).toEqual([]);
    const faults = own('ProviderFault');
    // what it was asked anew after the first it did not answer either
    expect(faults.map(({ at }) => Math.round(at / 10))).toEqual([2, 4]);
    expect(own('OwnJobAccepted')[0]!.at).toBeLessThan(45);
    expect(only(logs.client, 'UpstreamConnected').map(({ server }) => server)).toEqual([0]);
    expect(only(logs.pool, 'ShareAccepted').length).toBeGreaterThan(2);
  });
});

describe('a pair', () => {
  const answers = ['SetCustomMiningJob.Success', 'SetCustomMiningJob.Error'] as const;

  it('whose pool does not answer a custom job is left after 20 seconds for the next, and come back to', () => {
    const { logs, own } = play(240.123, [{ of: 'pool', types: answers, until: 40 }]);
    const [faulty, ...others] = own('PairFaulty');
    expect(others).toEqual([]);
    expect(faulty).toMatchObject({
      ...{ pair: 0, code: 'request-timeout' },
      message: 'no answer to SetCustomMiningJob within 20000 ms',
    });
    const declared = own('OwnJobDeclared').find(({ pair }) => pair === 0);
    const waited = faulty!.at - declared!.at;
    expect(waited).toBeGreaterThanOrEqual(20);
    expect(waited).toBeLessThan(22);
    // the second pair meanwhile, then the first again, once it was good for a minute
    const uses = only(logs.client, 'UpstreamConnected');
    expect(uses.map(({ server }) => server)).toEqual([0, 1, 0]);
    const [, second, back] = uses;
    expect(second!.at).toBeLessThan(faulty!.at + 2);
    expect(back!.at - second!.at).toBeGreaterThanOrEqual(60);
    const credited = (log: readonly Logged[]) => only(log, 'ShareAccepted').map(({ at }) => at);
    expect(credited(logs.pool).every((at) => at > back!.at)).toBe(true);
    expect(credited(logs.pool).length).toBeGreaterThan(5);
    expect(credited(logs.pool2).length).toBeGreaterThan(5);
    expect(credited(logs.pool2).every((at) => at >= second!.at && at < back!.at + 1)).toBe(true);
    expect(only(logs.miner, 'disconnected')).toEqual([]);
  });

  it('whose declarator gives no tokens is never begun with: the next is there after its time limit', () => {
    const { logs, own } = play(60.123, [{ of: 'jds', types: ['AllocateMiningJobToken.Success'] }]);
    expect(own('PairFaulty')[0]).toMatchObject({
      ...{ pair: 0, code: 'request-timeout' },
      message: 'no answer to AllocateMiningJobToken within 20000 ms',
    });
    expect(only(logs.client, 'UpstreamConnected').map(({ server }) => server)).toEqual([1]);
    expect(only(logs.pool, 'ShareAccepted')).toEqual([]);
    expect(only(logs.pool2, 'ShareAccepted').length).toBeGreaterThan(2);
  });
});
