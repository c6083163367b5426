/** Blocks of declared jobs that Bitcoin Core takes: our client at the reference's declaration server, the reference's client at ours. */
import { afterEach, expect, it } from '@jest/globals';
import {
  concat,
  defer,
  exhaustMap,
  filter,
  firstValueFrom,
  NEVER,
  of,
  ReplaySubject,
  switchMap,
  take,
  timeout,
  timer,
  type Subscription,
} from 'rxjs';
import { connect } from '../../../src/node/connect.js';
import type { Hasher } from '../../../src/roles/miner/hasher.js';
import { miner } from '../../../src/roles/miner/miner.js';
import { virtualHasher } from '../../roles/support.js';
import { startReferenceDeclarator, startReferenceJdClient } from '../support/apps.js';
import { patience } from '../support/inbox.js';
import {
  jdClientConfiguration,
  pairLines,
  startJdClient,
  startMiner,
  startPool,
  startTemplateProvider,
  type Listening,
} from '../support/network.js';
import { bitcoinIpcNode, freePort, temporaryDirectory, type Node } from '../support/node.js';
import { authorityText } from '../support/ours.js';
import { stopPrograms } from '../support/process.js';

let removeDirectory = (): void => undefined;
let running: Subscription | undefined;

afterEach(async () => {
  running?.unsubscribe();
  await stopPrograms();
  removeDirectory();
});

/** A node with some blocks, our template provider over its RPC, and what gives the node a transaction. */
const startEmptyNode = async () => {
  const { path, remove } = temporaryDirectory();
  removeDirectory = remove;
  const node = await bitcoinIpcNode(path);
  await node.start();
  const [first] = await node.call<string[]>('generatetodescriptor', 110, 'raw(51)');
  const { tx } = await node.call<{ readonly tx: readonly string[] }>('getblock', first, 1);
  const spend = async (): Promise<string> => {
    const to = { bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080: 49.999 };
    const raw = await node.call('createrawtransaction', [{ txid: tx[0], vout: 0 }], [to]);
    return node.call<string>('sendrawtransaction', raw);
  };
  const startProvider = () => startTemplateProvider(path, `bitcoin_rpc = "${node.url}"`, 'min_interval = 1');
  return { path, node, spend, startProvider };
};

/** The same with a transaction that is in the first template. */
const startNode = async () => {
  const { spend, startProvider, ...others } = await startEmptyNode();
  const txid = await spend();
  return { ...others, txid, provider: await startProvider() };
};

/** Our pool with its declaration server, both on a node. */
const startPoolWithJds = async (path: string, node: Node, provider: Listening) => {
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
  return { sv2, pool: { sv2, address }, declarator: { sv2, address: declarator } };
};

/** A slow miner with a channel, which begins to hash when it is told to. */
const startWaitingMiner = (address: string): { hash(): void } => {
  const begin$ = new ReplaySubject<void>(1);
  const hasher = virtualHasher(2_000);
  const waiting: Hasher = {
    hash: (unit) =>
      begin$.pipe(
        take(1),
        switchMap(() => hasher.hash(unit)),
      ),
  };
  running = miner({
    connect: connect(`stratum2+tcp://${address}/${authorityText}`),
    userIdentity: 'rig',
    channels: { extended: 1 },
    nominalHashRate: 2_000,
    hasher$: concat(of(waiting), NEVER),
  })
    .start()
    .subscribe();
  return { hash: () => begin$.next() };
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
  const { sv2, pool, declarator } = await startPoolWithJds(path, node, provider);
  const client = await startReferenceJdClient(path, provider, pool, declarator);
  startMiner(client.address, '--user', 'rig');
  await sv2.line(/declared block 111: 1 transaction.*valid by the node/);
  const { txids, paid, scriptSig } = await blockAt(node, 111);
  expect(txids).toContain(txid);
  expect(paid).toEqual(['51']);
  expect(scriptSig).toContain('sri');
  await sv2.line(/BLOCK found by farm/);
  expect(sv2.count(/job of its own refused, (?!stale-chain-tip)/)).toBe(0);
});

it("the reference's declaration client's in coinbase-only mode, at the same: on a template that replaces another", async () => {
  const { path, node, spend, startProvider } = await startEmptyNode();
  const provider = await startProvider();
  const { sv2, pool, declarator } = await startPoolWithJds(path, node, provider);
  const client = await startReferenceJdClient(path, provider, pool, declarator, 'COINBASEONLY');
  const device = startWaitingMiner(client.address);
  await sv2.line(/farm opened it, extended/);
  // of the template that is there when its channel opens, or that comes with a new tip, it sets no job
  const txid = await spend();
  await sv2.line(/job of its own accepted/);
  device.hash();
  await sv2.line(/share of farm accepted/);
  await sv2.line(/BLOCK found by farm/);
  const { txids, paid, scriptSig } = await blockAt(node, 111);
  expect(txids).toContain(txid);
  expect(paid).toEqual(['51']);
  expect(scriptSig).toContain('sri');
  expect(sv2.count(/declared block/)).toBe(0);
  expect(sv2.count(/job of its own refused, (?!stale-chain-tip)/)).toBe(0);
});
