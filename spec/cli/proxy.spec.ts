import { describe, expect, it } from '@jest/globals';
import {
  startProcess,
  startRole,
  keptUntilTheEnd,
  temporaryFiles,
  type RunningRole,
} from './role-support.js';
import { sv2 } from './support.js';

// the miner needs JavaScript for its worker threads: it runs from dist, which `npm test` has built

const track = keptUntilTheEnd();

const { file: fileOf } = temporaryFiles();

const publicKey = '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72';
const secretKey = 'mkDLTBBRxdBv998612qipDYoTK3YUrqLe8uWw7gu3iXbSrn2n';

const portOf = async (role: RunningRole): Promise<string> =>
  (await role.printed(/listening on 127\.0\.0\.1:(\d+)/))[1] as string;

/** Pools over one simulated chain on which one hash in 2^20 is a block, in this process. */
const startPools = async (count: number): Promise<{ pools: RunningRole[]; ports: string[] }> => {
  const provider = track(startRole('template-provider', '--listen', '127.0.0.1:0', '--nbits', '1e0fffff'));
  const address = `127.0.0.1:${await portOf(provider)}`;
  const pools = Array.from({ length: count }, (_, index) =>
    track(
      startRole(
        ...['pool', '--listen', '127.0.0.1:0', '--coinbase-reward-script', 'raw(51)'],
        ...['--template-provider', address, '--no-template-provider-encryption'],
        ...['--authority-public-key', publicKey, '--authority-secret-key', secretKey],
        ...['--shares-per-minute', '120', '--server-id', String(index), '--log-level', 'debug'],
      ),
    ),
  );
  await Promise.all(pools.map((pool) => pool.printed(/new block to build on/)));
  return { pools, ports: await Promise.all(pools.map(portOf)) };
};

const startMiner = (port: string) =>
  track(
    startProcess(
      ...['miner', `stratum2+tcp://127.0.0.1:${port}`, '--no-encryption', '--user', 'alice.rig1'],
      ...['--threads', '1', '--standard-channels', '1', '--extended-channels', '1', '--hash-rate', '1e6'],
    ),
  );

