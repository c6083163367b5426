import { afterEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { firstValueFrom, ReplaySubject } from 'rxjs';
import { parseBlockHeader } from '../../src/bitcoin/block-header.js';
import { toDisplayHex } from '../../src/bitcoin/hash.js';
import { hexToBytes } from '../../src/codec/hex.js';
import {
  coreTemplate,
  id,
  scriptedNode,
  type RpcRequest,
  type ScriptedNode,
} from '../node/bitcoin-support.js';
import {
  startProcess,
  startRole,
  keptUntilTheEnd,
  temporaryFiles,
  type RunningRole,
} from './role-support.js';
import { sv2 } from './support.js';

// keys of the reference implementation's example configuration
const publicKey = '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72';
const secretKey = 'mkDLTBBRxdBv998612qipDYoTK3YUrqLe8uWw7gu3iXbSrn2n';

const kept = keptUntilTheEnd();
const nodes: ScriptedNode[] = [];
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
});
const start = (...argv: readonly string[]): RunningRole => kept(startRole('template-provider', ...argv));

const { directory, file: fileOf } = temporaryFiles();
let files = 0;
const configFile = (text: string): string => fileOf(`tp-${++files}.toml`, text);
const anyPort = ['--listen', '127.0.0.1:0'];
const portOf = async (role: RunningRole): Promise<string> =>
  (await role.printed(/listening on (127\.0\.0\.1:\d+)/))[1] as string;

