import { afterEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import {
  blockHash,
  fromDisplayHex,
  parseBlockHeader,
  serialiseBlockHeader,
  toDisplayHex,
} from '../../src/bitcoin/index.js';
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

const start = async (
  script: (request: RpcRequest) => void,
  port?: number,
  threads?: 'one',
): Promise<ScriptedNode> => {
  const node = await scriptedNode(script, port, threads);
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
/** The clocks of these specs start here. */
const now = coreTemplate().curtime;
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
      { capabilities: ['coinbasevalue', 'longpoll'], rules: ['segwit', 'signet'] },
    ]);
  });

  it('tells of a new tip the moment it answers a long poll, and is asked for the one after', async () => {
    const node = await start((request) => !isLongPoll(request) && request.reply(coreTemplate()));
    const updates = follow(source(node));
    await updates.next();
    const poll = await nth(node, 'getblocktemplate', 1);
    expect(poll.params).toEqual([
      { capabilities: ['coinbasevalue', 'longpoll'], rules: ['segwit', 'signet'], longpollid: `${id(1)}7` },
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
    let curtime = now;
    const node = await start((request) => !isLongPoll(request) && request.reply(coreTemplate({ curtime })));
    const blocks = source(node, { refreshInterval: 10_000_000 });
    const updates = follow(blocks);
    await updates.next();
    const poll = await nth(node, 'getblocktemplate', 1);
    curtime += 600;
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
    expect((await nth(node, 'getbestblockhash')).params).toEqual([]);
    await settled(node);
    expect(node.count('getblocktemplate')).toBe(1);
    tip = id(2);
    blocks.advance(1_000);
    await updates.next(isHeight(103));
    expect(node.count('getblocktemplate')).toBe(2);
  });

  it.each<[string, (request: RpcRequest) => void]>([
    ['knows neither long polling nor its best block', ({ fail }) => fail(-32601, 'Method not found', 404)],
    ['has no long polling and forbids getbestblockhash', ({ respond }) => respond(403, '')],
  ])('is asked for templates if it %s', async (_, answer) => {
    let height = 102;
    const node = await start((request) =>
      request.method === 'getbestblockhash'
        ? answer(request)
        : request.reply(withoutLongPoll({ height: height++ })),
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

describe('a Bitcoin node with one RPC thread', () => {
  const isWait = ({ method }: RpcRequest) => method === 'waitfornewblock';
  const isWarning = ({ type }: SourceUpdate) => type === 'SourceWarning';

  it('is never made to wait: it is looked at every second, so that blocks find it free; and that is said', async () => {
    let tip = { previousblockhash: id(1), height: 102 };
    let isWaiting = false;
    const node = await start(
      ({ method, reply }) => {
        if (method === 'waitfornewblock') isWaiting = true;
        else if (method === 'getblocktemplate') reply(coreTemplate(tip));
        else if (!isWaiting) reply(tip.previousblockhash);
      },
      0,
      'one',
    );
    const blocks = source(node);
    const updates = follow(blocks);
    expect((await nth(node, 'waitfornewblock')).params).toEqual([2_000]);
    blocks.advance(100);
    expect((await nth(node, 'getbestblockhash')).params).toEqual([]);
    blocks.advance(1_400);
    expect(await updates.next(isWarning)).toMatchObject({
      code: 'one-rpc-thread',
      message: expect.stringContaining('it is asked every 1 s instead; with rpcthreads=4'),
    });
    isWaiting = false;
    tip = { previousblockhash: id(2), height: 103 };
    blocks.advance(1_000);
    await updates.next(isHeight(103));
    expect((await nth(node, 'getblocktemplate', 1)).params).toEqual([
      expect.not.objectContaining({ longpollid: expect.anything() }),
    ]);
  });

  it.each<[string, (request: RpcRequest) => void]>([
    ['answers meanwhile', ({ reply }) => reply(id(1))],
    ['says meanwhile that it may not be asked', ({ respond }) => respond(403, '')],
  ])('is told from one that %s', async (_, answer) => {
    const node = await start(
      (request) => {
        if (request.method === 'getbestblockhash') answer(request);
        else if (!isWait(request) && !isLongPoll(request)) request.reply(coreTemplate());
      },
      0,
      'one',
    );
    const blocks = source(node);
    const updates = follow(blocks);
    const wait = await nth(node, 'waitfornewblock');
    blocks.advance(100);
    expect(isLongPoll(await nth(node, 'getblocktemplate', 1))).toBe(true);
    await wait.abandoned;
    expect(updates.values.map(({ type }) => type)).toEqual(['BlockTemplate']);
  });

  it('is looked at anew when a block comes while it is tried', async () => {
    let tip = { previousblockhash: id(1), height: 102 };
    const node = await start(
      (request) => {
        if (!isWait(request) && !isLongPoll(request)) request.reply(coreTemplate(tip));
      },
      0,
      'one',
    );
    const updates = follow(source(node));
    const wait = await nth(node, 'waitfornewblock');
    tip = { previousblockhash: id(2), height: 103 };
    wait.reply({ hash: id(2), height: 102 });
    await updates.next(isHeight(103));
    await nth(node, 'waitfornewblock', 1);
  });
});

describe("a Bitcoin node's clock", () => {
  const warnings = (updates: { readonly values: readonly SourceUpdate[] }) =>
    updates.values.flatMap((update) => (update.type === 'SourceWarning' ? [update.message] : []));

  it.each([
    ['ahead', { curtime: now + 301 }, /is 301 s ahead of ours: check the clock of both machines$/],
    ['behind', { curtime: now - 301 }, /is 301 s behind ours: check the clock/],
    ['behind a chain that is behind us', { curtime: now - 301, mintime: now - 301 }, /is 301 s behind ours/],
  ])('is warned of when it is more than five minutes %s', async (_, fields, message) => {
    const node = await start(
      (request) => !isLongPoll(request) && request.reply(coreTemplate({ mintime: 0, ...fields })),
    );
    const updates = follow(source(node));
    expect(await updates.next()).toMatchObject({
      type: 'SourceWarning',
      code: 'clock-differs',
      message: expect.stringMatching(message),
    });
    await updates.next(isHeight(102));
  });

  it.each([
    ['five minutes off are nothing', { curtime: now + 300 }],
    ['nor five minutes the other way', { curtime: now - 300 }],
    [
      'a chain that is ahead of the clocks says nothing about them',
      { curtime: now + 7_000, mintime: now + 7_000 },
    ],
  ])('is not where %s', async (_, fields) => {
    const node = await start(
      (request) => !isLongPoll(request) && request.reply(coreTemplate({ mintime: 0, ...fields })),
    );
    const updates = follow(source(node));
    await updates.next(isHeight(102));
    expect(updates.values).toHaveLength(1);
  });

  it('is warned of once, and again after it was right', async () => {
    const ahead = [400, 500, 0, 600];
    let asked = 0;
    const node = await start((request) => {
      if (!isLongPoll(request))
        request.reply(coreTemplate({ curtime: now + ahead[asked++]!, coinbasevalue: asked }));
    });
    const blocks = source(node);
    const updates = follow(blocks);
    for (const value of [1n, 2n, 3n, 4n]) {
      await updates.next((update) => update.type === 'BlockTemplate' && update.coinbaseValue === value);
      if (value === 1n) await nth(node, 'getblocktemplate', 1);
      if (value < 4n) blocks.advance(10_000);
    }
    expect(warnings(updates).map((text) => /is (\d+) s/.exec(text)?.[1])).toEqual(['400', '570']);
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

  it.each<[string, (request: RpcRequest) => void]>([
    ['lacks getblockhash', ({ fail }) => fail(-32601, 'Method not found', 404)],
    ['forbids getblockhash, as Bitcoin Core with -rpcwhitelist', ({ respond }) => respond(403, '')],
    ['answers nonsense to getblockhash', ({ reply }) => reply(7)],
    ['fails at getblockhash', ({ fail }) => fail(-32603, 'internal error')],
    ['cannot be understood', ({ respond }) => respond(200, '<html>')],
  ])('is accepted by a node that took it and %s', async (_, answer) => {
    const { node, result } = await submit((request) =>
      request.method === 'submitblock' ? request.reply(null) : answer(request),
    );
    expect(await result).toEqual({ accepted: true });
    expect(node.count('submitblock')).toBe(1);
  });

  it('is accepted by a node that took it and was never heard of again', async () => {
    const node = await start(({ method, reply, respond }) =>
      method === 'submitblock' ? reply(null) : respond(503, ''),
    );
    const blocks = source(node);
    const result = watch(blocks.submit(block));
    for (let attempt = 0; attempt <= 10; attempt++) {
      await (
        await nth(node, 'getblockhash', attempt)
      ).abandoned;
      await settled(node);
      blocks.advance(10_000);
    }
    expect(await result.next()).toEqual({ accepted: true });
  });

  it('is rejected by a node that forbids submitblock, with a hint', async () => {
    const { result } = await submit(({ respond }) => respond(403, ''));
    expect(await result).toMatchObject({
      accepted: false,
      reason: 'node-unauthorized',
      message: expect.stringContaining('rpcwhitelist'),
    });
  });

  it.each(['bad-cb-amount', 'duplicate-invalid', 'inconclusive', 'rejected: already known'])(
    'is rejected with %s at the second offer, too',
    async (reason) => {
      const answers: ((request: RpcRequest) => void)[] = [({ drop }) => drop(), ({ reply }) => reply(reason)];
      const { node, blocks, result } = await submit((request) => answers.shift()?.(request));
      await (
        await nth(node, 'submitblock')
      ).abandoned;
      await settled(node);
      blocks.advance(500);
      expect(await result).toMatchObject({ accepted: false, reason });
    },
  );

  it('is offered again when the node went away, and accepted if it had it already', async () => {
    const answers: ((request: RpcRequest) => void)[] = [
      ({ drop }) => drop(),
      ({ fail }) => fail(-28, 'starting'),
      ({ fail }) => fail(-9, 'Shutting down'),
      ({ respond }) => respond(503, 'Request rejected during server shutdown'),
      ({ reply }) => reply('duplicate'),
      ({ reply }) => reply(best),
    ];
    const { node, blocks, result } = await submit((request) => answers.shift()?.(request));
    for (const [attempt, wait] of [500, 1_000, 2_000, 4_000].entries()) {
      await (
        await nth(node, 'submitblock', attempt)
      ).abandoned;
      await settled(node);
      blocks.advance(wait);
    }
    expect(await result).toEqual({ accepted: true });
    expect(node.count('submitblock')).toBe(5);
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

  it('is offered again on a parent whose block of ours was taken back, by invalidateblock say', async () => {
    const [mined, unmined] = [
      { previousblockhash: id(2), height: 103 },
      { previousblockhash: id(1), height: 102 },
    ];
    let tip = unmined;
    const longPolls: RpcRequest[] = [];
    const hashes: string[] = [];
    const node = await start((request) => {
      const { method, reply } = request;
      if (isLongPoll(request)) longPolls.push(request);
      else if (method === 'getblocktemplate') reply(coreTemplate(tip));
      else if (method === 'submitblock') {
        tip = mined;
        reply(null);
      } else reply(hashes.shift());
    });
    const blocks = source(node);
    const updates = follow(blocks);
    const onTip = (nonce: number) => {
      const made = { ...solved(102, 1, nonce) };
      const header = parseBlockHeader(made.bytes.subarray(0, 80));
      const bytes = Uint8Array.of(...serialiseBlockHeader({ ...header, prevHash: fromDisplayHex(id(1)) }), 0);
      return { ...made, bytes, hash: blockHash(bytes.subarray(0, 80)) };
    };
    const offer = (nonce: number) => firstValueFrom(blocks.submit(onTip(nonce)));
    hashes.push(...[1, 3].map((nonce) => toDisplayHex(onTip(nonce).hash)));
    await updates.next();
    await nth(node, 'getblocktemplate', 1);
    expect(await offer(1)).toEqual({ accepted: true });
    await updates.next(isHeight(103));
    expect(await offer(2)).toMatchObject({ message: 'another block of ours was accepted at height 102' });
    // asked for before the block: says nothing about it, however late it is answered
    longPolls[0]?.reply(coreTemplate({ ...unmined, longpollid: 'late' }));
    await settled(node);
    blocks.advance(1_000);
    await nth(node, 'getblocktemplate', 3);
    expect(await offer(2)).toMatchObject({ accepted: false });
    tip = unmined;
    const before = updates.values.length;
    blocks.advance(10_000);
    await updates.next((update) => updates.values.indexOf(update) >= before && isHeight(102)(update));
    expect(await offer(3)).toEqual({ accepted: true });
    expect(node.count('submitblock')).toBe(2);
  });

  it('is rejected when a hundred wait already; one that is given up makes room', async () => {
    const node = await start(() => undefined);
    const blocks = source(node);
    const waiting = Array.from({ length: 101 }, (_, index) => watch(blocks.submit(solved(102, index))));
    cleanUps.push(() => waiting.forEach(({ stop }) => stop()));
    expect(await firstValueFrom(blocks.submit(block))).toMatchObject({ reason: 'too-many-blocks' });
    expect(waiting.flatMap(({ values }) => values)).toEqual([]);
    waiting[50]?.stop();
    const late = watch(blocks.submit(block));
    cleanUps.push(late.stop);
    await nth(node, 'submitblock');
    expect(late.values).toEqual([]);
  });
});
