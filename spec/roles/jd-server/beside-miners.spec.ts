/** A pool with a declaration server in its process, hostile clients of both, and honest miners beside them. */
import { describe, expect, it, jest } from '@jest/globals';
import { map, merge, mergeMap, switchMap, takeUntil, timer, type Observable } from 'rxjs';
import {
  AllocateMiningJobToken,
  DeclareMiningJob,
  jobDeclarationSetupFlags,
  miningSetupFlags,
  OpenExtendedMiningChannel,
  ProvideMissingTransactionsSuccess,
  PushSolution,
  SetCustomMiningJob,
  type Message,
} from '../../../src/messages/index.js';
import { jdClient } from '../../../src/roles/jd-client/jd-client.js';
import { jdServer } from '../../../src/roles/jd-server/jd-server.js';
import { simulatedSource } from '../../../src/roles/template-provider/simulated-source.js';
import { templateProvider } from '../../../src/roles/template-provider/template-provider.js';
import { createClient, ofEvent, sendToServer, type ClientEvent } from '../../../src/service/index.js';
import type { Connector } from '../../../src/transport/connection.js';
import { memoryNetwork, type MemoryNetwork } from '../../../src/testing/memory.js';
import { memoryMiner, memoryPool, only, seeded, virtually, type Logged } from '../support.js';

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

const poolScript = Uint8Array.of(0x51);
const nbits = 0x1d00ffff;
const zeros = (length: number) => new Uint8Array(length);

/** Ids of transactions that nobody has. */
const nobodysIds = (count: number, seed: number): Uint8Array[] =>
  Array.from({ length: count }, (_, index) => {
    const id = zeros(32);
    const view = new DataView(id.buffer);
    view.setUint32(0, index);
    view.setUint32(4, seed);
    return id;
  });

/** A coinbase for the next block of the simulated chain, with 32 bytes of extranonce, that pays the pool all there is. */
const coinbase = {
  coinbaseTxPrefix: Uint8Array.of(
    ...[2, 0, 0, 0, 1, ...zeros(32), 0xff, 0xff, 0xff, 0xff],
    ...[4 + 32, 3, 0xa0, 0xbb, 0x0d],
  ),
  coinbaseTxSuffix: Uint8Array.of(
    ...[0xff, 0xff, 0xff, 0xff, 1],
    ...[0x00, 0xca, 0x9a, 0x3b, 0, 0, 0, 0], // 1,000,000,000 satoshis
    ...[1, 0x51, 0, 0, 0, 0],
  ),
};

const declaration = (requestId: number, miningJobToken: Uint8Array, fields: Partial<DeclareMiningJob> = {}) =>
  DeclareMiningJob({
    ...{ requestId, miningJobToken, version: 0x2000_0000, ...coinbase },
    ...{ wtxidList: [], excessData: zeros(0) },
    ...fields,
  });

const allocate = (count: number, from: number): Message[] =>
  Array.from({ length: count }, (_, index) =>
    AllocateMiningJobToken({ userIdentifier: 'mallory', requestId: from + index }),
  );

/** What a client says again and again, and to what it is answered. */
interface Hostility {
  readonly protocol: 'jobDeclaration' | 'mining';
  /** Milliseconds between two times; none divides another, so that not all happens in one instant. */
  readonly every: number;
  say(time: number): readonly Message[];
  answer?(message: Message): readonly Message[];
}

const token = Uint8Array.from({ length: 16 }, (_, index) => index);

