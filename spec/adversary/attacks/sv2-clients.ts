/** What hostile clients of Stratum V2 do to a mining server. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloseChannel,
  createInitiator,
  encodeFrame,
  OpenExtendedMiningChannel,
  OpenStandardMiningChannel,
  RequestExtensions,
  sealFrames,
  SubmitSharesStandard,
  UpdateChannel,
  wasmCrypto,
} from 'rx-sv2';
import {
  openSocket,
  openStratumSocket,
  setupConnection,
  shakeHands,
  type StratumSocket,
} from '../../bench/stratum-socket.js';
import { again, type Attacks, type Battle, idle, repeated, rest, served, sockets, taken } from '../battle.js';

const all = new Uint8Array(32).fill(0xff);
const open = (requestId: number) =>
  OpenStandardMiningChannel({ requestId, userIdentity: 'attacker', nominalHashRate: 1e12, maxTarget: all });
const unknown = (messageType: number, payload: Uint8Array, extensionType = 0) =>
  frame(extensionType, messageType, payload.length, payload);

/** A frame whose header says what it likes. */
function frame(extensionType: number, messageType: number, length: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(6 + payload.length);
  bytes.set([
    extensionType & 0xff,
    extensionType >> 8,
    messageType,
    length & 0xff,
    (length >> 8) & 0xff,
    length >> 16,
  ]);
  bytes.set(payload, 6);
  return bytes;
}

/** Clients that send frames as fast as the pool takes them, read what it answers, and come back when they are thrown out. */
const flood =
  (
    clients: number,
    frames: (index: number) => readonly Uint8Array[],
    first?: (index: number) => readonly Uint8Array[],
  ) =>
  (battle: Battle) =>
    again(battle, clients, async (index) => {
      const { socket, send } = await openStratumSocket(battle.port);
      socket.on('error', () => undefined).resume();
      if (first !== undefined) socket.write(sealFrames(send, Buffer.concat(first(index))));
      while (!battle.over() && !socket.destroyed && !socket.readableEnded) {
        socket.write(sealFrames(send, Buffer.concat(frames(index))));
        await taken(socket);
      }
      socket.destroy();
    });

const invalidShare = (index: number) =>
  encodeFrame(
    SubmitSharesStandard({
      channelId: 1,
      sequenceNumber: index,
      jobId: 1,
      nonce: index,
      ntime: 1,
      version: 0x2000_0000,
    }),
  );

