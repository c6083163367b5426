import { afterEach, describe, expect, it } from '@jest/globals';
import { blockHash, parseBlock, toDisplayHex, type Block } from '../../src/bitcoin/index.js';
import { bytesToHex, hexToBytes } from '../../src/codec/hex.js';
import { coreTemplate, scriptedNode, type RpcRequest, type ScriptedNode } from '../node/bitcoin-support.js';
import {
  keptUntilTheEnd,
  startProcess,
  startRole,
  temporaryFiles,
  type RunningRole,
} from './role-support.js';
import { sv2 } from './support.js';

const publicKey = '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72';
const secretKey = 'mkDLTBBRxdBv998612qipDYoTK3YUrqLe8uWw7gu3iXbSrn2n';
const authority = `authority_public_key = "${publicKey}"\nauthority_secret_key = "${secretKey}"\n`;
const payout = 'coinbase_reward_script = "raw(0014670caa79e51d78ed0c583b89ff39d9c49b7199e7)"';
const tokenKey = '5eed'.repeat(16);
const otherKey = 'c0de'.repeat(16);

const kept = keptUntilTheEnd();
const { file } = temporaryFiles();
const nodes: ScriptedNode[] = [];
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
});

/** With these, every second hash is a block; with those nothing that is found in a minute. */
const [easy, hard] = ['207fffff', '1d00ffff'];

/** A node whose next block has no transactions, and who finds every block right. */
const startNode = async (bits: string, blocks: Block[]): Promise<ScriptedNode> => {
  let last = '';
  const script = ({ method, params, reply, fail }: RpcRequest): void => {
    const [first] = params as [{ mode?: string; longpollid?: string } | string | undefined];
    if (method === 'getblocktemplate' && typeof first === 'object') {
      if (first.mode === 'proposal') reply(null);
      // another one does not come: it stays open
      else if (first.longpollid === undefined) {
        reply(
          coreTemplate({
            bits,
            curtime: Math.floor(Date.now() / 1_000),
            transactions: [],
            coinbasevalue: 5_000_000_000,
            default_witness_commitment: undefined,
          }),
        );
      }
    } else if (method === 'submitblock') {
      const block = parseBlock(hexToBytes(first as string));
      blocks.push(block);
      last = toDisplayHex(blockHash(block.header));
      reply(null);
    } else if (method === 'getblockhash') reply(last);
    else if (method === 'getrawmempool') reply([]);
    else fail(-32601, 'Method not found', 404);
  };
  const node = await scriptedNode(script);
  nodes.push(node);
  return node;
};

const addressOf = async (role: RunningRole, what = ''): Promise<string> =>
  (await role.printed(new RegExp(`${what} listening on (127\\.0\\.0\\.1:\\d+)`)))[1] as string;

/**
 * Node, template provider, declaration server and pool in processes of their own, client and miner.
 * @param isWithin whether the pool's core has the declaration server, and two processes serve miners
 */
const startNetwork = async (
  poolsTable: string,
  { mode = 'FULLTEMPLATE', bits = hard, ofDeclarator = '', ofClient = '', isWithin = false } = {},
) => {
  const blocks: Block[] = [];
  const node = await startNode(bits, blocks);
  const rpc = `bitcoin_rpc = "${node.url}"`;
  const listening = `listen_address = "127.0.0.1:0"\n${authority}`;
  const provider = kept(startRole('template-provider', '--config', file('tp.toml', `${listening}${rpc}`)));
  const providerAddress = await addressOf(provider);
  const providerTable = `[template_provider_type.Sv2Tp]\naddress = "${providerAddress}"\npublic_key = "${publicKey}"\n`;
  const pool = kept(
    startProcess(
      ...[
        'pool',
        '--config',
        file(
          'pool.toml',
          `${listening}${payout}\nledger = "none"\n${
            isWithin ? `processes = 2\n[jds]\nlisten_address = "127.0.0.1:0"\n${rpc}\n` : ''
          }${providerTable}${poolsTable}`,
        ),
      ],
    ),
  );
  const declarator = isWithin
    ? pool
    : kept(
        startProcess(
          ...[
            'jd-server',
            '--config',
            file('jds.toml', `${listening}${payout}\n${rpc}\ntoken_key = "${tokenKey}"\n${ofDeclarator}`),
          ],
        ),
      );
  const [poolHost, poolPort] = (await addressOf(pool, 'pool')).split(':');
  const [jdsHost, jdsPort] = (await addressOf(declarator, 'declaration server')).split(':');
  const client = kept(
    startRole(
      'jd-client',
      '--config',
      file(
        'jdc.toml',
        `listening_address = "127.0.0.1:0"\n${authority}mode = "${mode}"\n${ofClient}\n${providerTable}[[upstreams]]
authority_pubkey = "${publicKey}"\npool_address = "${poolHost}"\npool_port = ${poolPort}
jds_address = "${jdsHost}"\njds_port = ${jdsPort}\nuser_identity = "farm"\n`,
      ),
    ),
  );
  const mine = async () =>
    kept(
      startProcess('miner', `stratum2+tcp://rig@${await addressOf(client)}/${publicKey}`, '--threads', '1'),
    );
  return { node, blocks, declarator, pool, client, mine };
};