const hostilities: Readonly<Record<string, Hostility>> = {
  'a flood of tokens': {
    ...{ protocol: 'jobDeclaration', every: 211 },
    say: (time) => allocate(100, 100 * time),
  },
  'declarations with tokens of nobody': {
    ...{ protocol: 'jobDeclaration', every: 97 },
    say: (time) => [declaration(time, token)],
  },
  'coinbases that are none': {
    ...{ protocol: 'jobDeclaration', every: 503 },
    say: (time) => allocate(1, time),
    answer: (message) =>
      message.type === 'AllocateMiningJobToken.Success'
        ? [
            declaration(message.requestId, message.miningJobToken.slice(), {
              coinbaseTxPrefix: coinbase.coinbaseTxPrefix.slice(0, message.requestId % 42),
            }),
          ]
        : [],
  },
  'transactions that are not what was asked for': {
    ...{ protocol: 'jobDeclaration', every: 509 },
    say: (time) => allocate(1, time),
    answer(message) {
      if (message.type === 'AllocateMiningJobToken.Success')
        return [
          declaration(message.requestId, message.miningJobToken.slice(), { wtxidList: nobodysIds(3, 1) }),
        ];
      if (message.type !== 'ProvideMissingTransactions') return [];
      const transactionList = message.unknownTxPositionList.map(() => Uint8Array.of(1, 2, 3));
      return [ProvideMissingTransactionsSuccess({ requestId: message.requestId, transactionList })];
    },
  },
  'solutions of nothing': {
    ...{ protocol: 'jobDeclaration', every: 101 },
    say: () => [
      PushSolution({
        ...{ extranonce: zeros(32), prevHash: zeros(32), nonce: 1, ntime: 1, nbits, version: 1 },
      }),
    ],
  },
  'custom jobs with tokens of nobody': {
    ...{ protocol: 'mining', every: 499 },
    say: (time) =>
      time === 0
        ? [
            OpenExtendedMiningChannel({
              ...{ requestId: 1, userIdentity: 'mallory', nominalHashRate: 1e12, minExtranonceSize: 8 },
              maxTarget: new Uint8Array(32).fill(0xff),
            }),
          ]
        : [
            SetCustomMiningJob({
              ...{ channelId: time % 6, requestId: time, miningJobToken: token, version: 0x2000_0000 },
              ...{ prevHash: zeros(32), minNtime: 0, nbits, coinbaseTxVersion: 2, coinbasePrefix: zeros(8) },
              ...{ coinbaseTxInputNSequence: 0, coinbaseTxOutputs: Uint8Array.of(0), coinbaseTxLocktime: 0 },
              merklePath: [],
            }),
          ],
  },
};

/** Twenty of these together name more transactions than declarations under way may. */
const neverProvided = (seed: number): Hostility => ({
  ...{ protocol: 'jobDeclaration', every: 60_000 + seed },
  say: () => allocate(1, 1),
  answer: (message) =>
    message.type === 'AllocateMiningJobToken.Success'
      ? [declaration(2, message.miningJobToken.slice(), { wtxidList: nobodysIds(15_000, seed) })]
      : [],
});

const handler =
  ({ every, say, answer = () => [] }: Hostility) =>
  (event$: Observable<ClientEvent<Message>>) =>
    merge(
      event$.pipe(
        ofEvent('connected'),
        switchMap(() => timer(0, every).pipe(takeUntil(event$.pipe(ofEvent('disconnected'))))),
        map(say),
      ),
      event$.pipe(
        ofEvent('message'),
        map(({ message }) => answer(message)),
      ),
    ).pipe(mergeMap((messages) => (messages.length === 0 ? [] : [sendToServer(...messages)])));

/** A client that comes again when it is thrown out. */
const hostile = (network: MemoryNetwork, hostility: Hostility, index: number) => {
  const address = hostility.protocol === 'mining' ? 'pool' : 'jds';
  const connect: Connector = timer(31 * index + 11).pipe(
    mergeMap(() => network.connect({ address, encrypted: false })),
  );
  const says = handler(hostility) as never;
  return createClient({
    ...(hostility.protocol === 'mining'
      ? { mining: { connect, handler: says, flags: miningSetupFlags.requiresWorkSelection } }
      : { jobDeclaration: { connect, handler: says, flags: jobDeclarationSetupFlags.declareTxData } }),
    reconnect: { initialDelay: 1_000 + index, maxDelay: 1_000 + index },
  }).start();
};

const floods = [
  ...Object.values(hostilities),
  ...Array.from({ length: 20 }, (_, seed) => neverProvided(seed)),
];

