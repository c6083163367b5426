/** Two btcd nodes, one of a pool and its declarator, one of a miner who chooses the transactions: all of it processes. */
import { afterEach, expect, it } from '@jest/globals';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { mkdirSync } from 'node:fs';
import { defer, exhaustMap, filter, firstValueFrom, timeout, timer } from 'rxjs';
import { parseTransaction } from '../../../src/bitcoin/index.js';
import { patience } from '../support/inbox.js';
import { blockAt, minedTo, payoutScript, spend, type Chain } from '../support/mining-suite.js';
import {
  jdClientConfiguration,
  pairLines,
  startJdClient,
  startJdServer,
  startMiner,
  startPool,
  startTemplateProvider,
} from '../support/network.js';
import { btcdNode, freePort, temporaryDirectory, type Node } from '../support/node.js';
import { stopPrograms } from '../support/process.js';
import type { Sv2 } from '../support/sv2.js';

let removeDirectory = (): void => undefined;

afterEach(async () => {
  await stopPrograms();
  removeDirectory();
});

const simnet: Chain['network'] = { bech32: 'sb', pubKeyHash: 0x3f, scriptHash: 0x7b, wif: 0x64 };

/** Before these, SegWit is not active on simnet, and no coinbase can be spent. */
const firstBlocks = 310;

/** Asks until the answer is one that is waited for. */
const answered = <T>(what: string, ask: () => Promise<T>, isWanted: (answer: T) => boolean): Promise<T> =>
  firstValueFrom(
    timer(0, 100).pipe(
      exhaustMap(() => defer(ask)),
      filter(isWanted),
      timeout({
        first: patience,
        with: () => {
          throw new Error(`waited for ${what}`);
        },
      }),
    ),
  );

