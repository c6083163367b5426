import { describe, expect, it } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { bitcoinNode } from '../../src/node/bitcoin-node.js';
import { scriptedNode, type RpcRequest } from './bitcoin-support.js';

const block = Uint8Array.of(1, 2, 0xff);

/** What comes of a proposed block at a node that follows a script. */
const propose = async (script: (request: RpcRequest) => void) => {
  const node = await scriptedNode(script);
  try {
    return await firstValueFrom(bitcoinNode({ url: node.url }).propose(block));
  } finally {
    await node.stop();
  }
};

describe('a block without proof of work', () => {
  it('is put to the node by getblocktemplate in proposal mode (BIP 23)', async () => {
    const seen: unknown[] = [];
    const result = await propose(({ method, params, reply }) => {
      seen.push([method, params]);
      reply(null);
    });
    expect(result).toEqual({ accepted: true });
    expect(seen).toEqual([
      ['getblocktemplate', [{ mode: 'proposal', rules: ['segwit', 'signet'], data: '0102ff' }]],
    ]);
  });

  it('comes back with the reason of the node', async () => {
    const result = await propose(({ reply }) => reply('bad-txns-inputs-missingorspent'));
    expect(result).toEqual({ accepted: false, reason: 'bad-txns-inputs-missingorspent' });
  });

  it.each<[string, string, (request: RpcRequest) => void]>([
    ['does not know the mode', 'invalid-answer', ({ reply }) => reply({ version: 1 })],
    ['refuses the call', 'rpc-error', ({ fail }) => fail(-22, 'Block decode failed')],
    ['goes away', 'node-connection-lost', ({ drop }) => drop()],
  ])('is not judged by a node that %s', async (_, code, script) => {
    await expect(propose(script)).rejects.toMatchObject({ code });
  });
});
