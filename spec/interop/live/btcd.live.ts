/** btcd behind `sv2 template-provider`, `sv2 pool` and `sv2 miner`, each a process of its own. */
import { afterEach, it } from '@jest/globals';
import { minedTo, mineThroughRestarts, type Chain } from '../support/mining-suite.js';
import { btcdNode, temporaryDirectory } from '../support/node.js';
import { stopPrograms } from '../support/process.js';

let removeDirectory = (): void => undefined;

afterEach(async () => {
  await stopPrograms();
  removeDirectory();
});

const simnet: Chain = {
  network: { bech32: 'sb', pubKeyHash: 0x3f, scriptHash: 0x7b, wif: 0x64 },
  // SegWit is active from block 300 on, and coinbases can be spent after 100 blocks
  firstBlocks: 310,
  generate: (node, count) => node.call('generate', count),
};

it('mines on btcd: its height rises by our blocks, which hold its transactions and pay us', async () => {
  const directory = temporaryDirectory();
  removeDirectory = () => directory.remove();
  const node = await btcdNode(directory.path, minedTo(simnet.network));
  const { blocks, spends } = await mineThroughRestarts(node, simnet, directory.path);
  process.stdout.write(`btcd: ${blocks} blocks of ours, ${spends} transactions in the first\n`);
});
