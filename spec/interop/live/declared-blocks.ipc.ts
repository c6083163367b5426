/** Blocks of declared jobs that Bitcoin Core takes: our client at the reference's declaration server, the reference's client at ours. */
import { afterEach, expect, it } from '@jest/globals';
import { defer, exhaustMap, filter, firstValueFrom, timeout, timer } from 'rxjs';
import { startReferenceDeclarator, startReferenceJdClient } from '../support/apps.js';
import { patience } from '../support/inbox.js';
import {
  jdClientConfiguration,
  pairLines,
  startJdClient,
  startMiner,
  startPool,
  startTemplateProvider,
} from '../support/network.js';
import { bitcoinIpcNode, freePort, temporaryDirectory, type Node } from '../support/node.js';
import { stopPrograms } from '../support/process.js';

let removeDirectory = (): void => undefined;

afterEach(async () => {
  await stopPrograms();
  removeDirectory();
});

/** A node with some blocks and a transaction, and our template provider over its RPC. */
const startNode = async () => {
  const { path, remove } = temporaryDirectory();
  removeDirectory = remove;
  const node = await bitcoinIpcNode(path);
  await node.start();
  const [first] = await node.call<string[]>('generatetodescriptor', 110, 'raw(51)');
  const { tx } = await node.call<{ readonly tx: readonly string[] }>('getblock', first, 1);
  const to = { bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080: 49.999 };
  const raw = await node.call('createrawtransaction', [{ txid: tx[0], vout: 0 }], [to]);
  const txid = await node.call<string>('sendrawtransaction', raw);
  const provider = await startTemplateProvider(path, `bitcoin_rpc = "${node.url}"`);
  return { path, node, provider, txid };
};

/** The block of a height, once there is one. */
const blockAt = async (node: Node, height: number) => {
  const hash = await firstValueFrom(
    timer(0, 100).pipe(
      exhaustMap(() => defer(() => node.call<number>('getblockcount'))),
      filter((count) => count >= height),
      exhaustMap(() => node.call<string>('getblockhash', height)),
      timeout(patience),
    ),
  );
  const { tx } = await node.call<{ readonly tx: readonly Transaction[] }>('getblock', hash, 2);
  const [coinbase] = tx;
  return {
    txids: tx.map(({ txid }) => txid),
    paid: coinbase?.vout.filter(({ value }) => value > 0).map(({ scriptPubKey }) => scriptPubKey.hex),
    scriptSig: Buffer.from(coinbase?.vin[0]?.coinbase ?? '', 'hex').toString('latin1'),
  };
};

interface Transaction {
  readonly txid: string;
  readonly vin: readonly { readonly coinbase?: string }[];
  readonly vout: readonly { readonly value: number; readonly scriptPubKey: { readonly hex: string } }[];
}

it("our declaration client's, at the declaration server inside the reference's pool", async () => {
  const { path, node, provider, txid } = await startNode();
  const reference = await startReferenceDeclarator(path);
  const client = await startJdClient(
    jdClientConfiguration(
      `${path}/jd-client.toml`,
      provider.address,
      pairLines(reference.address, reference.declarator),
      'listening_address = "127.0.0.1:0"',
      'mode = "FULLTEMPLATE"',
      'jdc_signature = "ours"',
      'shares_per_minute = 60',
      'log_level = "debug"',
    ),
  );
  startMiner(client.address, '--user', 'rig');
  const { txids, paid, scriptSig } = await blockAt(node, 111);
  expect(txids).toContain(txid);
  expect(paid).toEqual(['51']);
  expect(scriptSig).toContain('ours');
  await client.sv2.line(/accepted/);
});

it("the reference's declaration client's, at the declaration server inside our pool", async () => {
  const { path, node, provider, txid } = await startNode();
  const [address, declarator] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const { sv2 } = await startPool(
    path,
    provider,
    `listen_address = "${address}"`,
    'coinbase_reward_script = "raw(51)"',
    'shares_per_minute = 60',
    'share_batch_size = 1',
    'log_level = "debug"',
    '[jds]',
    `listen_address = "${declarator}"`,
    `bitcoin_rpc = "${node.url}"`,
  );
  const client = await startReferenceJdClient(path, provider, { sv2, address }, { sv2, address: declarator });
  startMiner(client.address, '--user', 'rig');
  await sv2.line(/declared block 111: 1 transaction.*valid by the node/);
  const { txids, paid, scriptSig } = await blockAt(node, 111);
  expect(txids).toContain(txid);
  expect(paid).toEqual(['51']);
  expect(scriptSig).toContain('sri');
  await sv2.line(/BLOCK found by farm/);
  expect(sv2.count(/job of its own refused, (?!stale-chain-tip)/)).toBe(0);
});
