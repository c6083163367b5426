import { setImmediate as setTurn } from 'node:timers';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { concat, NEVER, of, Subject, VirtualTimeScheduler, type Subscription } from 'rxjs';
import { blockHash, meetsTarget } from '../../src/bitcoin/index.js';
import { decodeText } from '../../src/codec/text.js';
import { decodeMessage, encodeFrame, encodeFrames, frameAssembler } from '../../src/framing/index.js';
import {
  CloseChannel,
  messageCreators,
  OpenExtendedMiningChannel,
  OpenStandardMiningChannel,
  RequestExtensions,
  SetupConnectionSuccess,
  SubmitSharesStandard,
  UnknownMessage,
  UpdateChannel,
  type Message,
} from '../../src/messages/index.js';
import {
  miningClient,
  nextWork,
  shareFrom,
  submission,
  workHeader,
  type ClientChannel,
  type MiningServerMessage,
} from '../../src/mining/index.js';
import { pool } from '../../src/roles/pool/pool.js';
import { messageArbitrary, unknownMessageArbitrary } from '../../src/testing/arbitraries.js';
import { setupConnection } from '../../src/testing/fixtures.js';
import { testConnection, testConnector } from '../../src/testing/index.js';
import { acceptConnections } from '../../src/transport/accept-connections.js';
import type { ByteStream } from '../../src/transport/byte-stream.js';
import { NOW, prevHashFor, template } from '../mining/support.js';
import { processorTime, ratio, type Measure } from './processor-time.js';

/** What a message may cost beside a valid one of its type and length, and a byte beside one of a valid share. */
const perMessage = 5;
const perByte = 10;

/** Messages of one measurement. */
const batch = 300;

const easiest = new Uint8Array(32).fill(0xff);
const opening = { requestId: 1, userIdentity: 'user.rig', nominalHashRate: 1_000, maxTarget: easiest };
const standard = OpenStandardMiningChannel(opening);
const extended = OpenExtendedMiningChannel({ ...opening, requestId: 2, minExtranonceSize: 4 });

/** A miner's stream: the spec writes to it, and reads what the pool says. */
interface MinerStream extends ByteStream {
  readonly chunk$: Subject<Uint8Array>;
  readonly written: Uint8Array[];
}

const streams$ = new Subject<ByteStream>();
const time = new VirtualTimeScheduler();
const scheduler = { now: () => NOW, schedule: time.schedule.bind(time) as never };
let running: Subscription;
let received = 0;
let ended = 0;
let accepted = 0;

beforeAll(() => {
  const provider = testConnection(
    concat(of(SetupConnectionSuccess({ usedVersion: 2, flags: 0 }), template(1), prevHashFor(1)), NEVER),
  );
  running = pool({
    listen: streams$.pipe(acceptConnections({ scheduler, nextTurn: (work) => setTurn(work) })),
    templateProvider: testConnector([provider]),
    payoutScript: Uint8Array.of(0x51),
    sharesPerMinute: 60_000, // every second hash is a share
    nonsenseBurst: Infinity, // or those that are measured would have to go
    scheduler,
  })
    .start()
    .subscribe(({ type, ...outcome }) => {
      if (type === 'received' && 'clientId' in outcome) received += 1;
      if (type === 'disconnected') ended += 1;
      if (type === 'ShareAccepted') accepted += 1;
    });
});
afterAll(() => running.unsubscribe());

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !condition(); turn++) await setImmediate();
  expect(condition()).toBe(true);
}

/** Writes frames, and waits until the pool has handled them all. */
async function say(stream: MinerStream, frames: Uint8Array, count: number): Promise<void> {
  const expected = received + count;
  stream.chunk$.next(frames);
  await until(() => received >= expected);
}

function connect(): MinerStream {
  const written: Uint8Array[] = [];
  const stream = {
    ...{ address: '192.0.2.1:1', chunk$: new Subject<Uint8Array>(), closed$: NEVER, drained$: NEVER },
    ...{ queuedBytes: 0, written },
    write: (bytes: Uint8Array) => void written.push(bytes),
    end: () => undefined,
    destroy: () => undefined,
  };
  streams$.next(stream);
  return stream;
}

/** A miner with a standard and an extended channel, and its side of them. */
async function miner() {
  const stream = connect();
  await say(stream, encodeFrames([setupConnection('mining'), standard, extended]), 3);
  await until(() => stream.written.length > 0);
  await setImmediate();
  const client = miningClient();
  client.request(standard);
  client.request(extended);
  for (const { header, payload } of frameAssembler().push(Buffer.concat(stream.written)))
    client.handle(decodeMessage(header, payload) as MiningServerMessage, NOW);
  const [first, second] = [...client.channels.values()];
  return { stream, standard: first as ClientChannel, extended: second as ClientChannel };
}

type Miner = Awaited<ReturnType<typeof miner>>;

/** Microseconds for each of the messages that a fresh miner says. */
const costOf =
  (messages: (of: Miner) => readonly Message[]): Measure =>
  async () => {
    const own = await miner();
    const said = messages(own);
    const frames = encodeFrames(said);
    const cost = await processorTime(() => say(own.stream, frames, said.length));
    own.stream.chunk$.complete();
    return cost / said.length;
  };

const repeat = (message: (index: number) => Message) => (): readonly Message[] =>
  Array.from({ length: batch }, (_, index) => message(index));

/** Shares that the pool accepts. */
function shares(channel: ClientChannel): readonly Message[] {
  const found: Message[] = [];
  for (let nonce = 0; found.length < batch; nonce++) {
    const work = nextWork(channel, NOW);
    if (work === null) throw new Error('there is no work');
    if (meetsTarget(blockHash(workHeader(work, { nonce })), work.target))
      found.push(submission(channel, shareFrom(work, { nonce })));
  }
  return found;
}
const validShares = (own: Miner) => shares(own.standard);
const changed = (messages: readonly Message[], fields: object): readonly Message[] =>
  messages.map((message) => ({ ...message, ...fields }));

