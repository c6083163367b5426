import { afterEach, beforeEach, describe, expect, it, test } from '@jest/globals';
import { encodeFrame } from '../../src/framing/frame.js';
import {
  CloseChannel,
  CoinbaseOutputConstraints,
  maxPayloadSize,
  NewMiningJob,
  NewTemplate,
  OpenStandardMiningChannel,
  RequestExtensions,
  RequestTransactionData,
  SetCustomMiningJob,
  SetupConnectionSuccess,
  SubmitSharesExtended,
  SubmitSharesStandard,
  SubmitSolution,
  UnknownMessage,
  UpdateChannel,
  type Message,
} from '../../src/messages/index.js';
import { setupConnection } from '../../src/testing/fixtures.js';
import { eventually } from '../node/support.js';
import {
  badPeer,
  goodMiner,
  release,
  spoilt,
  startSite,
  traces,
  virtualClock,
  type BadPeer,
  type GoodMiner,
  type Site,
} from './support.js';

const setup = setupConnection('mining');
const open = OpenStandardMiningChannel({
  requestId: 7,
  userIdentity: 'bad',
  nominalHashRate: 1_000,
  maxTarget: new Uint8Array(32).fill(0xff),
});
const standardShare = SubmitSharesStandard({
  channelId: 1,
  sequenceNumber: 1,
  jobId: 1,
  nonce: 0,
  ntime: 0,
  version: 0,
});
const newMiningJob = NewMiningJob({
  channelId: 1,
  jobId: 1,
  minNtime: null,
  version: 0,
  merkleRoot: new Uint8Array(32),
});
const newTemplate = NewTemplate({
  templateId: 1n,
  futureTemplate: true,
  version: 1,
  coinbaseTxVersion: 2,
  coinbasePrefix: new Uint8Array(),
  coinbaseTxInputSequence: 0,
  coinbaseTxValueRemaining: 0n,
  coinbaseTxOutputsCount: 0,
  coinbaseTxOutputs: new Uint8Array(),
  coinbaseTxLocktime: 0,
  merklePath: [],
});
const unknown = (extensionType: number, channelMessage: boolean, messageType = 0xff): Message =>
  UnknownMessage({ extensionType, messageType, channelMessage, payload: new Uint8Array(8) });
/** Cut between fields, or inside one. */
const cut = /^(truncated|length-out-of-bounds)$/;
const sizeOf = (message: Message): number => encodeFrame(message).length - 6;

afterEach(release);

