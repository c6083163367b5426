import { describe, expect, it } from '@jest/globals';
import { minerLine } from '../../src/cli/miner-log.js';
import {
  startProcess,
  startRole,
  keptUntilTheEnd,
  temporaryFiles,
  type RunningRole,
} from './role-support.js';
import { sv2 } from './support.js';

// the command mines in worker threads, which need JavaScript: it runs from dist, which `npm test` has built

const track = keptUntilTheEnd();
const startMiner = (...argv: readonly string[]) => track(startProcess('miner', ...argv));

const { file: fileOf } = temporaryFiles();

const publicKey = '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72';
const secretKey = 'mkDLTBBRxdBv998612qipDYoTK3YUrqLe8uWw7gu3iXbSrn2n';

const portOf = async (role: RunningRole): Promise<string> =>
  (await role.printed(/listening on (127\.0\.0\.1:\d+)/))[1] as string;

/** A pool over a simulated chain on which one hash in 2^20 is a block, in this process. */
const startPool = async (...flags: readonly string[]): Promise<{ pool: RunningRole; address: string }> => {
  const provider = track(startRole('template-provider', '--listen', '127.0.0.1:0', '--nbits', '1e0fffff'));
  const pool = track(
    startRole(
      ...['pool', '--listen', '127.0.0.1:0', '--coinbase-reward-script', 'raw(51)'],
      ...['--template-provider', await portOf(provider), '--no-template-provider-encryption'],
      ...['--shares-per-minute', '120'],
      ...flags,
    ),
  );
  await pool.printed(/new block to build on/);
  return { pool, address: await portOf(pool) };
};

