/** Bitcoin Core behind `sv2 template-provider`, and what it does that btcd does not. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { filter, firstValueFrom, ReplaySubject, tap } from 'rxjs';
import {
  createHeaderHasher,
  joinBlock,
  merkleRootFromPath,
  parseTransaction,
  serialiseBlockHeader,
  toDisplayHex,
  txid,
} from '../../../src/bitcoin/index.js';
import { SubmitSolution } from '../../../src/messages/index.js';
import { bitcoinNode } from '../../../src/node/bitcoin-node.js';
import { assembleBlock } from '../../../src/roles/template-provider/block-assembly.js';
import type {
  BlockTemplate,
  SolvedBlock,
  SourceUpdate,
  SubmitResult,
} from '../../../src/roles/template-provider/block-source.js';
import { templateStore } from '../../../src/roles/template-provider/template-store.js';
import { announcements, coinbaseFor, constraints } from '../../roles/template-provider/support.js';
import { minedTo, mineThroughRestarts, type Chain } from '../support/mining-suite.js';
import { bitcoinCoreNode, temporaryDirectory, type Node } from '../support/node.js';
import { stopPrograms } from '../support/process.js';
import { startTemplateProvider } from '../support/network.js';

const cleanUps: (() => void)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
  await stopPrograms();
  for (const remove of directories.splice(0)) remove();
});

const directories: (() => void)[] = [];
const temporary = (): string => {
  const { path, remove } = temporaryDirectory();
  directories.push(remove);
  return path;
};

const regtest: Chain = {
  network: { bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef },
  firstBlocks: 110,
  generate: (node, count) => node.call('generatetoaddress', count, minedTo(regtest.network)),
};

const start = async (
  ...how: Parameters<typeof bitcoinCoreNode> extends [string, ...infer Rest] ? Rest : never
) => {
  const node = await bitcoinCoreNode(temporary(), ...how);
  await node.start();
  return node;
};

/** A source of blocks over a node, and what it says. */
const follow = ({ url }: Node) => {
  const source = bitcoinNode({ url });
  const update$ = new ReplaySubject<SourceUpdate>(Infinity);
  const values: SourceUpdate[] = [];
  const subscription = source.update$.pipe(tap((update) => values.push(update))).subscribe(update$);
  cleanUps.push(() => subscription.unsubscribe());
  return {
    values,
    next: <T extends SourceUpdate['type']>(
      type: T,
      isWanted: (update: Extract<SourceUpdate, { type: T }>) => boolean = () => true,
    ) =>
      firstValueFrom(
        update$.pipe(
          filter(
            (update): update is Extract<SourceUpdate, { type: T }> =>
              update.type === type && isWanted(update as Extract<SourceUpdate, { type: T }>),
          ),
        ),
      ),
    submit: (block: SolvedBlock): Promise<SubmitResult> => firstValueFrom(source.submit(block)),
  };
};

/** What a client makes of a template, with an extranonce, before it looks for a nonce. */
const work = (block: BlockTemplate, extranonce: number) => {
  const store = templateStore({ feeThreshold: 1n, lastTemplateId: 0n });
  store.update(block, 0);
  const [{ provided, messages }] = announcements(store.setConstraints(1, constraints, 0)) as [
    ReturnType<typeof announcements>[number],
  ];
  const coinbaseTx = coinbaseFor(provided.message, { tag: Uint8Array.of(0x2f, extranonce, 0x2f) });
  const header = (nonce: number) =>
    serialiseBlockHeader({
      version: block.version,
      prevHash: block.prevHash,
      merkleRoot: merkleRootFromPath(txid(parseTransaction(coinbaseTx)), provided.message.merklePath),
      ntime: block.currentTime,
      nbits: block.nbits,
      nonce,
    });
  const { target } = messages[1] as { target: Uint8Array };
  return { provided, coinbaseTx, header, target };
};

/** A block of a template. */
const mined = (block: BlockTemplate, extranonce = 0): SolvedBlock => {
  const { provided, coinbaseTx, header, target } = work(block, extranonce);
  const nonce = createHeaderHasher(header(0)).search(0, 0xffff_fffe, target);
  if (nonce === null) throw new Error('no nonce found');
  return assembleBlock(
    provided,
    SubmitSolution({
      templateId: provided.templateId,
      version: block.version,
      headerTimestamp: block.currentTime,
      headerNonce: nonce,
      coinbaseTx,
    }),
  );
};

const isOn = (hash: string) => (template: BlockTemplate) => toDisplayHex(template.prevHash) === hash;

it('mines on Bitcoin Core: its height rises by our blocks, which hold its transactions and pay us', async () => {
  const directory = temporary();
  const node = await bitcoinCoreNode(directory, 'regtest');
  const { blocks, spends } = await mineThroughRestarts(node, regtest, directory);
  process.stdout.write(`Bitcoin Core: ${blocks} blocks of ours, ${spends} transactions in the first\n`);
});

