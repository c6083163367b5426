import { describe, expect, it, test } from '@jest/globals';
import { loadConfig } from '../../src/cli/config.js';
import { environmentFlags } from '../../src/cli/environment.js';
import { notHonoured, translatorSchema } from '../../src/cli/translator-config.js';
import {
  startProcess,
  startRole,
  keptUntilTheEnd,
  temporaryFiles,
  type RunningRole,
} from './role-support.js';
import { sv2 } from './support.js';

// miners need JavaScript for their worker threads: they run from dist, which `npm test` has built

const track = keptUntilTheEnd();

const { file: fileOf } = temporaryFiles();

const publicKey = '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72';

/** As in the reference implementation's examples (miner-apps/translator/config-examples). */
const reference = `
downstream_address = "127.0.0.1"
downstream_port = 0
max_supported_version = 2
min_supported_version = 2
downstream_extranonce2_size = 4
verify_payout = true
aggregate_channels = true
supported_extensions = [0x0002]
required_extensions = [0x0002]
log_file = "./tproxy.log"
monitoring_address = "127.0.0.1:9092"
monitoring_cache_refresh_secs = 15

[miner_telemetry]
cidrs = ["192.168.1.0/24"]

[downstream_difficulty_config]
min_individual_miner_hashrate = 10_000_000_000_000.0
shares_per_minute = 6.0
enable_vardiff = true
job_keepalive_interval_secs = 60

[[upstreams]]
address = "75.119.150.111"
port = 3333
authority_pubkey = "${publicKey}"
user_identity = "farm"
`;

const portOf = async (role: RunningRole, what: string): Promise<string> =>
  (await role.printed(new RegExp(`${what} on 127\\.0\\.0\\.1:(\\d+)`)))[1] as string;

const startMiner = (port: string, user: string) =>
  track(
    startProcess(
      ...['miner', `stratum+tcp://${user}@127.0.0.1:${port}`, '--threads', '1', '--log-level', 'debug'],
    ),
  );

describe('miners of Stratum V1', () => {
  it('mine at a pool that listens for them, and behind a translator', async () => {
    const provider = track(startRole('template-provider', '--listen', '127.0.0.1:0', '--nbits', '1e0fffff'));
    const pool = track(
      startRole(
        ...[
          'pool',
          '--listen',
          '127.0.0.1:0',
          '--listen-sv1',
          '127.0.0.1:0',
          '--coinbase-reward-script',
          'raw(51)',
        ],
        ...['--template-provider', `127.0.0.1:${await portOf(provider, 'listening')}`],
        ...['--no-template-provider-encryption', '--shares-per-minute', '120'],
      ),
    );
    const direct = startMiner(await portOf(pool, 'listening for Stratum V1'), 'alice.rig1');
    await pool.printed(/miner 127\.0\.0\.1:\d+ mines for alice\.rig1/);
    await pool.printed(/BLOCK found by alice\.rig1, rig1/);
    await direct.printed(/1 share accepted/);
    expect(await direct.stop()).toBe(0);

    const file = fileOf(
      'translator.toml',
      `downstream_port = 0\nupstream_encryption = false\nmonitoring_cache_refresh_secs = 0
       [downstream_difficulty_config]\nmin_individual_miner_hashrate = 1000000.0\nshares_per_minute = 240.0
       [[upstreams]]\naddress = "127.0.0.1"\nport = ${await portOf(pool, 'pool listening')}\nuser_identity = "farm"`,
    );
    const monitoring = ['--monitoring', '127.0.0.1:0'];
    const translator = track(
      startRole('translator', '--config', file, '--log-level', 'debug', ...monitoring),
    );
    const behind = startMiner(await portOf(translator, 'listening for Stratum V1'), 'bob.rig2');
    await translator.printed(/upstream channel \d+ opened for farm\.translator-proxy, difficulty/);
    await pool.printed(/BLOCK found by farm\.translator-proxy, rig2/);
    await translator.printed(/the upstream accepted \d+ shares?/);
    await behind.printed(/1 share accepted/);
    const [, url = ''] = await translator.printed(/monitoring at (\S+)\//);
    const json = async (path: string): Promise<unknown> => (await fetch(`${url}/api/v1/${path}`)).json();
    expect(await json('sv1/clients')).toMatchObject({
      items: [{ sv1_username: 'bob.rig2', sv1_worker_name: 'rig2', extranonce2_len: 4 }],
    });
    expect(await json('server/channels')).toMatchObject({
      extended_channels: [{ user_identity: 'farm.translator-proxy', nominal_hashrate: expect.any(Number) }],
    });
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^sv2_server_blocks_found_total [1-9]/m);
    // a share that was on its way when a block made its job old (21) is late, and rightly so
    expect(behind.output.stderr).not.toMatch(/rejected(?!.*\(21\))|no connection/);
    expect(await behind.stop()).toBe(0);
    expect(await translator.stop()).toBe(0);
  }, 120_000);
});