it('a block chosen by the client, of transactions that only its node had, pays the pool, whoever is killed meanwhile', async () => {
  const directory = temporaryDirectory();
  removeDirectory = () => directory.remove();
  const [poolsPlace, clientsPlace] = ['pool', 'client'].map((name) => `${directory.path}/${name}`) as [
    string,
    string,
  ];
  [poolsPlace, clientsPlace].forEach((place) => mkdirSync(place));
  const peer = `127.0.0.1:${await freePort()}`;
  const clientsNode = await btcdNode(clientsPlace, minedTo(simnet), `--listen=${peer}`);
  // blocks alone: no transactions come from its peer
  const poolsNode = await btcdNode(poolsPlace, minedTo(simnet), `--connect=${peer}`, '--blocksonly');
  await clientsNode.start();
  await poolsNode.start();
  await clientsNode.call('generate', firstBlocks);
  const heightOf = (node: Node) => () => node.call<number>('getblockcount');
  await answered('the chain at the other node', heightOf(poolsNode), (height) => height === firstBlocks);
  const spends = await spend(clientsNode, simnet);
  expect(await poolsNode.call('getrawmempool')).toEqual([]);

  const level = 'log_level = "debug"';
  const payout = `coinbase_reward_script = "raw(${payoutScript})"`;
  const tokenKey = 'token_key = "5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed"';
  const [poolPort, jdsPort, tpPort] = [await freePort(), await freePort(), await freePort()];
  const poolsProvider = await startTemplateProvider(poolsPlace, `bitcoin_rpc = "${poolsNode.url}"`);
  const startClientsProvider = () =>
    startTemplateProvider(
      clientsPlace,
      `listen_address = "127.0.0.1:${tpPort}"`,
      `bitcoin_rpc = "${clientsNode.url}"`,
      level,
    );
  const startDeclarator = () =>
    startJdServer(
      poolsPlace,
      `listen_address = "127.0.0.1:${jdsPort}"`,
      payout,
      tokenKey,
      `bitcoin_rpc = "${poolsNode.url}"`,
      level,
    );
  const startOurPool = () =>
    startPool(
      poolsPlace,
      poolsProvider,
      `listen_address = "127.0.0.1:${poolPort}"`,
      payout,
      'pool_signature = "interop"',
      'shares_per_minute = 20',
      level,
      '[declarator]',
      tokenKey,
    );
  let clientsProvider = await startClientsProvider();
  let declarator = await startDeclarator();
  let pool = await startOurPool();
  const { sv2: client, address } = await startJdClient(
    jdClientConfiguration(
      `${clientsPlace}/jd-client.toml`,
      clientsProvider.address,
      pairLines(pool.address, declarator.address),
      'listening_address = "127.0.0.1:0"',
      'mode = "FULLTEMPLATE"',
      'shares_per_minute = 20',
      level,
    ),
  );
  const miner = startMiner(address, '--user', 'rig');

  // the declarator had to ask for both transactions, and the pool's own node said that the block is right
  await declarator.sv2.line(/declared block 311: 2 transactions, 2 of them new.*valid by the node/);

  /** A block on a declared job that the pool has credited, and both nodes have. */
  const nextBlock = async (): Promise<string> => {
    const [, found] = await newLine(pool.sv2, /BLOCK found by farm.*: ([0-9a-f]{64})/);
    return found!;
  };
  const first = await chainBlock(clientsNode, poolsNode, firstBlocks + 1);
  expect(first.transactions.map(({ txid }) => txid)).toEqual(expect.arrayContaining(spends));
  expect(paysPool(first.transactions[0]!.hex)).toBe(true);
  await nextBlock();

  await pool.sv2.program.stop('SIGKILL');
  await client.line(/pair 1: .*(pool|left|lost|closed)/);
  pool = await startOurPool();
  await client.line(/work comes from upstream 1/);
  await nextBlock();

  await declarator.sv2.program.stop('SIGKILL');
  declarator = await startDeclarator();
  await newLine(declarator.sv2, /declared block/);
  await nextBlock();

  await clientsProvider.sv2.program.stop('SIGKILL');
  clientsProvider = await startClientsProvider();
  await newLine(declarator.sv2, /declared block/);
  await nextBlock();

  await clientsNode.kill();
  await clientsProvider.sv2.line(/^no new templates: /);
  await clientsNode.start();
  await clientsProvider.sv2.line(/^the Bitcoin node is back/);
  await newLine(declarator.sv2, /declared block/);
  await nextBlock();

  expect(await miner.program.stop()).toBe(0);
  expect(await client.program.stop()).toBe(0);
  // both have one chain, and all that was mined on it pays the pool
  const tips = () =>
    Promise.all([clientsNode, poolsNode].map((node) => node.call<string>('getbestblockhash')));
  await answered('one chain', tips, ([one, other]) => one === other);
  const height = await heightOf(poolsNode)();
  expect(height).toBeGreaterThan(firstBlocks + 4);
  for (let at = firstBlocks + 1; at <= height; at++) {
    const { transactions } = await blockAt(poolsNode, await poolsNode.call('getblockhash', at));
    expect(paysPool(transactions[0]!.hex)).toBe(true);
  }
  process.stdout.write(`btcd: ${height - firstBlocks} blocks of jobs of the client's own\n`);
});

const paysPool = (coinbase: string): boolean => {
  const [first] = parseTransaction(hexToBytes(coinbase)).outputs;
  return bytesToHex(first!.scriptPubKey) === payoutScript && first!.value >= 50_0000_0000n;
};

/** The block at a height, once both nodes have the same. */
const chainBlock = async (one: Node, other: Node, height: number) => {
  const hashes = () =>
    Promise.all([one, other].map((node) => node.call<string>('getblockhash', height).catch(() => '')));
  const [hash] = await answered(
    `block ${height} at both nodes`,
    hashes,
    ([ours, theirs]) => ours !== '' && ours === theirs,
  );
  return blockAt(other, hash!);
};

/** A line that was not there when this was called. */
const newLine = async (sv2: Sv2, pattern: RegExp): Promise<RegExpExecArray> => {
  const before = sv2.count(pattern);
  await sv2.until(String(pattern), () => sv2.count(pattern) > before);
  return pattern.exec(sv2.seen.findLast((line) => pattern.test(line))!)!;
};
