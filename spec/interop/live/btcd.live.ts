/** btcd behind `sv2 template-provider`, `sv2 pool` and `sv2 miner`, each a process of its own. */
import { afterEach, expect, it } from '@jest/globals';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { p2pkh, p2wpkh, Transaction } from '@scure/btc-signer';
import { findWitnessCommitment, parseTransaction } from '../../../src/bitcoin/index.js';
import { bitcoinNode, temporaryDirectory, type Node } from '../support/node.js';
import { startMiner, startPool, startTemplateProvider } from '../support/network.js';
import { stopPrograms } from '../support/process.js';
import type { Sv2 } from '../support/sv2.js';

let removeDirectory = (): void => undefined;

afterEach(async () => {
  await stopPrograms();
  removeDirectory();
});

/** The address versions of btcd's simnet. */
const simnet = { bech32: 'sb', pubKeyHash: 0x3f, scriptHash: 0x7b, wif: 0x64 };

const secretKey = new Uint8Array(32).fill(9);
const publicKey = secp256k1.getPublicKey(secretKey, true);
const legacy = p2pkh(publicKey, simnet);
const segwit = p2wpkh(publicKey, simnet);
/** Whom the pool pays. */
const payoutScript = '0014670caa79e51d78ed0c583b89ff39d9c49b7199e7';

/** SegWit is active on simnet from block 300 on, and coinbases can be spent after 100 blocks. */
const firstBlocks = 310;
const fee = 5_000n;

interface BlockJson {
  readonly height: number;
  /** btcd's name for what is `tx` at Bitcoin Core. */
  readonly rawtx: readonly { readonly txid: string; readonly hex: string }[];
}

it('mines on btcd: its height rises by our blocks, which hold its transactions and pay us', async () => {
  const directory = temporaryDirectory();
  removeDirectory = () => directory.remove();
  const node = await bitcoinNode(directory.path, legacy.address);
  await node.start();
  await node.call('generate', firstBlocks);
  const spends = await spend(node);

  const { sv2: provider, address } = await startTemplateProvider(
    directory.path,
    `bitcoin_rpc = "${node.url}"`,
  );
  const { sv2: pool, address: poolAddress } = await startPool(
    directory.path,
    { sv2: provider, address },
    `coinbase_reward_script = "raw(${payoutScript})"`,
    'pool_signature = "interop"',
    'shares_per_minute = 600',
  );
  const mine = () => startMiner(poolAddress, '--user', 'miner');
  let miner = mine();
  const blocks: Block[] = [];
  const takeBlocks = async (count: number): Promise<void> => {
    for (let taken = 0; taken < count; taken++) blocks.push(await nextBlock(provider));
  };
  await takeBlocks(5);

  // the node's transactions are in our first block
  const first = await node.call<BlockJson>('getblock', blocks[0]!.hash, 2);
  expect(first.height).toBe(firstBlocks + 1);
  expect(first.rawtx.map(({ txid }) => txid)).toEqual(expect.arrayContaining(spends));

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
    const { rawtx } = await node.call<BlockJson>('getblock', hash, 2);
    const coinbase = parseTransaction(hexToBytes(rawtx[0]!.hex));
    expect(bytesToHex(coinbase.outputs[0]!.scriptPubKey)).toBe(payoutScript);
    expect(coinbase.outputs[0]!.value).toBeGreaterThanOrEqual(50_0000_0000n);
    expect(new TextDecoder().decode(coinbase.inputs[0]!.scriptSig)).toContain('Sv2/interop//');
    if (rawtx.length > 1) expect(findWitnessCommitment(coinbase.outputs)).not.toBeNull();
  }
  expect(await pool.program.stop()).toBe(0);
  expect(await provider.program.stop()).toBe(0);
  process.stdout.write(`btcd: ${blocks.length} blocks of ours, ${spends.length} transactions in the first\n`);
});

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

/** Waits until the template provider has said of every block that the pool found what became of it. */
const drained = async (provider: Sv2, pool: Sv2): Promise<void> => {
  await pool.line(/^client \d+ \S+ disconnected/); // the miner: what it sent has been handled
  const told = () =>
    provider.count(acceptedBlock) + provider.count(rejectedBlock) + provider.sum(moreRejected);
  await provider.until('the last block', () => told() >= pool.count(foundBlock));
};

/** Puts two transactions into the node's mempool: a legacy one, and one with witness that spends it. */
const spend = async (node: Node): Promise<string[]> => {
  const block = await node.call<BlockJson>('getblock', await node.call('getblockhash', 1), 2);
  const { txid, hex } = block.rawtx[0]!;
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
