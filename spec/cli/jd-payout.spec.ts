import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { coreTemplate, scriptedNode } from '../node/bitcoin-support.js';
import { keptUntilTheEnd, startProcess, startRole, temporaryFiles } from './role-support.js';

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
    await client.printed(
      /no template provider has a chain that the payout is for: .*is mainnet; expected testnet/,
    );
    expect(await client.exitCode).toBe(1);
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
    await server.printed(
      /the Bitcoin node: a tip of difficulty .*, so that its chain is .*; expected mainnet/,
    );
    expect(await server.exitCode).toBe(1);
    await node.stop();
  });

  const payouts = [
    [
      'an address of mainnet',
      ['--coinbase-reward-script', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
      'mainnet',
    ],
    [
      'an address of testnet',
      ['--coinbase-reward-script', 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx'],
      'testnet',
    ],
    [
      'users of mainnet',
      ['--coinbase-reward-script', 'raw(51)', '--network', 'mainnet', '--payout', 'solo'],
      'mainnet',
    ],
    [
      'a fee to mainnet',
      [
        '--coinbase-reward-script',
        'raw(51)',
        '--payout',
        'solo',
        '--fee',
        '1',
        '--fee-script',
        'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
      ],
      'mainnet',
    ],
  ] as const;
  it.each(payouts)(
    'of a pool on regtest: not %s; miners get no work, and the pool ends',
    async (_, payout, network) => {
      const port = await new Promise<number>((resolve) => {
        const taken = createServer().listen(0, '127.0.0.1', () => {
          const { port } = taken.address() as AddressInfo;
          taken.close(() => resolve(port));
        });
      });
      const templateProvider = `127.0.0.1:${port}`;
      const pool = kept(
        startRole(
          ...['pool', '--listen', '127.0.0.1:0', '--no-template-provider-encryption'],
          ...['--template-provider', templateProvider, ...payout],
        ),
      );
      const [, address = ''] = await pool.printed(/listening on (127\.0\.0\.1:\d+)/);
      const user = network === 'mainnet' ? 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4' : 'farm';
      const miner = kept(
        startProcess('miner', `stratum2+tcp://${address}`, '--no-encryption', '--user', user),
      );
      await miner.printed(/channel \d+ opened/);
      kept(startRole('template-provider', '--listen', templateProvider, '--nbits', '207fffff'));
      await pool.printed(
        new RegExp(
          `no template provider has a chain .* its chain is regtest; expected ${network}, which the payout is for`,
        ),
      );
      expect(await pool.exitCode).toBe(1);
      expect(pool.output.stdout).toMatch(/: 0 shares accepted, 0 rejected, .* 0 blocks/);
      expect(pool.output.stdout).not.toContain('new block to build on');
    },
  );

  it('of a pool on regtest: whoever a raw script says', async () => {
    const provider = kept(startRole('template-provider', '--listen', '127.0.0.1:0', '--nbits', '207fffff'));
    const [, address = ''] = await provider.printed(/listening on (127\.0\.0\.1:\d+)/);
    const pool = kept(
      startRole(
        ...['pool', '--listen', '127.0.0.1:0', '--no-template-provider-encryption'],
        ...['--template-provider', address, '--coinbase-reward-script', 'raw(51)'],
      ),
    );
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