describe.each([
  ['an encrypted', true],
  ['a plaintext', false],
])('%s pool', (_, encrypted) => {
  let site: Site;
  let good: GoodMiner;
  let before: string;
  const clock = virtualClock();

  beforeEach(async () => {
    site = await startSite({ encrypted, clock });
    good = await goodMiner(site);
    await good.share();
    before = traces(clock);
  });
  afterEach(async () => {
    await good.share();
    // whoever was bad is gone without a trace, and the others are still there
    await eventually(() => traces(clock) === before);
    expect(site.clients()).toBe(1);
    good.connection.close();
    await site.stop();
  });

  /** Connects, does what the spec says, and goes on until the server has closed. Returns the reason it gave. */
  async function reasonAfter(
    misbehave: (peer: BadPeer) => void | Promise<void>,
  ): Promise<string | undefined> {
    const since = site.outcomes.length;
    const peer = await badPeer(site.pool);
    await misbehave(peer);
    await good.share();
    await peer.closed;
    peer.socket.destroy();
    const ended = () => site.outcomes.slice(since).find(({ type }) => type === 'disconnected');
    await eventually(() => ended() !== undefined);
    const outcome = ended();
    return outcome?.type === 'disconnected' ? outcome.reason.code : undefined;
  }

  const sending = (...frames: readonly (Message | Uint8Array)[]) =>
    reasonAfter((peer) =>
      peer.send(...frames.map((frame) => (frame instanceof Uint8Array ? frame : encodeFrame(frame)))),
    );

  describe('disconnects a client whose message is', () => {
    test('malformed or truncated, as its first', async () => {
      for (let size = 0; size < sizeOf(setup); size += encrypted ? 7 : 1)
        expect(await sending(spoilt(setup, size))).toMatch(cut);
      expect(await sending(spoilt(setup, sizeOf(setup) + 1))).toBe('trailing-bytes');
    });

    test('malformed or truncated, later', async () => {
      for (let size = 0; size < sizeOf(open); size += encrypted ? 7 : 1)
        expect(await sending(setup, spoilt(open, size))).toMatch(cut);
      expect(await sending(setup, spoilt(open, sizeOf(open) + 3))).toBe('trailing-bytes');
    });

    test('oversized, as its first, by what the header announces', async () => {
      expect(await sending(spoilt(setup, 0, 0xffffff))).toBe('frame-too-large');
      // a size that is all right after SetupConnection
      expect(await sending(spoilt(open, 0, 50_000))).toBe('frame-too-large');
    });

    test('oversized for its subprotocol, later', async () => {
      const tooMuch = maxPayloadSize('mining', 'client') + 1;
      expect(await sending(setup, spoilt(open, 0, tooMuch))).toBe('frame-too-large');
    });

    test('any but SetupConnection, as its first', async () => {
      for (const message of [
        open,
        standardShare,
        newMiningJob,
        SetupConnectionSuccess({ usedVersion: 2, flags: 0 }),
      ])
        expect(await sending(message)).toBe('setup-connection-required');
      // in plaintext, what is no message at all is taken for a key
      const unlike = encrypted ? 'setup-connection-required' : 'encryption-mismatch';
      expect(await sending(unknown(0, false))).toBe(unlike);
      expect(await sending(unknown(0x4000, true))).toBe(unlike);
      expect(await sending(RequestExtensions({ requestId: 1, requestedExtensions: [2] }))).toBe(
        'setup-connection-required',
      );
    });

    test('SetupConnection once more', async () => {
      expect(await sending(setup, setup)).toBe('setup-connection-repeated');
    });

    test('cut off by the end of its stream', async () => {
      const reason = await reasonAfter((peer) => {
        peer.send(encodeFrame(setup), spoilt(open, 5, sizeOf(open)));
        peer.socket.end();
      });
      expect(reason).toBe('truncated-stream');
    });
  });

  test.each([
    ['a subprotocol that does not exist', { ...setup, protocol: 3 }, 'unsupported-protocol'],
    ['a subprotocol it does not speak', setupConnection('jobDeclaration'), 'unsupported-protocol'],
    [
      'versions it does not speak',
      setupConnection('mining', { minVersion: 3, maxVersion: 9 }),
      'protocol-version-mismatch',
    ],
    [
      'versions that are upside down',
      setupConnection('mining', { minVersion: 9, maxVersion: 0 }),
      'protocol-version-mismatch',
    ],
    [
      'flags it does not know',
      setupConnection('mining', { flags: 0xffff_fff8 }),
      'unsupported-feature-flags',
    ],
    [
      'work selection, which it does not support',
      setupConnection('mining', { flags: 2 }),
      'unsupported-feature-flags',
    ],
  ])('refuses %s with SetupConnection.Error', async (_case, message, errorCode) => {
    const said: Message[] = [];
    const reason = await reasonAfter(async (peer) => {
      peer.send(encodeFrame(message), encodeFrame(open));
      await peer.closed;
      said.push(...peer.received);
    });
    expect(reason).toBe('setup-refused');
    expect(said).toEqual([expect.objectContaining({ type: 'SetupConnection.Error', errorCode })]);
  });

  describe('keeps and serves a client', () => {
    /** What the pool says to messages of a client, until it has answered the last one, which it does always. */
    async function answersTo(
      ...messages: readonly Message[]
    ): Promise<{ types: string[]; rejected: string[] }> {
      const since = site.outcomes.length;
      const peer = await badPeer(site.pool);
      const last = CloseChannel({ channelId: 1, reasonCode: 'the last' });
      peer.send(...[setup, ...messages, open, last].map((message) => encodeFrame(message)));
      await eventually(() => peer.received.some(({ type }) => type === 'OpenStandardMiningChannel.Success'));
      await good.share();
      peer.socket.end();
      await peer.closed;
      const work = ['NewMiningJob', 'NewExtendedMiningJob', 'SetNewPrevHash', 'SetTarget'];
      return {
        types: peer.received.map(({ type }) => type).filter((type) => !work.includes(type)),
        rejected: site.outcomes
          .slice(since)
          .flatMap((outcome) =>
            outcome.type === 'rejected' ? [`${outcome.code} ${outcome.message.type}`] : [],
          ),
      };
    }
    const welcome = 'SetupConnection.Success';
    const opened = 'OpenStandardMiningChannel.Success';

    it('whose messages go in the wrong direction, which are rejected', async () => {
      const { types, rejected } = await answersTo(
        newMiningJob,
        SetupConnectionSuccess({ usedVersion: 2, flags: 0 }),
      );
      expect(types).toEqual([welcome, opened]);
      expect(rejected).toEqual([
        'unsupported-message NewMiningJob',
        'unsupported-message SetupConnection.Success',
      ]);
    });

    it('whose messages are of another subprotocol, which are rejected', async () => {
      const { types, rejected } = await answersTo(
        newTemplate,
        RequestTransactionData({ templateId: 1n }),
        CoinbaseOutputConstraints({
          coinbaseOutputMaxAdditionalSize: 0xffff_ffff,
          coinbaseOutputMaxAdditionalSigops: 0xffff,
        }),
      );
      expect(types).toEqual([welcome, opened]);
      expect(rejected).toEqual([
        'unsupported-protocol NewTemplate',
        'unsupported-protocol RequestTransactionData',
        'unsupported-protocol CoinbaseOutputConstraints',
      ]);
    });

    it('whose messages are unknown: those of the core are rejected, those of extensions ignored', async () => {
      const { types, rejected } = await answersTo(
        unknown(0, false),
        unknown(0, true),
        unknown(1, false),
        unknown(0x4000, false),
        unknown(0x7fff, true),
      );
      expect(types).toEqual([welcome, opened]);
      expect(rejected).toEqual([
        'unsupported-message Unknown',
        'unsupported-message Unknown',
        'unsupported-message Unknown',
      ]);
    });

    it('whose messages are out of order, which are answered with errors', async () => {
      const { types, rejected } = await answersTo(
        standardShare,
        SubmitSharesExtended({ ...standardShare, extranonce: new Uint8Array(32) }),
        UpdateChannel({ channelId: 9, nominalHashRate: NaN, maximumTarget: new Uint8Array(32) }),
        CloseChannel({ channelId: 0xffff_ffff, reasonCode: '\u0000' }),
        SetCustomMiningJob({
          channelId: 1,
          requestId: 1,
          miningJobToken: new Uint8Array(),
          version: 0,
          prevHash: new Uint8Array(32),
          minNtime: 0,
          nbits: 0,
          coinbaseTxVersion: 0,
          coinbasePrefix: new Uint8Array(),
          coinbaseTxInputNSequence: 0,
          coinbaseTxOutputs: Uint8Array.of(0xff),
          coinbaseTxLocktime: 0,
          merklePath: [],
        }),
      );
      expect(types).toEqual([
        welcome,
        'SubmitShares.Error',
        'SubmitShares.Error',
        'UpdateChannel.Error',
        'SetCustomMiningJob.Error',
        opened,
      ]);
      expect(rejected).toEqual([]);
    });
  });

  test('ends the connection of a client that makes no sense on the wire', async () => {
    const reason = await reasonAfter((peer) => {
      peer.send(encodeFrame(setup));
      // a frame of the core protocol, by its first two bytes, of 11 MB; of an unknown extension it would be read past
      peer.socket.write(new Uint8Array(4_096).fill(0xab).fill(0, 0, 2));
    });
    expect(reason).toBe(encrypted ? 'frame-authentication-failed' : 'frame-too-large');
  });
});