describe('sv2 miner', () => {
  it('mines blocks on an extended channel, over Noise, and ends when interrupted', async () => {
    const { pool, address } = await startPool(
      ...['--authority-public-key', publicKey, '--authority-secret-key', secretKey],
    );
    const miner = startMiner(
      `stratum2+tcp://${address}/${publicKey}`,
      '--user',
      'alice',
      '--threads',
      '2',
      '--log-level',
      'debug',
    );
    await miner.printed(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z 2 threads, [\d.]+ [kM]H\/s measured\n/m);
    await miner.printed(/connected to the pool at 127\.0\.0\.1:\d+/);
    await miner.printed(/extended channel 2 opened, difficulty/);
    await miner.printed(/channel 2: job \d+ started/);
    await miner.printed(/channel 2: share 1 found for job \d+/);
    await miner.printed(/\d shares? accepted/);
    await pool.printed(/channel 2: alice opened it, extended, [\d.]+ [kM]H\/s nominal/);
    await pool.printed(/BLOCK found by alice: 0000[0-9a-f]{60}/);
    expect(pool.output.stdout).not.toContain('share of'); // a line for each of a farm's shares is told at level debug only
    expect(await miner.stop('SIGTERM')).toBe(0);
    expect(miner.output.stderr).toBe('');
    expect(miner.output.stdout).toMatch(
      / miner ended after 0:\d\d: \d+ shares? found, \d+ accepted, \d+ rejected\n$/,
    );
  });

  it('mines on a standard channel, in plaintext, from a file', async () => {
    const { pool, address } = await startPool('--log-level', 'debug');
    const file = fileOf(
      'miner.toml',
      `url = "stratum2+tcp://${address}"\nuser = "bob"\nstandard_channels = 1\nthreads = 1\nhash_rate = 1e6\nencryption = false\nlog_level = "debug"\n`,
    );
    const miner = startMiner('--config', file);
    await miner.printed(/Z sv2 \d+\.\d+\.\d+ miner: .*user = bob, /);
    await miner.printed(/the connection is not encrypted/);
    await miner.printed(/1 thread, 1\.00 MH\/s as configured/);
    await miner.printed(/share 1 found/);
    await pool.printed(/channel 2: share of bob accepted, difficulty/);
    expect(await miner.stop('SIGINT')).toBe(0);
  });

  it('comes back to a pool that went away', async () => {
    const { pool, address } = await startPool();
    const miner = startMiner(
      `stratum2+tcp://${address}`,
      '--no-encryption',
      '--threads',
      '1',
      '--hash-rate',
      '1e6',
    );
    await miner.printed(/channel 2: job \d+ started/);
    await pool.stop();
    await miner.printed(/no connection to the pool: the server closed the connection/);
    await miner.printed(/trying the pool at 127\.0\.0\.1:\d+ again in \d\.\d s/);
    await miner.printed(/no connection to the pool: 127\.0\.0\.1:\d+ refused the connection/);
    expect(await miner.stop()).toBe(0);
  });

  it('goes to the next of its pools when one is away, by arguments and by a file', async () => {
    const { pool, address } = await startPool();
    const flags = ['--threads', '1', '--hash-rate', '1e6'];
    const miner = startMiner(
      ...['stratum2+tcp://alice@127.0.0.1:1', `stratum2+tcp://${address}`, '--no-encryption', ...flags],
    );
    await miner.printed(/no connection to the pool: 127\.0\.0\.1:1 refused the connection/);
    await miner.printed(/going to the pool .*now/);
    await pool.printed(/alice opened it/);
    expect(await miner.stop()).toBe(0);
    const file = fileOf(
      'pools.toml',
      `urls = ["stratum2+tcp://127.0.0.1:1", "stratum2+tcp://bob@${address}"]\nencryption = false\n`,
    );
    startMiner('--config', file, ...flags);
    await pool.printed(/bob opened it/);
  });

  it('does so at pools of Stratum V1, too', async () => {
    const { pool } = await startPool('--listen-sv1', '127.0.0.1:0');
    const [, address] = await pool.printed(/listening for Stratum V1 on (127\.0\.0\.1:\d+)/);
    const miner = startMiner(
      ...[
        'stratum+tcp://carol@127.0.0.1:1',
        `stratum+tcp://${address}`,
        '--threads',
        '1',
        '--hash-rate',
        '1e6',
      ],
    );
    await miner.printed(/no connection to the pool: .*; going to the pool number 2 in 0\.0 s/);
    await miner.printed(/connected to the pool at 127\.0\.0\.1:\d+, Stratum V1/);
    await pool.printed(/carol opened it/);
    expect(await miner.stop()).toBe(0);
  });

  it('says what a pool without keys needs', async () => {
    const { address } = await startPool();
    const miner = startMiner(`stratum2+tcp://${address}`, '--threads', '1', '--hash-rate', '1e6');
    await miner.printed(/no authority key in the URL: any server is accepted/);
    await miner.printed(
      /answered in plaintext: it does not encrypt.*\(if it has no keys, --no-encryption is needed\)/,
    );
    expect(await miner.stop()).toBe(0);
  });

  it('says that a pool is not the one whose key it was given, and tries on', async () => {
    const { address } = await startPool(
      ...['--authority-public-key', publicKey, '--authority-secret-key', secretKey],
    );
    const other = '9bwHCYnjhbHm4AS3pWg9MtAH83mzWohoJJJDELYBqZhDNqszDLc';
    const miner = startMiner(`stratum2+tcp://${address}/${other}`, '--threads', '1', '--hash-rate', '1e6');
    await miner.printed(/no connection to the pool: .*not signed by the expected authority/);
    await miner.printed(/trying the pool .* again/);
    expect(await miner.stop()).toBe(0);
  });

  it('mines for the user that the URL names', async () => {
    const { pool, address } = await startPool();
    startMiner(`alice.rig1@${address}`, '--no-encryption', '--threads', '1', '--hash-rate', '1e6');
    await pool.printed(/alice\.rig1 opened it/);
  });

  const url = 'stratum2+tcp://127.0.0.1:34254';
  it.each<readonly [string, readonly string[], string]>([
    ['no URL', [], 'url is missing: expected a URL stratum2+tcp://host:port/AUTHORITY_KEY'],
    [
      'a URL of another kind',
      ['http://127.0.0.1:1'],
      'URL: the URL is wrong: it must be of the form stratum2+tcp://HOST:PORT/AUTHORITY_KEY',
    ],
    ['a URL without a port', ['stratum2+tcp://127.0.0.1'], 'its port is missing'],
    ['a wrong key', [`${url}/nonsense0`], 'URL: the authority public key is wrong'],
    [
      'channels',
      [url, '--standard-channels', '-1'],
      '--standard-channels: expected a whole number from 0 to 1000',
    ],
    ['no channel', [url, '--extended-channels', '0'], 'expected 1 to 1000 in all, got 0'],
    [
      'too many channels',
      [url, '--extended-channels', '600', '--standard-channels', '401'],
      'expected 1 to 1000 in all, got 1001',
    ],
    ['threads', [url, '--threads', '0'], '--threads: expected a whole number from 1 to 1024'],
    [
      'a hash rate',
      [url, '--hash-rate', 'fast'],
      '--hash-rate: expected a number of at least 0 (hashes per second)',
    ],
    ['a user', [url, '--user', 'x'.repeat(256)], '--user: expected a text of 1 to 255 bytes'],
    ['a key without encryption', [`${url}/${publicKey}`, '--no-encryption'], 'of no use without encryption'],
    [
      'pools of two protocols',
      [url, 'stratum+tcp://127.0.0.1:1'],
      'urls: expected pools of one protocol, got some of Stratum V1 and some of V2',
    ],
    [
      'pools with a user each',
      ['stratum2+tcp://a@127.0.0.1:1', 'stratum2+tcp://b@127.0.0.1:2'],
      'urls: they name 2 users; expected one, or --user',
    ],
  ])('refuses %s with status 2', async (_, argv, problem) => {
    const { exitCode, stdout, stderr } = await sv2(['miner', ...argv]);
    expect(stderr).toContain(problem);
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
  });

  it('says what a pool thinks of it', () => {
    const refused = { type: 'ChannelRefused', kind: 'extended' } as const;
    expect(minerLine({ ...refused, errorCode: 'unknown-user', retryIn: 30_000 })).toEqual({
      text: 'the pool refused to open an extended channel: it does not know this user (unknown-user); asking again in 30 s',
      isTrouble: true,
    });
    expect(minerLine({ ...refused, errorCode: 'toString', retryIn: null })?.text).toBe(
      'the pool refused to open an extended channel: toString; not asking again on this connection',
    );
    const closed = { type: 'ChannelClosed', channelId: 2, reason: 'bye', retryIn: 120_000 } as const;
    expect(minerLine(closed)).toEqual({
      text: 'the pool closed channel 2: bye; asking for another in 2:00',
      isTrouble: true,
    });
    const rejected = { type: 'ShareRejected', channelId: 2, sequenceNumber: 3 } as const;
    expect(minerLine({ ...rejected, errorCode: 'stale-share' })).toMatchObject({
      text: 'channel 2: share 3 rejected: it came too late, there is a new block (stale-share)',
      isTrouble: true,
    });
    expect(minerLine({ type: 'SharesAccepted', channelId: 2, count: 1 })?.text).toBe(
      'channel 2: 1 share accepted',
    );
    expect(minerLine({ type: 'TargetChanged', channelId: 2, difficulty: 1234 })?.text).toBe(
      'channel 2: difficulty 1.23 k from the next job on',
    );
  });
});