describe('a block', () => {
  it('that invalidateblock takes back makes room for another of ours on its parent', async () => {
    const node = await start('regtest');
    await regtest.generate(node, 1);
    const source = follow(node);
    const template = await source.next('BlockTemplate');
    const [parent, first] = [toDisplayHex(template.prevHash), mined(template, 1)];
    expect(await source.submit(first)).toEqual({ accepted: true });
    expect(await source.submit(mined(template, 2))).toMatchObject({
      message: 'another block of ours was accepted at height 2',
    });
    await source.next('BlockTemplate', isOn(toDisplayHex(first.hash)));
    const before = source.values.length;
    await node.call('invalidateblock', toDisplayHex(first.hash));
    const again = await source.next(
      'BlockTemplate',
      (update) => source.values.indexOf(update) >= before && isOn(parent)(update),
    );
    const second = mined(again, 3);
    expect(await source.submit(second)).toEqual({ accepted: true });
    expect(await node.call('getbestblockhash')).toBe(toDisplayHex(second.hash));
  });

  it('is accepted by a node that lets us ask for nothing but templates and submit', async () => {
    const node = await start(
      'regtest',
      '-rpcwhitelist=interop:getblocktemplate,submitblock',
      '-rpcwhitelistdefault=0',
    );
    await regtest.generate(node, 1);
    const source = follow(node);
    const block = mined(await source.next('BlockTemplate'));
    expect(await source.submit(block)).toEqual({ accepted: true });
    expect(await node.call('getbestblockhash')).toBe(toDisplayHex(block.hash));
    await source.next('BlockTemplate', isOn(toDisplayHex(block.hash)));
    expect(source.values.filter(({ type }) => type !== 'BlockTemplate')).toEqual([]);
  });

  it('does not wait behind our waiting for the next one at a node with one thread', async () => {
    const node = await start('regtest', '-rpcthreads=1');
    await regtest.generate(node, 1);
    const source = follow(node);
    const template = await source.next('BlockTemplate');
    await source.next('SourceWarning', ({ code }) => code === 'one-rpc-thread');
    const began = performance.now();
    const block = mined(template);
    expect(await source.submit(block)).toEqual({ accepted: true });
    // a long poll lasts at least a minute where nothing happens
    expect(performance.now() - began).toBeLessThan(20_000);
    await source.next('BlockTemplate', isOn(toDisplayHex(block.hash)));
    await regtest.generate(node, 1);
    await source.next('BlockTemplate', isOn(await node.call('getbestblockhash')));
  });

  it('is rejected in the words of the node', async () => {
    const node = await start('regtest');
    await regtest.generate(node, 1);
    const source = follow(node);
    const template = await source.next('BlockTemplate');
    const late = { ...template, coinbaseValue: template.coinbaseValue + 1n };
    expect(await source.submit(mined(late))).toMatchObject({ accepted: false, reason: 'bad-cb-amount' });
    const bare = { ...template, segwit: false };
    expect(await source.submit(mined(bare))).toMatchObject({ accepted: false, reason: 'unexpected-witness' });
    expect(await source.submit(mined(template))).toEqual({ accepted: true });
  });
});

describe('a chain', () => {
  it('signet whose blocks nobody signs: is mined', async () => {
    const node = await start('signet', '-signetchallenge=51');
    const source = follow(node);
    const block = mined(await source.next('BlockTemplate'));
    expect(await source.submit(block)).toEqual({ accepted: true });
    expect(await node.call('getblockcount')).toBe(1);
  });

  it('signet whose blocks are signed: sv2 says what is missing', async () => {
    const node = await start('signet');
    const { sv2 } = await startTemplateProvider(temporary(), `bitcoin_rpc = "${node.url}"`);
    await sv2.line(
      /^no new templates: .* must be signed by those who run its signet \(BIP 325, signet_challenge 5121/,
    );
    expect(await sv2.program.stop()).toBe(0);
  });

  it('testnet4: its template makes a block that is valid but for the proof of work', async () => {
    const node = await start('testnet4');
    const template = await follow(node).next('BlockTemplate');
    expect(template).toMatchObject({ height: 1, nbits: 0x1d00ffff, segwit: true });
    const { coinbaseTx, header } = work(template, 0);
    const data = Buffer.from(joinBlock(header(0), [coinbaseTx])).toString('hex');
    // a proposal (BIP 23): null if it is valid
    const request = { mode: 'proposal', data, rules: ['segwit'] };
    expect(await node.call('getblocktemplate', request)).toBeNull();
    const wrong = Buffer.from(
      joinBlock(header(0), [coinbaseFor(work({ ...template, height: 2 }, 0).provided.message)]),
    );
    expect(await node.call('getblocktemplate', { ...request, data: wrong.toString('hex') })).not.toBeNull();
  });
});

it('warns of a clock that is an hour ahead, once', async () => {
  const node = await start('regtest');
  await regtest.generate(node, 1);
  await node.call('setmocktime', Math.floor(Date.now() / 1000) + 3_600);
  const source = follow(node);
  expect(await source.next('SourceWarning')).toMatchObject({
    code: 'clock-differs',
    message: expect.stringMatching(/is 3(599|600|601) s ahead of ours: check the clock/),
  });
  await source.next('BlockTemplate');
  await regtest.generate(node, 1);
  await source.next('BlockTemplate', isOn(await node.call('getbestblockhash')));
  expect(source.values.filter(({ type }) => type === 'SourceWarning')).toHaveLength(1);
});