describe.each([
  ['an encrypted', true],
  ['a plaintext', false],
])('%s template provider', (_, encrypted) => {
  const templates = setupConnection('templateDistribution');
  const constraints = (size: number, sigops: number) =>
    CoinbaseOutputConstraints({
      coinbaseOutputMaxAdditionalSize: size,
      coinbaseOutputMaxAdditionalSigops: sigops,
    });
  const solution = (templateId: bigint, coinbaseTx: Uint8Array) =>
    SubmitSolution({ templateId, version: 0, headerTimestamp: 0, headerNonce: 0, coinbaseTx });

  it.each([
    ['malformed', [templates, spoilt(constraints(0, 0), 3)], 'truncated'],
    ['oversized', [templates, spoilt(templates, 0, 0xffffff)], 'frame-too-large'],
    ['of another subprotocol, as its setup', [setup], 'setup-refused'],
    ['before SetupConnection', [constraints(0, 0)], 'setup-connection-required'],
    ['more than a block has room for', [templates, constraints(0xffff_ffff, 0xffff)], 'closed-by-handler'],
  ])('ends the connection of a client whose message is %s', async (_case, messages, code) => {
    const clock = virtualClock();
    const site = await startSite({ encrypted, clock });
    const good = await goodMiner(site);
    const before = traces(clock);
    const peer = await badPeer(site.provider);
    peer.send(...messages.map((frame) => (frame instanceof Uint8Array ? frame : encodeFrame(frame))));
    await good.share();
    await peer.closed;
    peer.socket.destroy();
    await eventually(() => traces(clock) === before);
    expect(site.providerOutcomes).toContainEqual(
      expect.objectContaining({ type: 'disconnected', reason: expect.objectContaining({ code }) }),
    );
    await good.share();
    good.connection.close();
    await site.stop();
  });

  it('answers requests and solutions out of order or out of nothing, and keeps the client', async () => {
    const clock = virtualClock();
    const site = await startSite({ encrypted, clock });
    const good = await goodMiner(site);
    const peer = await badPeer(site.provider);
    const nonsense = [
      RequestTransactionData({ templateId: 0n }),
      RequestTransactionData({ templateId: 2n ** 64n - 1n }),
      solution(0n, new Uint8Array(60)),
      newMiningJob,
      newTemplate,
      open,
      unknown(0, true),
      constraints(0, 0),
    ];
    peer.send(...[templates, ...nonsense].map((message) => encodeFrame(message)));
    await eventually(() => peer.received.some(({ type }) => type === 'NewTemplate'));
    const template = peer.received.find((message) => NewTemplate.match(message)) as NewTemplate;
    const solutions = [new Uint8Array(), new Uint8Array(100), new Uint8Array(60_000).fill(0xff)].map(
      (coinbase) => encodeFrame(solution(template.templateId, coinbase)),
    );
    peer.send(...solutions, encodeFrame(RequestTransactionData({ templateId: template.templateId })));
    await eventually(() => peer.received.some(({ type }) => type === 'RequestTransactionData.Success'));
    await good.share();
    peer.socket.end();
    await peer.closed;

    const rejected = site.providerOutcomes.flatMap((outcome) =>
      outcome.type === 'BlockRejected' || outcome.type === 'rejected' ? [outcome.type] : [],
    );
    expect(rejected.filter((type) => type === 'BlockRejected')).toHaveLength(4);
    expect(rejected.filter((type) => type === 'rejected')).toHaveLength(4);
    expect(peer.received.filter(({ type }) => type === 'RequestTransactionData.Error')).toHaveLength(2);
    await good.share();
    good.connection.close();
    await site.stop();
  });
});