describe('the settings of a translator', () => {
  const load = (text: string, environment: Record<string, string> = {}) =>
    loadConfig(
      translatorSchema,
      environmentFlags(translatorSchema, 'TPROXY', environment),
      fileOf('some.toml', text),
    );

  it('are those of the reference implementation, and those that have no effect are named', () => {
    const settings = load(reference);
    expect(settings).toMatchObject({
      downstream_port: 0,
      downstream_extranonce2_size: 4,
      aggregate_channels: true,
    });
    expect(notHonoured(settings).map((line) => line.split(':')[0])).toEqual([
      'miner_telemetry',
      'required_extensions',
    ]);
    expect(notHonoured(load('aggregate_channels = false'))).toEqual([
      expect.stringContaining('enable_vardiff'),
    ]);
  });

  /** Every key of the reference implementation's translator (miner-apps/translator/src/lib/config.rs): a value, and how a variable has it. */
  const keys: readonly (readonly [key: string, value: unknown, variable: string, isHonoured: boolean])[] = [
    ['downstream_address', '0.0.0.0', '0.0.0.0', true],
    ['downstream_port', 4_444, '4444', true],
    ['max_supported_version', 3, '3', true],
    ['min_supported_version', 1, '1', true],
    ['downstream_extranonce2_size', 8, '8', true],
    ['verify_payout', true, 'true', true],
    ['aggregate_channels', true, 'true', true],
    ['supported_extensions', [2, 3], '2,3', false],
    ['required_extensions', [2], '2', false],
    ['log_file', './tproxy.log', './tproxy.log', true],
    ['monitoring_address', '127.0.0.1:9092', '127.0.0.1:9092', true],
    ['monitoring_cache_refresh_secs', 15, '15', true],
    ['miner_telemetry.cidrs', ['10.0.0.0/8', '192.168.1.0/24'], '10.0.0.0/8,192.168.1.0/24', false],
    ['downstream_difficulty_config.min_individual_miner_hashrate', 5e12, '5000000000000', true],
    ['downstream_difficulty_config.shares_per_minute', 7.5, '7.5', true],
    ['downstream_difficulty_config.enable_vardiff', false, 'false', false],
    ['downstream_difficulty_config.job_keepalive_interval_secs', 0, '0', true],
  ];
  const valueOf = (settings: unknown, key: string): unknown =>
    key.split('.').reduce((value, part) => (value as Record<string, unknown>)[part], settings);
  const warned = (settings: Parameters<typeof notHonoured>[0]) =>
    notHonoured(settings).map((line) => line.split(':')[0] ?? '');

  test.each(keys)(
    '%s is read from file and environment, or warned about by name',
    (key, value, variable, isHonoured) => {
      const [name = '', ...tables] = key.split('.').reverse();
      const text = `${tables
        .reverse()
        .map((table) => `[${table}]\n`)
        .join('')}${name} = ${JSON.stringify(value)}`;
      const environment = { [`TPROXY__${key.toUpperCase().replaceAll('.', '__')}`]: variable };
      for (const settings of [load(text), load('', environment)]) {
        const address = { host: '127.0.0.1', port: 9092 };
        expect(valueOf(settings, key)).toEqual(key === 'monitoring_address' ? address : value);
        expect(warned(settings).some((line) => key.startsWith(line))).toBe(!isHonoured);
      }
    },
  );

  it('have no key besides those and our own', () => {
    const own = [
      ...['urls', 'user_identity', 'upstream_encryption', 'listen_address', 'tls_certificate', 'tls_key'],
      ...['max_connections', 'max_connections_per_address', 'nonsense_burst'],
      ...['monitoring_token', 'monitoring_open', 'monitoring_cors_origins', 'alert_webhook'],
      ...['log_format', 'log_level'],
    ];
    const tables = ['upstreams', 'miner_telemetry', 'downstream_difficulty_config'];
    expect(Object.keys(translatorSchema.shape).sort()).toEqual(
      [...keys.map(([key]) => key).filter((key) => !key.includes('.')), ...tables, ...own].sort(),
    );
    expect(Object.keys(load('').downstream_difficulty_config).sort()).toEqual(
      keys
        .flatMap(([key]) => (key.startsWith('downstream_difficulty_config.') ? [key.split('.')[1]] : []))
        .sort(),
    );
  });

  it('have tables of pools, each field of which may be a variable, too', () => {
    const fields = {
      address: 'pool.example',
      port: 3333,
      authority_pubkey: publicKey,
      user_identity: 'farm',
    };
    const lines = Object.entries(fields).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
    const variables = Object.entries(fields).map(([key, value]) => [
      `TPROXY__UPSTREAM_A__${key.toUpperCase()}`,
      String(value),
    ]);
    const [fromFile, fromEnvironment] = [
      load(`[[upstreams]]\n${lines.join('\n')}`),
      load('', Object.fromEntries(variables) as Record<string, string>),
    ];
    expect(fromEnvironment.upstreams).toEqual(fromFile.upstreams);
    expect(fromFile.upstreams).toMatchObject([
      { address: 'pool.example', port: 3333, user_identity: 'farm' },
    ]);
  });

  it('may come from environment variables, which go before the file', () => {
    const settings = load(reference, {
      TPROXY__DOWNSTREAM_PORT: '3333',
      TPROXY__AGGREGATE_CHANNELS: 'false',
      TPROXY__SUPPORTED_EXTENSIONS: '2, 3',
      TPROXY__DOWNSTREAM_DIFFICULTY_CONFIG__SHARES_PER_MINUTE: '12.5',
      TPROXY__UPSTREAM_B__ADDRESS: 'b.example',
      TPROXY__UPSTREAM_B__PORT: '2',
      TPROXY__UPSTREAM_A__ADDRESS: 'a.example',
      TPROXY__UPSTREAM_A__PORT: '1',
      TPROXY__UPSTREAM_A__USER_IDENTITY: 'farm',
      OTHER: 'x',
    });
    expect(settings).toMatchObject({
      downstream_port: 3333,
      aggregate_channels: false,
      supported_extensions: [2, 3],
      upstreams: [
        { address: 'a.example', port: 1, user_identity: 'farm' },
        { address: 'b.example', port: 2 },
      ],
    });
    expect(settings.downstream_difficulty_config).toMatchObject({
      shares_per_minute: 12.5,
      enable_vardiff: true,
    });
  });

  test.each<[string, string, Record<string, string>, RegExp]>([
    [
      'a key that there is not',
      'downstream_prot = 1',
      {},
      /downstream_prot: unknown key; did you mean downstream_port/,
    ],
    [
      'a variable that there is not',
      '',
      { TPROXY__UPSTREAM_A__COLOUR: 'red' },
      /TPROXY__UPSTREAM_A__COLOUR: unknown/,
    ],
    [
      'a variable that is no number',
      '',
      { TPROXY__DOWNSTREAM_PORT: 'x' },
      /TPROXY__DOWNSTREAM_PORT: expected/,
    ],
  ])('name %s', (_, text, environment, problem) => {
    expect(() => load(text, environment)).toThrow(problem);
  });

  it.each([
    [
      'with verify_payout and nobody to be paid',
      ['stratum2+tcp://farm@127.0.0.1:1', '--no-upstream-encryption', '--verify-payout'],
      /upstreams\.0\.user_identity: verify_payout needs somebody to be paid/,
    ],
    ['without a pool', [], /upstreams: expected tables \[\[upstreams\]\]/],
    [
      'with a key that would not be used',
      [`stratum2+tcp://127.0.0.1:1/${publicKey}`, '--no-upstream-encryption'],
      /authority key is of no use/,
    ],
    [
      'with half of TLS',
      ['stratum2+tcp://127.0.0.1:1', '--tls-key', 'x'],
      /tls_certificate, tls_key: one needs the other/,
    ],
  ])('end it with 2 %s', async (_, flags, problem) => {
    const { exitCode, stderr } = await sv2(['translator', ...flags]);
    expect(stderr).toMatch(problem);
    expect(exitCode).toBe(2);
  });
});

test.each([
  ['stratum+tcp://pool', /URL/],
  ['stratum+tcp://pool:99999', /URL/],
])('sv2 miner does not take %s', async (url, problem) => {
  const { exitCode, stderr } = await sv2(['miner', url]);
  expect(stderr).toMatch(problem);
  expect(exitCode).toBe(2);
});