const close = (channelId: number, byte: number) =>
  CloseChannel({ channelId, reasonCode: decodeText(new Uint8Array(255).fill(byte)) });

describe(`serving costs at most ${perMessage} times what a valid message of the same type and length does`, () => {
  const update = (channelId: number, nominalHashRate: number) =>
    UpdateChannel({ channelId, nominalHashRate, maximumTarget: easiest });

  test.each<[string, (own: Miner) => readonly Message[], (own: Miner) => readonly Message[]]>([
    ['a share of no channel', (own) => changed(validShares(own), { channelId: 77 }), validShares],
    ['a share of no job', (own) => changed(validShares(own), { jobId: 77 }), validShares],
    ['the same share again', (own) => changed(validShares(own), { nonce: 1 }), validShares],
    ['a share out of time', (own) => changed(validShares(own), { ntime: 1 }), validShares],
    [
      'an extended share with a wrong extranonce',
      (own) => changed(shares(own.extended), { extranonce: new Uint8Array(own.extended.extranonceSize + 1) }),
      (own) => shares(own.extended),
    ],
    [
      'an extended share with a worker name that is too long',
      (own) =>
        changed(shares(own.extended), {
          tlvs: [{ extensionType: 2, fieldType: 1, value: new Uint8Array(33) }],
        }),
      (own) => shares(own.extended),
    ],
    [
      'CloseChannel with a reason that is no text',
      repeat(() => close(77, 0xff)),
      repeat(() => close(77, 65)),
    ],
    [
      'UpdateChannel of no channel',
      repeat(() => update(77, 1e3)),
      (own) => repeat((index) => update(own.standard.channelId, 1e3 + index))(),
    ],
    [
      'OpenStandardMiningChannel that is refused',
      repeat(() => OpenStandardMiningChannel({ ...opening, nominalHashRate: -1 })),
      repeat(() => standard),
    ],
    [
      'OpenExtendedMiningChannel that is refused',
      repeat(() => OpenExtendedMiningChannel({ ...opening, minExtranonceSize: 30 })),
      repeat(() => extended),
    ],
  ])('%s', async (_, bad, good) => {
    expect(await ratio(costOf(bad), costOf(good), perMessage)).toBeLessThanOrEqual(perMessage);
  });

  test('and what is compared with is valid', async () => {
    for (const messages of [validShares, (own: Miner) => shares(own.extended)]) {
      const before = accepted;
      await costOf(messages)();
      expect(accepted - before).toBe(batch);
    }
  });

  test('a connection that ends with a malformed message, beside one that sends a valid one', async () => {
    const share = encodeFrame(
      SubmitSharesStandard({ channelId: 1, sequenceNumber: 1, jobId: 1, nonce: 1, ntime: 1, version: 1 }),
    );
    const cut = share.slice(0, -3);
    cut[3] = cut.length - 6;
    const setup = encodeFrame(setupConnection('mining'));
    const connections =
      (frame: Uint8Array): Measure =>
      async () => {
        const expected = ended + 50;
        const cost = await processorTime(async () => {
          for (let count = 0; count < 50; count++) {
            const stream = connect();
            stream.chunk$.next(Buffer.concat([setup, frame]));
            await setImmediate();
            stream.chunk$.complete();
          }
          await until(() => ended >= expected);
        });
        return cost;
      };
    expect(await ratio(connections(cut), connections(share), perMessage)).toBeLessThanOrEqual(perMessage);
  });
});

describe(`a byte costs at most ${perByte} times what one of a valid share does`, () => {
  const bytesOf = (messages: readonly Message[]) => encodeFrames(messages).length;
  const shareBytes = bytesOf([
    SubmitSharesStandard({ channelId: 1, sequenceNumber: 1, jobId: 1, nonce: 1, ntime: 1, version: 1 }),
  ]);
  const ofByte =
    (cost: Measure, bytes: number): Measure =>
    async () =>
      (await cost()) / bytes;
  const share = ofByte(costOf(validShares), shareBytes);

  const check = async (messages: readonly Message[]): Promise<void> => {
    const each = bytesOf(messages) / messages.length;
    const measured = ofByte(
      costOf(() => messages),
      each,
    );
    expect(await ratio(measured, share, perByte)).toBeLessThanOrEqual(perByte);
  };

  const seed = 42;
  /** What miners may send at any time without being disconnected: all but SetupConnection. */
  const later = messageCreators.filter(({ type }) => type !== 'SetupConnection');

  test.each(later.map((creator) => [creator.type, creator] as const))('of %s', async (_, creator) => {
    const samples = fc.sample(messageArbitrary(fc, creator), { seed, numRuns: 30 }) as unknown as Message[];
    await check(Array.from({ length: 4 }, () => samples).flat());
  });

  test('of messages that there are not', async () => {
    const empty = UnknownMessage({
      ...{ extensionType: 0, messageType: 0xee, channelMessage: false, payload: new Uint8Array(0) },
    });
    await check(repeat(() => empty)());
    await check(repeat(() => ({ ...empty, extensionType: 0x4000 }))());
    await check(fc.sample(unknownMessageArbitrary(fc), { seed, numRuns: 100 }));
  });

  test('of requests for very many extensions', async () => {
    const requestedExtensions = Array.from({ length: 65_535 }, (_, index) => index);
    await check([RequestExtensions({ requestId: 1, requestedExtensions })]);
    await check(
      repeat(() =>
        RequestExtensions({ requestId: 1, requestedExtensions: requestedExtensions.slice(0, 64) }),
      )(),
    );
  });
});
