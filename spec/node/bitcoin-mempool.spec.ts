import { describe, expect, it } from '@jest/globals';
import { wtxid, parseTransaction } from '../../src/bitcoin/index.js';
import { bytesToHex } from '../../src/codec/hex.js';
import { bitcoinNode } from '../../src/node/bitcoin-node.js';
import type { TemplateTransaction } from '../../src/roles/template-provider/block-source.js';
import { blockTemplate } from '../declaration/support.js';
import { toDisplayHex } from '../../src/bitcoin/hash.js';
import { manualTime, scriptedNode, settled, watch, type RpcRequest } from './bitcoin-support.js';

const [first, second, third] = blockTemplate(3).transactions as [
  TemplateTransaction,
  TemplateTransaction,
  TemplateTransaction,
];

/** A node whose mempool is what a spec says, watched by a clock that a spec turns. */
const watched = async (answer: (request: RpcRequest) => boolean = () => false) => {
  let pool: readonly TemplateTransaction[] = [];
  const node = await scriptedNode((request) => {
    const { method, params, reply, fail } = request;
    if (answer(request)) return;
    if (method === 'getrawmempool') reply(pool.map((transaction) => toDisplayHex(transaction.txid)));
    else if (method === 'getrawtransaction') {
      const found = pool.find((transaction) => toDisplayHex(transaction.txid) === params[0]);
      if (found === undefined) fail(-5, 'No such mempool transaction');
      else reply(bytesToHex(found.data));
    } else fail(-32601, 'Method not found', 404);
  });
  const time = manualTime();
  const { transaction$ } = bitcoinNode({ url: node.url, mempoolInterval: 1_000, scheduler: time.scheduler });
  const seen = watch(transaction$);
  return {
    node,
    seen,
    has: (...transactions: readonly TemplateTransaction[]) => (pool = transactions),
    /** The next look at the list. */
    async look() {
      time.advance(1_000);
      await settled(node);
      await settled(node);
    },
    stop() {
      seen.stop();
      return node.stop();
    },
  };
};

const ids = ({ values }: { readonly values: readonly object[] }) =>
  values.flatMap((value) =>
    'transactions' in value
      ? (value.transactions as readonly { readonly wtxid: Uint8Array }[]).map((found) =>
          bytesToHex(found.wtxid),
        )
      : [],
  );

const wtxids = (...transactions: readonly TemplateTransaction[]) =>
  transactions.map((transaction) => bytesToHex(wtxid(parseTransaction(transaction.data))));

describe("a node's mempool", () => {
  it('is read as it grows, each transaction once while it is there', async () => {
    const { node, seen, has, look, stop } = await watched();
    has(first);
    await look();
    await seen.next();
    has(first, second);
    await look();
    await seen.next(
      (value) => 'transactions' in value && ids({ values: [value] }).includes(wtxids(second)[0]!),
    );
    expect(ids(seen)).toEqual(wtxids(first, second));
    expect(node.count('getrawtransaction')).toBe(2);
    await stop();
  });

  it('may lose transactions between two calls, and lie about others: the rest is read', async () => {
    const { seen, has, look, stop } = await watched(({ method, params, reply, fail }) => {
      if (method !== 'getrawtransaction') return false;
      if (params[0] === toDisplayHex(first.txid)) fail(-5, 'No such mempool transaction');
      else if (params[0] === toDisplayHex(second.txid)) reply('zz');
      else return false;
      return true;
    });
    has(first, second, third);
    await look();
    await seen.next();
    expect(ids(seen)).toEqual(wtxids(third));
    await stop();
  });

  it('that a node does not show is told of once, and not asked for again', async () => {
    const { node, seen, look, stop } = await watched(({ method, respond }) => {
      if (method === 'getrawmempool') respond(403, '');
      return method === 'getrawmempool';
    });
    await look();
    expect(await seen.next()).toMatchObject({ type: 'SourceWarning', code: 'mempool-unreadable' });
    await look();
    expect(node.count('getrawmempool')).toBe(1);
    expect(seen.values).toHaveLength(1);
    await stop();
  });

  it('is bounded: 500 transactions a look', async () => {
    const { node, look, stop } = await watched(({ method, reply, fail }) => {
      if (method === 'getrawmempool')
        reply(Array.from({ length: 700 }, (_, index) => index.toString(16).padStart(64, '0')));
      else fail(-5, 'No such mempool transaction');
      return true;
    });
    await look();
    while (node.count('getrawtransaction') < 500) await settled(node);
    await settled(node);
    expect(node.count('getrawtransaction')).toBe(500);
    await stop();
  });
});
