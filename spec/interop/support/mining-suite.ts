/** What a Bitcoin node must go through with `sv2 template-provider`, `sv2 pool` and `sv2 miner`, each a process of its own. */
import { expect } from '@jest/globals';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { p2pkh, p2wpkh, Transaction } from '@scure/btc-signer';
import { findWitnessCommitment, parseTransaction } from '../../../src/bitcoin/index.js';
import { startMiner, startPool, startTemplateProvider } from './network.js';
import type { Node } from './node.js';
import type { Sv2 } from './sv2.js';

/** A node's chain. */
export interface Chain {
  /** The versions of its addresses. */
  readonly network: {
    readonly bech32: string;
    readonly pubKeyHash: number;
    readonly scriptHash: number;
    readonly wif: number;
  };
  /** How many blocks it needs before SegWit is active and a coinbase of its own can be spent. */
  readonly firstBlocks: number;
  /** Lets the node find blocks that pay {@link minedTo}. */
  generate(node: Node, count: number): Promise<unknown>;
}

const secretKey = new Uint8Array(32).fill(9);
const publicKey = secp256k1.getPublicKey(secretKey, true);
/** Whom the pool pays. */
export const payoutScript = '0014670caa79e51d78ed0c583b89ff39d9c49b7199e7';
const fee = 5_000n;

/** The address that the node's own blocks are to pay. */
export const minedTo = (network: Chain['network']): string => p2pkh(publicKey, network).address;

interface Transactions {
  readonly height: number;
  readonly transactions: readonly { readonly txid: string; readonly hex: string }[];
}

/** A block with its transactions, which btcd calls `rawtx` and Bitcoin Core `tx`. */
export const blockAt = async (node: Node, hash: string): Promise<Transactions> => {
  const { height, rawtx, tx } = await node.call<{
    height: number;
    rawtx?: Transactions['transactions'];
    tx?: Transactions['transactions'];
  }>('getblock', hash, 2);
  return { height, transactions: rawtx ?? tx ?? [] };
};

/**
 * Mines on a node: its height rises by our blocks, which hold its transactions and pay us, through two restarts.
 * @param directory for the configurations of the roles
 * @returns how many blocks, and how many transactions were in the first
 */
export const mineThroughRestarts = async (
  node: Node,
  { network, firstBlocks, generate }: Chain,
  directory: string,
): Promise<{ readonly blocks: number; readonly spends: number }> => {
  await node.start();
  await generate(node, firstBlocks);
  const spends = await spend(node, network);

  // at this level what is counted is told each ten seconds, and not each minute
  const level = 'log_level = "debug"';
  const { sv2: provider, address } = await startTemplateProvider(
    directory,
    `bitcoin_rpc = "${node.url}"`,
    level,
  );
  const { sv2: pool, address: poolAddress } = await startPool(
    directory,
    { sv2: provider, address },
    `coinbase_reward_script = "raw(${payoutScript})"`,
    'pool_signature = "interop"',
    'shares_per_minute = 600',
    level,
  );
  const mine = () => startMiner(poolAddress, '--user', 'miner');
  let miner = mine();
  const blocks: Block[] = [];
  const takeBlocks = async (count: number): Promise<void> => {
    for (let taken = 0; taken < count; taken++) blocks.push(await nextBlock(provider));
  };
  await takeBlocks(5);

  // the node's transactions are in our first block
  const first = await blockAt(node, blocks[0]!.hash);
  expect(first.height).toBe(firstBlocks + 1);
  expect(first.transactions.map(({ txid }) => txid)).toEqual(expect.arrayContaining(spends));

  // the node goes away under a pool at work, and comes back
  await node.kill();
  await provider.line(/^no new templates: /);
  await node.start();
  await provider.line(/^the Bitcoin node is back/);
  await takeBlocks(5);
  await miner.program.stop();

  // and while nobody mines
  await drained(provider, pool);
  await node.kill();
  await provider.line(/^no new templates: /);
  await node.start();
  await provider.line(/^the Bitcoin node is back/);
  miner = mine();
  await takeBlocks(3);
  expect(await miner.program.stop()).toBe(0);
  await drained(provider, pool);
  for (const line of provider.log.rest) {
    const block = blockOf(line);
    if (block !== null) blocks.push(block);
  }

  expect(await node.call('getblockcount')).toBe(firstBlocks + blocks.length);
  expect(blocks.map(({ height }) => height)).toEqual(
    Array.from({ length: blocks.length }, (_, index) => firstBlocks + 1 + index),
  );
  for (const { height, hash } of blocks) {
    expect(await node.call('getblockhash', height)).toBe(hash);
    const { transactions } = await blockAt(node, hash);
    const coinbase = parseTransaction(hexToBytes(transactions[0]!.hex));
    expect(bytesToHex(coinbase.outputs[0]!.scriptPubKey)).toBe(payoutScript);
    expect(coinbase.outputs[0]!.value).toBeGreaterThanOrEqual(50_0000_0000n);
    expect(new TextDecoder().decode(coinbase.inputs[0]!.scriptSig)).toContain('Sv2/interop//');
    if (transactions.length > 1) expect(findWitnessCommitment(coinbase.outputs)).not.toBeNull();
  }
  expect(await pool.program.stop()).toBe(0);
  expect(await provider.program.stop()).toBe(0);
  return { blocks: blocks.length, spends: spends.length };
};