export const sv2Clients: Attacks = {
  'invalid-utf8': {
    title: '1,000 CloseChannel with invalid UTF-8, again and again',
    run: (() => {
      const bytes = encodeFrame(CloseChannel({ channelId: 1, reasonCode: 'x'.repeat(255) }));
      bytes.fill(0xff, bytes.length - 255);
      return flood(2, () => repeated(1_000, bytes));
    })(),
  },
  'invalid-shares': {
    title: 'ten clients with invalid shares at full speed',
    run: flood(
      10,
      () => Array.from({ length: 500 }, (_, index) => invalidShare(index)),
      () => [encodeFrame(open(1))],
    ),
  },
  'unknown-messages': {
    title: 'ten clients with unknown messages at full speed',
    run: flood(10, () => repeated(1_000, unknown(0x7f, new Uint8Array(8)))),
  },
  'request-extensions': {
    title: 'RequestExtensions at full speed',
    run: flood(5, (index) =>
      repeated(
        20,
        encodeFrame(
          RequestExtensions({
            requestId: index,
            requestedExtensions: Array.from({ length: 2_000 }, (_, extension) => extension + 0x100),
          }),
        ),
      ),
    ),
  },
  'open-close': {
    title: 'five clients open and close channels in a loop',
    run: flood(5, () =>
      Array.from({ length: 100 }, (_, index) => [
        encodeFrame(open(index)),
        encodeFrame(CloseChannel({ channelId: index + 1, reasonCode: '' })),
      ]).flat(),
    ),
  },
  'many-channels': {
    title: '80,000 channels on one connection',
    async run(battle) {
      const { socket, send } = await openStratumSocket(battle.port);
      socket.on('error', () => undefined).resume();
      for (let index = 0; index < 80_000 && !battle.over() && !socket.destroyed; index += 500) {
        socket.write(
          sealFrames(
            send,
            Buffer.concat(Array.from({ length: 500 }, (_, one) => encodeFrame(open(index + one)))),
          ),
        );
        await taken(socket);
      }
      await rest(battle);
      return undefined;
    },
  },
  'not-reading': {
    title: 'twenty clients with 400 extended channels each, which read nothing',
    async run(battle) {
      const clients: StratumSocket[] = [];
      for (let index = 0; index < 20; index += 1) clients.push(await openStratumSocket(battle.port));
      const request = (requestId: number) =>
        encodeFrame(
          OpenExtendedMiningChannel({
            requestId,
            userIdentity: 'attacker',
            nominalHashRate: 1e12,
            maxTarget: all,
            minExtranonceSize: 4,
          }),
        );
      const update = encodeFrame(UpdateChannel({ channelId: 1, nominalHashRate: 1e12, maximumTarget: all }));
      for (const { socket, send } of clients) {
        socket.on('error', () => undefined);
        socket.write(
          sealFrames(send, Buffer.concat(Array.from({ length: 400 }, (_, index) => request(index)))),
        );
      }
      await again(battle, clients.length, async (index) => {
        const { socket, send } = clients[index] as StratumSocket;
        if (socket.writableLength < 1_000_000)
          socket.write(sealFrames(send, Buffer.concat(repeated(500, update))));
        await sleep(20);
      });
      return undefined;
    },
  },
  idle,
  'slow-handshakes': {
    title: '2,000 handshakes, a byte at a time',
    async run(battle) {
      const opened = await sockets(2_000, battle, () => undefined);
      while (!battle.over()) {
        for (const socket of opened) if (socket.writable) socket.write(randomBytes(1));
        await sleep(150);
      }
      return undefined;
    },
  },
  returning: {
    title: '5,000 miners that return at once',
    milliseconds: 40_000,
    // milliseconds until the last of them has a channel
    atMost: { last: 10_000 },
    async run({ port }) {
      // keys are made beforehand, as miners make theirs on 5,000 processors
      const crypto = await wasmCrypto();
      const initiators = Array.from({ length: 5_000 }, () => createInitiator(crypto, undefined));
      return served(initiators.length, async (index) => {
        const client = await shakeHands(await openSocket(port), initiators[index]);
        await client.request([setupConnection(), open(index)], 2);
      });
    },
  },
  'half-open': {
    title: '500 clients that close their half and read nothing',
    run: (battle) =>
      again(battle, 50, async (index) => {
        const socket = await openSocket(battle.port, { allowHalfOpen: true });
        const { send } = await shakeHands(socket.on('error', () => undefined));
        socket.end(
          sealFrames(send, Buffer.concat([encodeFrame(setupConnection()), encodeFrame(open(index))])),
        );
        await sleep(500);
        socket.destroy();
      }),
  },
  'giant-frames': {
    title: 'two hundred clients announce frames of 16 MiB and send a little of them',
    async run(battle) {
      const clients: StratumSocket[] = [];
      await again({ ...battle, over: () => battle.over() || clients.length >= 200 }, 20, async () => {
        const client = await openStratumSocket(battle.port);
        client.socket.on('error', () => undefined).resume();
        clients.push(client);
        const bytes = frame(0, 0x1a, 65_000, new Uint8Array(65_000));
        bytes.set([0xff, 0xff, 0xff], 3);
        const header = new Uint8Array(22);
        client.send.encrypt(new Uint8Array(0), bytes, 0, 6, header, 0);
        client.socket.write(header);
        client.socket.write(new Uint8Array(1_000));
      });
      await rest(battle);
      return undefined;
    },
  },
  'garbage-handshakes': {
    title: 'a storm of connections with a random act 1, gone at once',
    run: (battle) =>
      again(battle, 100, async () => {
        const socket = await openSocket(battle.port);
        socket.on('error', () => undefined).resume();
        socket.write(randomBytes(64));
        await sleep(20);
        socket.resetAndDestroy();
      }),
  },
  'refused-setups': {
    title: 'clients whose SetupConnection has flags that nobody knows, again and again',
    run: (battle) =>
      again(battle, 30, async () => {
        const { socket, send } = await shakeHands(await openSocket(battle.port));
        socket.on('error', () => undefined).resume();
        socket.write(sealFrames(send, encodeFrame(setupConnection({ flags: 0xffff_ffff }))));
        await Promise.race([once(socket, 'end'), once(socket, 'close'), sleep(500)]);
        socket.destroy();
      }),
  },
  'unknown-extensions': {
    title: 'four clients with frames of an unknown extension, 8 bytes to 16 MB',
    run: flood(4, (index) => [
      unknown(1, new Uint8Array(index % 2 === 0 ? 8 : 15_000_000), 0x1234),
      ...repeated(200, unknown(1, new Uint8Array(8), 0x1234)),
    ]),
  },
};
