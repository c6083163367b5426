import { afterEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { blockHash, serialiseBlockHeader, toDisplayHex } from '../../src/bitcoin/index.js';
import { bitcoinNode } from '../../src/node/bitcoin-node.js';
import type { SolvedBlock, SourceUpdate } from '../../src/roles/template-provider/block-source.js';
import {
  coreTemplate,
  id,
  manualTime,
  nth,
  scriptedNode,
  settled,
  watch,
  type RpcRequest,
  type ScriptedNode,
} from './bitcoin-support.js';

const cleanUps: (() => unknown)[] = [];
afterEach(() => Promise.all(cleanUps.splice(0).map((cleanUp) => cleanUp())));

const start = async (script: (request: RpcRequest) => void, port?: number): Promise<ScriptedNode> => {
  const node = await scriptedNode(script, port);
  cleanUps.push(() => node.stop());
  return node;
};

/** A source over a node, and time that passes when it is told to. */
const source = (node: ScriptedNode, options = {}) => {
  const { scheduler, advance } = manualTime();
  return { ...bitcoinNode({ url: node.url, scheduler, random: () => 0, ...options }), advance };
};

const follow = (blocks: ReturnType<typeof source>) => {
  const updates = watch<SourceUpdate>(blocks.update$);
  cleanUps.push(updates.stop);
  return updates;
};

const isHeight = (height: number) => (update: SourceUpdate) =>
  update.type === 'BlockTemplate' && update.height === height;
const isLongPoll = ({ method, params: [request] }: RpcRequest): boolean =>
  method === 'getblocktemplate' && (request as { longpollid?: string }).longpollid !== undefined;
const withoutLongPoll = (fields: object = {}) => coreTemplate({ longpollid: undefined, ...fields });
const nextTip = { previousblockhash: id(2), height: 103, longpollid: 'second' };

/** A block with a real header. */
const solved = (height: number, parent = 1, nonce = 0): SolvedBlock => {
  const header = serialiseBlockHeader({
    version: 0x2000_0000,
    prevHash: new Uint8Array(32).fill(parent),
    merkleRoot: new Uint8Array(32),
    ntime: 1_700_000_000,
    nbits: 0x207fffff,
    nonce,
  });
  return { bytes: Uint8Array.of(...header, 0), hash: blockHash(header), height };
};

describe('a Bitcoin node as a source of templates', () => {
  it('is asked for a template with the rules and capabilities that we have', async () => {
    const node = await start((request) => !isLongPoll(request) && request.reply(coreTemplate()));
    const first = await follow(source(node)).next();
    expect(first).toMatchObject({ type: 'BlockTemplate', height: 102, coinbaseValue: 5_000_001_200n });
    expect((await nth(node, 'getblocktemplate')).params).toEqual([
      { capabilities: ['coinbasevalue', 'longpoll'], rules: ['segwit'] },
    ]);
  });

  it('tells of a new tip the moment it answers a long poll, and is asked for the one after', async () => {
    const node = await start((request) => !isLongPoll(request) && request.reply(coreTemplate()));
    const updates = follow(source(node));
    await updates.next();
    const poll = await nth(node, 'getblocktemplate', 1);
    expect(poll.params).toEqual([
      { capabilities: ['coinbasevalue', 'longpoll'], rules: ['segwit'], longpollid: `${id(1)}7` },
    ]);
    expect(updates.values).toHaveLength(1);
    poll.reply(coreTemplate({ ...nextTip, longpolluri: '/lp' }));
    await updates.next(isHeight(103));
    const next = await nth(node, 'getblocktemplate', 2);
    expect(next.params).toEqual([expect.objectContaining({ longpollid: 'second' })]);
    expect(next.path).toBe('/lp');
  });

  it('is not kept busy by one that answers long polls at once with nothing new', async () => {
    const node = await start(({ reply }) => reply(coreTemplate()));
    const blocks = source(node);
    const updates = follow(blocks);
    await updates.next();
    const poll = await nth(node, 'getblocktemplate', 1);
    await poll.abandoned;
    expect(node.count('getblocktemplate')).toBe(2);
    await settled(node);
    expect(updates.values).toHaveLength(1);
    blocks.advance(1_000);
    await nth(node, 'getblocktemplate', 2);
    expect(updates.values).toHaveLength(2);
  });

  it('is asked anew when a long poll takes more than ten minutes', async () => {
    const node = await start((request) => !isLongPoll(request) && request.reply(coreTemplate()));
    const blocks = source(node, { refreshInterval: 10_000_000 });
    const updates = follow(blocks);
    await updates.next();
    const poll = await nth(node, 'getblocktemplate', 1);
    blocks.advance(600_000);
    await poll.abandoned;
    expect((await nth(node, 'getblocktemplate', 2)).params).toEqual([
      expect.not.objectContaining({ longpollid: expect.anything() }),
    ]);
    await nth(node, 'getblocktemplate', 3);
    expect(updates.values.map(({ type }) => type)).toEqual(['BlockTemplate', 'BlockTemplate']);
  });

  it('is asked every ten seconds for better fees, while the long poll goes on', async () => {
    let fee = 0;
    const node = await start(
      (request) => !isLongPoll(request) && request.reply(coreTemplate({ coinbasevalue: ++fee })),
    );
    const blocks = source(node);
    const updates = follow(blocks);
    await updates.next();
    await nth(node, 'getblocktemplate', 1);
    blocks.advance(9_999);
    expect(node.count('getblocktemplate')).toBe(2);
    blocks.advance(1);
    await updates.next((update) => update.type === 'BlockTemplate' && update.coinbaseValue === 2n);
  });

  it('is not listened to when it answers late what was asked before the tip changed', async () => {
    let asked = 0;
    const node = await start(
      (request) => !isLongPoll(request) && ++asked === 1 && request.reply(coreTemplate()),
    );
    const blocks = source(node);
    const updates = follow(blocks);
    await updates.next();
    const poll = await nth(node, 'getblocktemplate', 1);
    blocks.advance(10_000);
    const late = await nth(node, 'getblocktemplate', 2);
    poll.reply(coreTemplate(nextTip));
    await updates.next(isHeight(103));
    await late.abandoned;
    expect(updates.values).toHaveLength(2);
  });

  it('is looked at every second if it has no long polling', async () => {
    let tip = id(1);
    const node = await start(({ method, reply }) =>
      reply(
        method === 'getbestblockhash'
          ? tip
          : withoutLongPoll({ previousblockhash: tip, height: 101 + Number(tip) }),
      ),
    );
    const blocks = source(node);
    const updates = follow(blocks);
    await updates.next(isHeight(102));
    blocks.advance(1_000);
    await nth(node, 'getbestblockhash');
    await settled(node);
    expect(node.count('getblocktemplate')).toBe(1);
    tip = id(2);
    blocks.advance(1_000);
    await updates.next(isHeight(103));
    expect(node.count('getblocktemplate')).toBe(2);
  });

  it('is asked for templates if it knows neither long polling nor its best block', async () => {
    let height = 102;
    const node = await start(({ method, reply, fail }) =>
      method === 'getbestblockhash'
        ? fail(-32601, 'Method not found', 404)
        : reply(withoutLongPoll({ height: height++ })),
    );
    const blocks = source(node);
    const updates = follow(blocks);
    await updates.next(isHeight(102));
    blocks.advance(1_000);
    await updates.next(isHeight(103));
  });

  it('is left alone once nobody listens any more', async () => {
    const node = await start((request) => !isLongPoll(request) && request.reply(coreTemplate()));
    const blocks = source(node);
    const updates = follow(blocks);
    await updates.next();
    const poll = await nth(node, 'getblocktemplate', 1);
    updates.stop();
    await poll.abandoned;
    blocks.advance(100_000);
    expect(node.count('getblocktemplate')).toBe(2);
  });
});

describe('a Bitcoin node in trouble', () => {
  const isRecovered = ({ type }: SourceUpdate) => type === 'SourceRecovered';

  it('is tried again after waits that double up to ten seconds, and goes on when it is back', async () => {
    let sound = false;
    const node = await start((request) => {
      if (isLongPoll(request)) return;
      if (sound) request.reply(coreTemplate());
      else request.fail(-28, 'Loading block index…');
    });
    const blocks = source(node);
    const updates = follow(blocks);
    const waits: number[] = [];
    for (let attempt = 0; attempt < 7; attempt++) {
      const wait = await updates.next(
        () => updates.values.length > attempt && updates.values[attempt]?.type === 'SourceError',
      );
      expect(wait).toMatchObject({ code: 'node-warming-up' });
      const { retryIn } = updates.values[attempt] as { retryIn: number };
      waits.push(retryIn);
      sound = attempt === 6;
      blocks.advance(retryIn - 1);
      expect(node.count('getblocktemplate')).toBe(attempt + 1);
      blocks.advance(1);
      await nth(node, 'getblocktemplate', attempt + 1);
      if (!sound) await updates.next(() => updates.values.length > attempt + 1);
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    await updates.next(isHeight(102));
    expect(updates.values.slice(-2).map(({ type }) => type)).toEqual(['SourceRecovered', 'BlockTemplate']);
  });

  it('goes away during a long poll and comes back on the same port', async () => {
    const script = (request: RpcRequest) => {
      if (!isLongPoll(request)) request.reply(coreTemplate());
    };
    const node = await start(script);
    const blocks = source(node);
    const updates = follow(blocks);
    await nth(node, 'getblocktemplate', 1);
    await node.stop();
    expect(await updates.next(({ type }) => type === 'SourceError')).toMatchObject({
      code: 'node-connection-lost',
      retryIn: 500,
    });
    blocks.advance(500);
    expect(
      await updates.next((update) => update.type === 'SourceError' && update.retryIn === 1_000),
    ).toMatchObject({
      code: 'node-unreachable',
    });
    await start((request) => !isLongPoll(request) && request.reply(coreTemplate(nextTip)), node.port);
    blocks.advance(1_000);
    await updates.next(isRecovered);
    await updates.next(isHeight(103));
  });

  it('begins with short waits again after it has worked', async () => {
    const answers: ((request: RpcRequest) => void)[] = [
      ({ fail }) => fail(-10, 'downloading'),
      ({ fail }) => fail(-10, 'downloading'),
      ({ reply }) => reply(withoutLongPoll()),
      ({ respond }) => respond(401, ''),
    ];
    const node = await start((request) => answers.shift()?.(request));
    const blocks = source(node);
    const updates = follow(blocks);
    for (const wait of [500, 1_000]) {
      await updates.next((update) => update.type === 'SourceError' && update.retryIn === wait);
      blocks.advance(wait);
    }
    await updates.next(isRecovered);
    await updates.next(isHeight(102));
    blocks.advance(1_000);
    expect(
      await updates.next((update) => update.type === 'SourceError' && update.code === 'node-unauthorized'),
    ).toMatchObject({ retryIn: 500 });
  });

  it('sends garbage', async () => {
    const node = await start(({ reply }) => reply({ height: 'tall' }));
    expect(await follow(source(node)).next()).toMatchObject({ type: 'SourceError', code: 'invalid-answer' });
  });
});

describe('submitting a block to a Bitcoin node', () => {
  const block = solved(102);
  const best = toDisplayHex(block.hash);
  const submit = (script: (request: RpcRequest) => void) =>
    start(script).then((node) => {
      const blocks = source(node);
      return { node, blocks, result: firstValueFrom(blocks.submit(block)) };
    });

  it('is accepted when the node takes it into its best chain', async () => {
    const { node, result } = await submit(({ method, reply }) =>
      reply(method === 'submitblock' ? null : best),
    );
    expect(await result).toEqual({ accepted: true });
    expect((await nth(node, 'submitblock')).params).toEqual([Buffer.from(block.bytes).toString('hex')]);
    expect((await nth(node, 'getblockhash')).params).toEqual([102]);
  });

  it.each([
    'bad-cb-amount',
    'rejected: block coinbase transaction pays too much',
    'duplicate',
    'inconclusive',
  ])("is rejected with the node's own reason: %s", async (reason) => {
    const { result } = await submit(({ reply }) => reply(reason));
    expect(await result).toMatchObject({ accepted: false, reason, message: expect.stringContaining(reason) });
  });

  it("is rejected with the node's own words when it cannot read it", async () => {
    const { result } = await submit(({ fail }) => fail(-22, 'Block decode failed'));
    expect(await result).toMatchObject({ accepted: false, reason: 'Block decode failed' });
  });

  it('is not accepted beside the best chain, which btcd does not mention', async () => {
    const { result } = await submit(({ method, reply }) => reply(method === 'submitblock' ? null : id(99)));
    expect(await result).toMatchObject({
      accepted: false,
      reason: 'inconclusive',
      message: expect.stringContaining(id(99)),
    });
  });

  it('is not accepted above the best chain', async () => {
    const { result } = await submit(({ method, reply, fail }) =>
      method === 'submitblock' ? reply(null) : fail(-8, 'Block height out of range'),
    );
    expect(await result).toMatchObject({ accepted: false, reason: 'inconclusive' });
  });

  it('is accepted by a node that cannot say where it is', async () => {
    const { result } = await submit(({ method, reply, fail }) =>
      method === 'submitblock' ? reply(null) : fail(-32601, 'Method not found', 404),
    );
    expect(await result).toEqual({ accepted: true });
  });

  it('is offered again when the node went away, and accepted if it had it already', async () => {
    const answers: ((request: RpcRequest) => void)[] = [
      ({ drop }) => drop(),
      ({ fail }) => fail(-28, 'starting'),
      ({ reply }) => reply('duplicate'),
      ({ reply }) => reply(best),
    ];
    const { node, blocks, result } = await submit((request) => answers.shift()?.(request));
    for (const [attempt, wait] of [500, 1_000].entries()) {
      await (
        await nth(node, 'submitblock', attempt)
      ).abandoned;
      await settled(node);
      blocks.advance(wait);
    }
    expect(await result).toEqual({ accepted: true });
    expect(node.count('submitblock')).toBe(3);
  });

  it('is given up after ten more attempts', async () => {
    const node = await start(({ respond }) => respond(503, ''));
    const blocks = source(node);
    const result = watch(blocks.submit(block));
    for (let attempt = 0; attempt <= 10; attempt++) {
      await (
        await nth(node, 'submitblock', attempt)
      ).abandoned;
      await settled(node);
      blocks.advance(10_000);
    }
    expect(await result.next()).toMatchObject({ accepted: false, reason: 'node-busy' });
    expect(node.count('submitblock')).toBe(11);
  });

  it('makes the node be asked for a template at once, for it may have no long polling', async () => {
    const node = await start(({ method, reply }) =>
      reply(method === 'submitblock' ? null : method === 'getblockhash' ? best : withoutLongPoll()),
    );
    const blocks = source(node);
    const updates = follow(blocks);
    await updates.next();
    await firstValueFrom(blocks.submit(block));
    await nth(node, 'getblocktemplate', 1);
  });

  it('happens one at a time, and only the first of siblings is offered', async () => {
    const node = await start((request) => request.method === 'getblockhash' && request.reply(best));
    const blocks = source(node);
    const results = [block, solved(102, 1, 1), solved(103, 3)].map((each) => watch(blocks.submit(each)));
    const first = await nth(node, 'submitblock');
    await settled(node);
    expect(node.count('submitblock')).toBe(1);
    first.reply(null);
    expect(await results[0]?.next()).toEqual({ accepted: true });
    expect(await results[1]?.next()).toMatchObject({
      accepted: false,
      reason: 'inconclusive',
      message: 'another block of ours was accepted at height 102',
    });
    (await nth(node, 'submitblock', 1)).reply('high-hash');
    expect(await results[2]?.next()).toMatchObject({ reason: 'high-hash' });
  });

  it('is rejected when a hundred wait already; one that is given up makes room', async () => {
    const node = await start(() => undefined);
    const blocks = source(node);
    const waiting = Array.from({ length: 101 }, (_, index) => watch(blocks.submit(solved(102, index))));
    cleanUps.push(() => waiting.forEach(({ stop }) => stop()));
    expect(await firstValueFrom(blocks.submit(block))).toMatchObject({ reason: 'too-many-blocks' });
    waiting[50]?.stop();
    const late = watch(blocks.submit(block));
    cleanUps.push(late.stop);
    await nth(node, 'submitblock');
    expect(late.values).toEqual([]);
  });
});