describe('sv2 template-provider', () => {
  it('provides templates of a simulated chain over Noise, and logs a line for whatever happens', async () => {
    const role = start(
      '--config',
      configFile(`
listen_address = "127.0.0.1:0"
authority_public_key = "${publicKey}"
authority_secret_key = "${secretKey}"
nbits = "207fffff"
height = 1234
block_interval = 0.3
transactions_per_second = 100
fee_threshold = 1
min_interval = 0.05
`),
    );
    const address = await portOf(role);
    await role.printed(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z new tip [0-9a-f]{64}: next is block 1234, nbits 207fffff\n/m,
    );
    const client = startRole(
      ...['connect', `stratum2+tcp://${address}/${publicKey}`, '--protocol', 'template-distribution'],
    );
    kept(client);
    await role.printed(/client 1 connected from 127\.0\.0\.1:\d+/);
    await role.printed(/next is block 1235/);
    expect(await client.stop()).toBe(0);
    await role.printed(/client 1 \(127\.0\.0\.1:\d+\) disconnected: /);
    expect(await role.stop('SIGINT')).toBe(0);
    expect(role.output.stderr).toBe('');
    expect(role.output.stdout).not.toContain(secretKey);
    expect(role.output.stdout).toMatch(
      / template-provider ended after 0:\d\d: \d+ templates? sent, 0 blocks accepted, 0 rejected\n$/,
    );
  });

  it('says on stderr when connections are not encrypted', async () => {
    const role = start(...anyPort);
    await portOf(role);
    await role.printed(/no authority keys are configured: connections to 127\.0\.0\.1:\d+ are not encrypted/);
    expect(role.output.stderr).toMatch(/not encrypted/);
    expect(await role.stop()).toBe(0);
  });

  it('provides templates of a Bitcoin node, says once when it is in trouble, and when it is back', async () => {
    let sound = false;
    const node = await scriptedNode(({ reply, fail, params: [request] }) => {
      if ((request as { longpollid?: string }).longpollid !== undefined) return;
      if (sound) reply(coreTemplate({ transactions: [], previousblockhash: id(7) }));
      else fail(-28, 'Verifying blocks…');
    });
    nodes.push(node);
    const role = start(...anyPort, '--bitcoin-rpc', node.url);
    await role.printed(
      /no new templates: the Bitcoin node at 127\.0\.0\.1:\d+ is starting: "Verifying blocks…" \(RPC error -28\); trying again/,
    );
    sound = true;
    await role.printed(/the Bitcoin node is back after \d+ s: \d+ attempts? failed\n/);
    await role.printed(new RegExp(`new tip ${id(7)}: next is block 102`));
    expect(await role.stop()).toBe(0);
    expect(role.output.stderr.match(/no new templates/g)).toHaveLength(1);
    expect(role.output.stderr + role.output.stdout).not.toMatch(/sesame/);
  });

  it('has its miners begin anew when the difficulty of the block changes and the tip does not, as on testnets', async () => {
    const tip = {
      transactions: [],
      previousblockhash: id(7),
      mintime: 1,
      curtime: Math.floor(Date.now() / 1000),
    };
    let template = coreTemplate({ ...tip, bits: '1b00ffff', longpollid: 'hard' }); // of 2^48 hashes
    let waiting: RpcRequest | undefined;
    const block$ = new ReplaySubject<Uint8Array>(1);
    const node = await scriptedNode((request) => {
      const { method, params, reply, fail } = request;
      if (method === 'submitblock') {
        block$.next(hexToBytes(params[0] as string));
        reply(null);
      } else if (method !== 'getblocktemplate') fail(-32601, 'Method not found', 404);
      else if ((params[0] as { longpollid?: string }).longpollid === template.longpollid) waiting = request;
      else reply(template);
    });
    nodes.push(node);
    const provider = start(...anyPort, '--bitcoin-rpc', node.url);
    await provider.printed(/new tip 0+7: next is block 102, nbits 1b00ffff/);
    const pool = kept(
      startRole(
        ...['pool', ...anyPort, '--template-provider', await portOf(provider)],
        '--no-template-provider-encryption',
        ...['--coinbase-reward-script', 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'],
      ),
    );
    const url = `stratum2+tcp://${await portOf(pool)}`;
    const miner = kept(startProcess('miner', url, '--no-encryption', '--threads', '1', '--hash-rate', '1e6'));
    await miner.printed(/channel 2: job \d+ started/);
    template = coreTemplate({ ...tip, bits: '207fffff', longpollid: 'easy' });
    waiting?.reply(template);
    await provider.printed(/block 102 has another difficulty: nbits 207fffff\n/);
    const { prevHash, nbits } = parseBlockHeader((await firstValueFrom(block$)).subarray(0, 80));
    expect({ prevHash: toDisplayHex(prevHash), nbits }).toEqual({ prevHash: id(7), nbits: 0x207f_ffff });
    await provider.printed(/block 102 accepted: /);
  });

  it('says when the cookie file is missing, and goes on trying', async () => {
    const role = start(
      ...[
        ...anyPort,
        '--bitcoin-rpc',
        'http://127.0.0.1:1',
        '--bitcoin-cookie',
        join(directory, 'no.cookie'),
      ],
    );
    await role.printed(/the cookie file .*no\.cookie cannot be read \(ENOENT\): check the path/);
    expect(await role.stop()).toBe(0);
  });

  it('ends with status 1 when its address is in use', async () => {
    const first = start(...anyPort);
    const second = start('--listen', await portOf(first));
    expect(await second.exitCode).toBe(1);
    expect(second.output.stderr).toMatch(/^sv2: 127\.0\.0\.1:\d+ is in use: choose another port/m);
  });

  it('ends cleanly on SIGTERM', async () => {
    const child = startProcess('template-provider', ...anyPort);
    await portOf(child);
    expect(await child.stop('SIGTERM')).toBe(0);
  });

  it.each<[string, readonly string[], RegExp]>([
    ['a bad address', ['--listen', '8442'], /^sv2: --listen: expected HOST:PORT/],
    ['bad nbits', ['--nbits', 'easy'], /^sv2: --nbits: expected eight hex digits/],
    ['impossible nbits', ['--nbits', '2200ffff'], /^sv2: --nbits: .*above 2\^256/],
    ['a bad interval', ['--block-interval', '0'], /^sv2: --block-interval: expected a number from 0\.001/],
    ['a bad key', ['--authority-public-key', 'x'], /^sv2: --authority-public-key: expected a key/],
    ['half a key pair', ['--authority-public-key', publicKey], /^sv2: authority_secret_key is missing/],
    ['a URL that is none', ['--bitcoin-rpc', 'bitcoind'], /^sv2: bitcoin_rpc: expected a URL such as/],
    [
      'a URL without a port',
      ['--bitcoin-rpc', 'http://u:sesame@h'],
      /^sv2: bitcoin_rpc: .*the port is missing/,
    ],
    ['a cookie for nothing', ['--bitcoin-cookie', '.cookie'], /^sv2: bitcoin_rpc is missing/],
    [
      'two sources',
      ['--bitcoin-rpc', 'http://h:1', '--nbits', '207fffff', '--seed', '2'],
      /^sv2: nbits: is for the simulated chain.*\nsv2: seed: /,
    ],
    ['a file that is not there', ['--config', 'none.toml'], /^sv2: none\.toml: cannot be read: no such file/],
    ['an unknown option', ['--fees', '1'], /^sv2: unknown option '--fees'/],
  ])('ends with status 2 and says what is wrong: %s', async (_, argv, problem) => {
    const { exitCode, stdout, stderr } = await sv2(['template-provider', ...argv]);
    expect(stderr).toMatch(problem);
    expect(stderr).not.toContain('sesame');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });

  it('names file and key of a wrong setting', async () => {
    const file = configFile('nbits = 0x1e00ffff\nblock_intervall = 60\n');
    const { exitCode, stderr } = await sv2(['template-provider', '--config', file]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${file}: nbits: expected eight hex digits as a text`);
    expect(stderr).toContain(`${file}: block_intervall: unknown key`);
  });
});