describe('sv2 jd-server, for sv2 pool in another process', () => {
  it('seals tokens of declared jobs by which the pool takes them, and submits the blocks', async () => {
    const { node, declarator, pool, client, mine } = await startNetwork(
      `[declarator]\ntoken_key = "${otherKey}"\nprevious_token_key = "${tokenKey}"\n`,
      { bits: easy },
    );
    const miner = await mine();
    await declarator.printed(/declared block 102: 0 transactions.*valid by the node/);
    await client.printed(/job \d+ accepted by the pool/);
    await declarator.printed(/client \d+ found block 102: [0-9a-f]{64}, submitted/);
    await declarator.printed(/block 102 accepted by the node/);
    await miner.stop();
    expect(node.count('submitblock')).toBeGreaterThan(0);
    expect(pool.output.stdout + pool.output.stderr).not.toMatch(/invalid-mining-job-token/);
    // what the pool runs with is in its first line, and the keys are not
    await pool.printed(/declarator\.token_key = \(hidden\)/);
    const all = [declarator, pool].map(({ output }) => output.stdout + output.stderr).join('');
    expect(all).not.toMatch(new RegExp(`${tokenKey}|${otherKey}`));
  }, 60_000);

  it('is in the core of a pool of several processes, which seals tokens for its fronts, and submits the blocks of their miners', async () => {
    const { node, pool, client, mine } = await startNetwork('', { bits: easy, isWithin: true });
    const miner = await mine();
    await pool.printed(/declared block 102: 0 transactions.*valid by the node/);
    await client.printed(/job \d+ accepted by the pool/);
    await pool.printed(/the pool has found block 102 on a declared job: [0-9a-f]{64}, /);
    await pool.printed(/block 102 accepted by the node/);
    await miner.stop();
    expect(node.count('submitblock')).toBeGreaterThan(0);
    expect(pool.output.stdout + pool.output.stderr).not.toMatch(/invalid-mining-job-token/);
  }, 60_000);

  it('gives out tokens by which the pool takes coinbase-only jobs', async () => {
    const { pool, client, mine } = await startNetwork(`[declarator]\ntoken_key = "${tokenKey}"\n`, {
      mode: 'COINBASEONLY',
    });
    const miner = await mine();
    await client.printed(/job \d+ accepted by the pool/);
    await miner.stop();
    expect(pool.output.stdout + pool.output.stderr).not.toMatch(/invalid-mining-job-token/);
  }, 60_000);

  it('has blocks pay by a distribution, as a setting says (draft extension 0x0003, experimental)', async () => {
    const { blocks, client, declarator, mine } = await startNetwork(
      `[declarator]\ntoken_key = "${tokenKey}"\n`,
      {
        bits: easy,
        ofDeclarator: `[experimental_payout_distribution]
weight = 30
payouts = [{ script = "raw(53)", weight = 69 }, { script = "raw(54)", weight = 1, dust_limit = 60000000 }]
additional_outputs = [{ script = "raw(55)", value = 1000 }]`,
        ofClient: 'experimental_payout_distribution = true',
      },
    );
    const miner = await mine();
    await client.printed(/job \d+ accepted by the pool/);
    await declarator.printed(/block 102 accepted by the node/);
    await miner.stop();
    const [coinbase] = blocks.at(-1)!.transactions;
    const paid = coinbase!.outputs
      .filter(({ value }) => value > 0n)
      .map(({ value, scriptPubKey }) => [value, bytesToHex(scriptPubKey)]);
    // of 5,000,000,000 less 1,000: 69 of 100 rounded down, dust not paid, and the rest to the pool
    expect(paid).toEqual([
      [1_550_000_000n - 310n, '0014670caa79e51d78ed0c583b89ff39d9c49b7199e7'],
      [3_450_000_000n - 690n, '53'],
      [1_000n, '55'],
    ]);
  }, 60_000);

  it('is refused by a pool with another key, which is said', async () => {
    const { client, pool, mine } = await startNetwork(`[declarator]\ntoken_key = "${otherKey}"\n`);
    await mine();
    await pool.printed(
      /job of its own refused, invalid-mining-job-token: expected a token sealed with the key that pool and declarator share/,
    );
    await client.printed(/job \d+ refused by the pool: invalid-mining-job-token/);
  }, 60_000);

  it.each([
    ['token_key = "abc"', /declarator\.token_key: expected 64 hexadecimal digits/],
    ['', /declarator\.token_key is missing: expected 64 hexadecimal digits/],
    [
      `token_key = "${tokenKey}"\n[jds]\nlisten_address = "127.0.0.1:0"\nbitcoin_rpc = "http://127.0.0.1:1"`,
      /declarator: .*\[jds\] has one in this: leave one of them out/,
    ],
    [`token_key = "${tokenKey}"\nprevious = 1`, /declarator\.previous: unknown key/],
  ])('says what is wrong with a table [declarator]: %s', async (lines, problem) => {
    const text = `${payout}\n[template_provider_type.Sv2Tp]\naddress = "127.0.0.1:1"\n[declarator]\n${lines}\n`;
    const { exitCode, stderr } = await sv2(['pool', '--config', file('bad.toml', text)]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(problem);
  });
});