interface Block {
  readonly height: number;
  readonly hash: string;
}

const acceptedBlock = /^block (\d+) accepted: ([0-9a-f]{64})/;
const rejectedBlock = /^(block [0-9a-f]{64}|a block) of client \d+ rejected/;
/** Those that came soon after one that is told of alone. */
const moreRejected = /(\d+) more blocks? rejected/;
const foundBlock = /BLOCK found by/;

const blockOf = (line: string): Block | null => {
  const match = acceptedBlock.exec(line);
  return match === null ? null : { height: Number(match[1]), hash: match[2]! };
};

const nextBlock = async (provider: Sv2): Promise<Block> =>
  blockOf(await provider.log.take('an accepted block', (line) => acceptedBlock.test(line)))!;

/** Blocks on one parent that a pool sends to its template provider. */
const maxSiblings = 8;

/** How many blocks a pool has sent. */
const sentBlocks = ({ seen }: Sv2): number => {
  let onParent = 0;
  return seen.reduce((sent, line) => {
    if (line.startsWith('new block to build on')) onParent = 0;
    return foundBlock.test(line) && onParent++ < maxSiblings ? sent + 1 : sent;
  }, 0);
};

/** Waits until the template provider has said of every block that the pool sent what became of it. */
const drained = async (provider: Sv2, pool: Sv2): Promise<void> => {
  await pool.line(/client \d+ \S+ disconnected/); // the miner: what it sent has been handled
  const more = () => provider.seen.reduce((sum, line) => sum + Number(moreRejected.exec(line)?.[1] ?? 0), 0);
  const told = () => provider.count(acceptedBlock) + provider.count(rejectedBlock) + more();
  await provider.until('the last block', () => told() >= sentBlocks(pool));
};

/** Puts two transactions into the node's mempool: a legacy one, and one with witness that spends it. */
export const spend = async (node: Node, network: Chain['network']): Promise<string[]> => {
  const [legacy, segwit] = [p2pkh(publicKey, network), p2wpkh(publicKey, network)];
  const { transactions } = await blockAt(node, await node.call('getblockhash', 1));
  const { txid, hex } = transactions[0]!;
  const { value } = parseTransaction(hexToBytes(hex)).outputs[0]!;
  const toSegwit = new Transaction();
  toSegwit.addInput({ txid, index: 0, nonWitnessUtxo: hexToBytes(hex) });
  toSegwit.addOutput({ script: segwit.script, amount: value - fee });
  toSegwit.sign(secretKey);
  toSegwit.finalize();
  const fromSegwit = new Transaction();
  fromSegwit.addInput({
    txid: toSegwit.id,
    index: 0,
    witnessUtxo: { script: segwit.script, amount: value - fee },
  });
  fromSegwit.addOutput({ script: legacy.script, amount: value - 2n * fee });
  fromSegwit.sign(secretKey);
  fromSegwit.finalize();
  const sent: string[] = [];
  for (const transaction of [toSegwit, fromSegwit]) {
    sent.push(await node.call('sendrawtransaction', bytesToHex(transaction.extract())));
  }
  return sent;
};