describe('sv2 proxy', () => {
  it('has the channels of a miner share one of the pool of its file, and goes to the next one when that ends', async () => {
    const { pools, ports } = await startPools(2);
    const tables = ports.map(
      (port) => `[[upstreams]]
        address = "127.0.0.1"
        port = ${port}
        authority_pubkey = "${publicKey}"
        user_identity = "farm"`,
    );
    const file = fileOf('two.toml', `shares_per_minute = 240\n${tables.join('\n')}`);
    const proxy = track(
      startRole('proxy', '--config', file, '--listen', '127.0.0.1:0', '--log-level', 'debug'),
    );
    await proxy.printed(/work comes from upstream 1 \(127\.0\.0\.1:\d+\) now/);
    const miner = startMiner(await portOf(proxy));
    await proxy.printed(/client 1 channel 2: alice\.rig1 opened it, standard/);
    await proxy.printed(/client 1 channel 3: alice\.rig1 opened it, extended/);
    await proxy.printed(/upstream channel \d+ opened for farm, difficulty/);
    await pools[0]?.printed(/share of farm, rig1 accepted/);
    await proxy.printed(/the upstream accepted \d+ shares?, difficulty/);

    await pools[0]?.stop();
    await proxy.printed(/upstream 1 \(127\.0\.0\.1:\d+\) gave work for \d+:\d\d and does no more/);
    await proxy.printed(/work comes from upstream 2 \(127\.0\.0\.1:\d+\) now/);
    await pools[1]?.printed(/share of farm, rig1 accepted/);
    // a share that was on its way when the other pool's tip came is late, and rightly so
    expect(miner.output.stderr).not.toMatch(/no connection|rejected(?!.*\(stale-share\))/);
    expect(await miner.stop()).toBe(0);
    expect(await proxy.stop()).toBe(0);
  }, 60_000);

  it('serves miners of both protocols on one port, tells of their minute, and returns to a pool that was killed when it is back', async () => {
    const provider = track(startRole('template-provider', '--listen', '127.0.0.1:0', '--nbits', '1e0fffff'));
    const address = `127.0.0.1:${await portOf(provider)}`;
    const startPool = (listen: string, id: number) =>
      track(
        startProcess(
          ...['pool', '--listen', listen, '--coinbase-reward-script', 'raw(51)', '--server-id', String(id)],
          ...['--template-provider', address, '--no-template-provider-encryption'],
          ...['--shares-per-minute', '120', '--log-level', 'debug'],
        ),
      );
    const [first, second] = [startPool('127.0.0.1:0', 1), startPool('127.0.0.1:0', 2)] as const;
    const [one, two] = [await portOf(first), await portOf(second)];
    const proxy = track(
      startRole(
        ...['proxy', `stratum2+tcp://farm@127.0.0.1:${one}`, `stratum2+tcp://farm@127.0.0.1:${two}`],
        ...['--no-upstream-encryption', '--listen', '127.0.0.1:0', '--shares-per-minute', '240'],
        ...['--authority-public-key', publicKey, '--authority-secret-key', secretKey],
      ),
    );
    await proxy.printed(/work comes from upstream 1/);
    const port = await portOf(proxy);
    const start = (user: string, url: string) =>
      track(startProcess('miner', url, '--user', user, '--threads', '1', '--hash-rate', '5e5'));
    const miners = [
      start('a.two', `stratum2+tcp://127.0.0.1:${port}/${publicKey}`),
      start('a.one', `stratum+tcp://127.0.0.1:${port}`),
    ];
    await first.printed(/share of farm, two accepted/);
    await first.printed(/share of farm, one accepted/);

    await first.stop('SIGKILL');
    await proxy.printed(/work comes from upstream 2/);
    await second.printed(/share of farm, two accepted/);
    await second.printed(/share of farm, one accepted/);
    const again = startPool(`127.0.0.1:${one}`, 3);
    // a minute until it has lasted, which is as long as it takes to report
    await proxy.printed(
      /last 60 s: \d+ shares? accepted, \d+ rejected; .* over 5 min .*; \d users?, 2 channels;/,
    );
    await proxy.printed(/upstream 2 \(127\.0\.0\.1:\d+\): \d+\.\d % of the work, \d+ shares? sent/);
    await again.printed(/share of farm, two accepted/);
    await again.printed(/share of farm, one accepted/);
    expect(proxy.output.stdout).toMatch(/work comes from upstream 2[^]*work comes from upstream 1/);
    for (const miner of miners) expect(miner.output.stderr).not.toMatch(/no connection/);
    expect(await proxy.stop()).toBe(0);
    await again.printed(/channel \d+.*closed.*the proxy stops/);
  }, 300_000);

  it('opens a channel for each user when they are not aggregated', async () => {
    const { pools, ports } = await startPools(1);
    const proxy = track(
      startRole(
        ...['proxy', `stratum2+tcp://127.0.0.1:${ports[0]}/${publicKey}`, '--no-aggregate-channels'],
        ...['--listen', '127.0.0.1:0'],
      ),
    );
    await proxy.printed(/work comes from/);
    startMiner(await portOf(proxy));
    await pools[0]?.printed(/channel 2: alice\.rig1 opened it, extended/);
    await pools[0]?.printed(/channel 3: alice\.rig1 opened it, extended/);
    await pools[0]?.printed(/share of alice\.rig1, rig1 accepted/);
  }, 60_000);

  it.each([
    ['without a pool', [], /upstreams: expected tables \[\[upstreams\]\]/],
    ['with a URL that is none', ['http://pool'], /URL/],
    [
      'with a key that would not be used',
      [`stratum2+tcp://127.0.0.1:1/${publicKey}`, '--no-upstream-encryption'],
      /authority key is of no use without encryption/,
    ],
  ])('ends with 2 %s', async (_, flags, problem) => {
    const { exitCode, stderr } = await sv2(['proxy', ...flags]);
    expect(stderr).toMatch(problem);
    expect(exitCode).toBe(2);
  });

  it.each([
    [
      'that is none of its own',
      'user_identity = "alice"\nupstream = "b"',
      /pins\.0\.upstream: no upstream is called "b"; there is "a:1"/,
    ],
    ['without a name', 'user_identity = "alice"', /pins\.0\.upstream/],
  ])('does not pin anybody to an upstream %s', async (_, pin, problem) => {
    const file = fileOf('pins.toml', `[[upstreams]]\naddress = "a"\nport = 1\nweight = 2\n[[pins]]\n${pin}`);
    const { exitCode, stderr } = await sv2(['proxy', '--config', file]);
    expect(stderr).toMatch(problem);
    expect(exitCode).toBe(2);
  });

  it('names the table and key of what it cannot use', async () => {
    const file = fileOf(
      'bad.toml',
      '[[upstreams]]\naddress = "a"\nport = 99999\nauthority_pubkey = "x"\npasswort = 1',
    );
    const { exitCode, stderr } = await sv2(['proxy', '--config', file]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/upstreams\.0\.port/);
    expect(stderr).toMatch(/upstreams\.0\.authority_pubkey/);
    expect(stderr).toMatch(/upstreams\.0\.passwort/);
  });
});
