/** The reference's job declaration client with our pool, declaration server and template provider, and btcd. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { startReferenceJdClient } from '../support/apps.js';
import { minedTo, payoutScript, spend } from '../support/mining-suite.js';
import { startJdServer, startMiner, startPool, startTemplateProvider } from '../support/network.js';
import { btcdNode, temporaryDirectory } from '../support/node.js';
import { stopPrograms } from '../support/process.js';

let removeDirectory = (): void => undefined;

afterEach(async () => {
  await stopPrograms();
  removeDirectory();
});

const simnet = { bech32: 'sb', pubKeyHash: 0x3f, scriptHash: 0x7b, wif: 0x64 };
const tokenKey = `token_key = "${'5eed'.repeat(16)}"`;

/** A node with two transactions, its template provider, a declaration server and a pool in two processes. */
const startNetwork = async () => {
  const directory = temporaryDirectory();
  removeDirectory = () => directory.remove();
  const node = await btcdNode(directory.path, minedTo(simnet));
  await node.start();
  await node.call('generate', 310);
  await spend(node, simnet);
  const rpc = `bitcoin_rpc = "${node.url}"`;
  const payout = `coinbase_reward_script = "raw(${payoutScript})"`;
  const provider = await startTemplateProvider(directory.path, rpc);
  const declarator = await startJdServer(
    directory.path,
    'listen_address = "127.0.0.1:0"',
    payout,
    tokenKey,
    rpc,
    'log_level = "debug"',
  );
  const pool = await startPool(
    directory.path,
    provider,
    payout,
    'shares_per_minute = 60',
    'share_batch_size = 1',
    'log_level = "debug"',
    '[declarator]',
    tokenKey,
  );
  return { directory: directory.path, provider, declarator, pool };
};

describe("the reference's declaration client", () => {
  it('declares jobs of our templates to our declaration server, and our pool takes them and the blocks found on them', async () => {
    const { directory, provider, declarator, pool } = await startNetwork();
    const client = await startReferenceJdClient(directory, provider, pool, declarator);
    const miner = startMiner(client.address, '--user', 'rig');
    await declarator.sv2.line(/declared block 311: 2 transactions.*valid by the node/);
    await pool.sv2.line(/share of .* accepted/);
    await declarator.sv2.line(/client \d+ found block \d+: [0-9a-f]{64}, submitted/);
    expect(pool.sv2.count(/job of its own refused, (?!stale-chain-tip)/)).toBe(0);
    await miner.program.stop();
  });
});
