/** What hostile clients do to a declaration server. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AllocateMiningJobToken,
  DeclareMiningJob,
  encodeFrame,
  jobDeclarationSetupFlags,
  ProvideMissingTransactionsSuccess,
  PushSolution,
  sealFrames,
  type Message,
} from 'rx-sv2';
import {
  openFrames,
  openSocket,
  setupConnection,
  shakeHands,
  type StratumSocket,
} from '../../bench/stratum-socket.js';
import { again, taken, type Attacks, type Battle } from '../battle.js';

/** Sets up a connection for the Job Declaration Protocol. */
async function openClient({ port }: Battle): Promise<StratumSocket> {
  const client = await shakeHands(await openSocket(port));
  await client.request([setupConnection({ protocol: 1, flags: jobDeclarationSetupFlags.declareTxData })], 1);
  return client;
}

const write = ({ socket, send }: StratumSocket, messages: readonly Message[]) => {
  for (const message of messages) socket.write(sealFrames(send, encodeFrame(message)));
  return taken(socket);
};

const allocate = (requestId: number) => AllocateMiningJobToken({ userIdentifier: 'mallory', requestId });

/** Says the same again and again, and reads what is answered. */
const flood = (clients: number, messages: (index: number) => readonly Message[]) => (battle: Battle) =>
  again(battle, clients, async (index) => {
    const client = await openClient(battle);
    client.socket.on('error', () => undefined).resume();
    while (!battle.over() && !client.socket.destroyed && !client.socket.readableEnded)
      await write(client, messages(index));
    client.socket.destroy();
  });

const zeros = (length: number): number[] => Array<number>(length).fill(0);
/** Of a coinbase for height 102 with 8 bytes of extranonce to come, which pays the pool all there is. */
const prefix = Uint8Array.of(1, 0, 0, 0, 1, ...zeros(32), 0xff, 0xff, 0xff, 0xff, 10, 1, 102);
const suffix = Uint8Array.of(
  ...[0xff, 0xff, 0xff, 0xff, 1],
  ...[0x00, 0xf2, 0x05, 0x2a, 1, 0, 0, 0], // 5,000,000,000 satoshis
  ...[1, 0x51, 0, 0, 0, 0],
);

const ids = (count: number): Uint8Array[] => {
  const bytes = randomBytes(32 * count);
  return Array.from({ length: count }, (_, index) => bytes.subarray(32 * index, 32 * index + 32));
};

const declaration = (
  requestId: number,
  miningJobToken: Uint8Array,
  changes: Partial<DeclareMiningJob> = {},
): Message =>
  DeclareMiningJob({
    ...{ requestId, miningJobToken, version: 0x2000_0000, coinbaseTxPrefix: prefix },
    ...{ coinbaseTxSuffix: suffix, wtxidList: [], excessData: new Uint8Array(0) },
    ...changes,
  });

/** Gets tokens, and declares something with each; the tokens of one round are asked for at once. */
const declaring =
  (
    clients: number,
    perRound: number,
    say: (requestId: number, token: Uint8Array) => readonly Message[],
    pause = 0,
  ) =>
  (battle: Battle) =>
    again(battle, clients, async () => {
      const client = await openClient(battle);
      const { socket, opener } = client;
      socket.on('error', () => undefined);
      let requestId = 0;
      socket.on('data', (chunk: Buffer) => {
        for (const answer of openFrames(opener, new Uint8Array(chunk)))
          if (answer.type === 'AllocateMiningJobToken.Success')
            for (const message of say((requestId += 1), answer.miningJobToken))
              socket.write(sealFrames(client.send, encodeFrame(message)));
      });
      while (!battle.over() && !socket.destroyed && !socket.readableEnded) {
        await write(
          client,
          Array.from({ length: perRound }, () => allocate(1)),
        );
        await sleep(pause);
      }
      socket.destroy();
    });

export const declaringClients: Attacks = {
  tokens: {
    title: 'ten clients ask for tokens at full speed',
    run: flood(10, () => Array.from({ length: 500 }, (_, index) => allocate(index))),
  },
  'missing-transactions': {
    title: '60 clients declare four jobs each of 16,000 transactions that nobody knows, and provide none',
    run: (() => {
      const wtxidList = ids(16_000);
      return declaring(60, 4, (requestId, token) => [declaration(requestId, token, { wtxidList })], 5_000);
    })(),
  },
  'too-many-transactions': {
    title: 'five clients declare jobs of 65,535 transactions',
    run: (() => {
      const wtxidList = ids(65_535);
      return declaring(5, 2, (requestId, token) => [declaration(requestId, token, { wtxidList })], 200);
    })(),
  },
  'wrong-transactions': {
    title: 'ten clients declare 16,000 transactions and provide as many that are none',
    run: (() => {
      const wtxidList = ids(16_000);
      const transactionList = wtxidList.map((id) => id.subarray(0, 10));
      return declaring(
        10,
        1,
        (requestId, token) => [
          declaration(requestId, token, { wtxidList }),
          ProvideMissingTransactionsSuccess({ requestId, transactionList }),
        ],
        100,
      );
    })(),
  },
  'short-prefixes': {
    title: 'ten clients declare coinbases of 0 bytes up to a whole one less one',
    run: declaring(10, 50, (requestId, token) => [
      declaration(requestId, token, { coinbaseTxPrefix: prefix.subarray(0, requestId % prefix.length) }),
    ]),
  },
  'lying-coinbases': {
    title: 'ten clients declare coinbases of 64 KiB whose counts and lengths are lies',
    run: declaring(10, 10, (requestId, token) => {
      const lying = new Uint8Array(60_000).fill(0xff);
      lying.set(requestId % 2 === 0 ? prefix : prefix.subarray(0, 5));
      return [declaration(requestId, token, { coinbaseTxPrefix: lying, coinbaseTxSuffix: lying })];
    }),
  },
  'unknown-tokens': {
    title: 'ten clients declare with tokens that nobody gave them',
    run: flood(10, () =>
      Array.from({ length: 100 }, (_, index) => declaration(index, randomBytes(16), { wtxidList: ids(10) })),
    ),
  },
  solutions: {
    title: 'ten clients push solutions of jobs that they never declared',
    run: flood(10, () =>
      Array.from({ length: 200 }, (_, nonce) =>
        PushSolution({
          ...{ extranonce: randomBytes(8), prevHash: randomBytes(32), nonce, ntime: nonce },
          ...{ nbits: 0x207f_ffff, version: 0x2000_0000 },
        }),
      ),
    ),
  },
};