/** A minute of a pool and its declaration server, of a miner and of one who declares. */
const play = (attacks: readonly Hostility[]) => {
  const network = memoryNetwork();
  return virtually(60.123, () => {
    const source = simulatedSource({ nbits, initialTransactions: 20 });
    const declarator = jdServer({
      listen: network.listen({ address: 'jds' }),
      node: source,
      outputs: [{ value: 0n, scriptPubKey: poolScript }],
      randomBytes: numbered(),
    });
    const pool = memoryPool(network, {
      payoutScript: poolScript,
      sharesPerMinute: 30,
      acceptCustomJob: declarator.acceptCustomJob,
      customBlockObserver: declarator.customBlockObserver,
    });
    const dial = (address: string, after: number): Connector =>
      timer(after).pipe(mergeMap(() => network.connect({ address, encrypted: false })));
    const client = jdClient({
      listen: network.listen({ address: 'jdc' }),
      pairs: [{ pool: dial('pool', 1), declarator: dial('jds', 3), userIdentity: 'farm' }],
      templateProvider: dial('own-tp', 7),
      sharesPerMinute: 30,
      randomBytes: seeded(5),
    });
    return {
      tp: templateProvider({ listen: network.listen({ address: 'tp' }), source }).start(),
      ownTp: templateProvider({ listen: network.listen({ address: 'own-tp' }), source }).start(),
      pool: pool.start(),
      declarator: declarator.start(),
      client: client.start(),
      declaring: memoryMiner(network, { connect: dial('jdc', 13), userIdentity: 'bob' }).start(),
      honest: memoryMiner(network, { hashRate: 2_100 }).start(),
      hostile: merge(...attacks.map((attack, index) => hostile(network, attack, index))),
    };
  });
};

/** Other bytes each time, the same in each run: no two tokens are alike. */
function numbered() {
  let count = 0;
  return (length: number): Uint8Array => {
    const bytes = zeros(length);
    new DataView(bytes.buffer).setUint32(0, (count += 1));
    return bytes;
  };
}

const codes = (log: readonly Logged[], type: string) =>
  new Set(only(log, type).map(({ errorCode }) => errorCode));

describe('a pool with a declaration server, of which hostile clients want the impossible', () => {
  const logs = play(floods);

  it('serves its own miner and one who declares as if nobody else were there', () => {
    expect(only(logs.honest, 'disconnected')).toEqual([]);
    expect(only(logs.declaring, 'disconnected')).toEqual([]);
    const fair = (log: readonly Logged[]) => codes(log, 'ShareRejected');
    expect([...fair(logs.honest), ...fair(logs.declaring)].filter((code) => code !== 'stale-share')).toEqual(
      [],
    );
    const quiet = play([]);
    for (const user of ['alice', 'farm']) {
      const credited = (log: readonly Logged[]) =>
        only(log, 'ShareAccepted').filter(({ userIdentity }) => userIdentity === user).length;
      expect(credited(quiet.pool)).toBeGreaterThan(10);
      expect(credited(logs.pool)).toBeGreaterThan(0.6 * credited(quiet.pool));
    }
    const own = only(logs.client, 'OwnWork').map(({ outcome }) => (outcome as Logged).type);
    expect(own).not.toContain('PairFaulty');
    expect(own.filter((type) => type === 'OwnJobAccepted').length).toBeGreaterThan(0);
  });

  it('names what is wrong with each', () => {
    expect(codes(logs.declarator, 'DeclarationRefused')).toEqual(
      new Set([
        ...['invalid-mining-job-token', 'invalid-coinbase-tx', 'missing-txs', 'too-many-declarations'],
      ]),
    );
    expect(codes(logs.pool, 'CustomJobRefused')).toEqual(new Set(['invalid-channel-id', 'stale-chain-tip']));
    expect(only(logs.declarator, 'SolutionRefused').length).toBeGreaterThan(0);
    const dropped = only(logs.declarator, 'TokenDropped').map(({ userIdentifier }) => userIdentifier);
    expect(new Set(dropped)).toEqual(new Set(['mallory']));
  });

  it('throws out who says nothing but nonsense, and keeps what it knows of them within limits', () => {
    const gone = only(logs.declarator, 'disconnected');
    expect(gone.length).toBeGreaterThan(3);
    expect(new Set(gone.map(({ reason }) => (reason as { readonly code: string }).code))).toEqual(
      new Set(['too-much-nonsense']),
    );
    // each connection, which is an address of its own here, has 256 tokens at most, whatever it asks for
    const counts = new Map<unknown, number>();
    const count = (type: string, by: number) => {
      for (const { clientId } of only(logs.declarator, type))
        counts.set(clientId, (counts.get(clientId) ?? 0) + by);
    };
    count('TokenAllocated', 1);
    expect(Math.max(...counts.values())).toBeGreaterThan(1_000);
    count('TokenDropped', -1);
    expect(Math.max(...counts.values())).toBe(256);
  });
});
