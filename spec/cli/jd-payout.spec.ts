import { describe, expect, it } from '@jest/globals';
import { coreTemplate, scriptedNode } from '../node/bitcoin-support.js';
import { keptUntilTheEnd, startRole, temporaryFiles } from './role-support.js';

const kept = keptUntilTheEnd();
const { file } = temporaryFiles();

/** A declaration client that mines alone for this payout, at this template provider. */
const alone = (payout: string, templateProvider: string) =>
  kept(
    startRole(
      ...['jd-client', '--listen', '127.0.0.1:0', '--no-template-provider-encryption'],
      ...['--template-provider', templateProvider, '--config'],
      file('alone.toml', `mode = "SOLOMINING"\nuser_identity = "farm"\ncoinbase_reward_script = "${payout}"`),
    ),
  );

describe('who is paid for blocks', () => {
  it('of a declaration client that mines alone: nobody on another chain than the address is of', async () => {
    const provider = kept(
      startRole('template-provider', '--listen', '127.0.0.1:0', '--nbits', '17023a04'), // as hard as mainnet
    );
    const [, address] = await provider.printed(/listening on (127\.0\.0\.1:\d+)/);
    const client = alone('tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', address as string);
    await client.printed(/which is mainnet; expected testnet/);
    expect(await client.stop()).toBe(0);
  });

  it('of a declaration server: nobody on another chain than the address is of', async () => {
    const node = await scriptedNode(({ method, reply, fail }) => {
      if (method === 'getblocktemplate') reply(coreTemplate({ longpollid: undefined }));
      else fail(-32601, 'Method not found', 404);
    });
    const server = kept(
      startRole(
        ...['jd-server', '--listen', '127.0.0.1:0', '--bitcoin-rpc', node.url],
        ...['--coinbase-reward-script', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
      ),
    );
    await server.printed(/the Bitcoin node: a tip of difficulty .*, which is not mainnet; expected mainnet/);
    expect(await server.stop()).toBe(0);
    await node.stop();
  });

  it('of a pool: an address of mainnet on another chain is warned of, as it is let be for tests', async () => {
    const provider = kept(startRole('template-provider', '--listen', '127.0.0.1:0'));
    const [, address = ''] = await provider.printed(/listening on (127\.0\.0\.1:\d+)/);
    const pool = kept(
      startRole(
        ...['pool', '--listen', '127.0.0.1:0', '--no-template-provider-encryption'],
        ...['--template-provider', address, '--coinbase-reward-script'],
        'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
      ),
    );
    await pool.printed(/blocks pay an address of another network .*which is not mainnet; expected mainnet/);
    await pool.printed(/new block to build on/);
  });

  it('is warned of where nobody can spend it', async () => {
    const warned = /coinbase_reward_script: nobody can spend it: it begins with OP_RETURN/;
    await alone('raw(6a0100)', '127.0.0.1:1').printed(warned);
    const server = kept(
      startRole(
        ...['jd-server', '--listen', '127.0.0.1:0', '--coinbase-reward-script', 'raw(6a0100)'],
        ...['--bitcoin-rpc', 'http://127.0.0.1:1'],
      ),
    );
    await server.printed(warned);
  });
});
