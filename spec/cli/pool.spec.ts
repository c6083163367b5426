import { describe, expect, it } from '@jest/globals';
import { chmodSync } from 'node:fs';
import { defaultCrypto } from '../../src/crypto/index.js';
import {
  encodeAuthorityPublicKey,
  encodeAuthoritySecretKey,
  generateAuthorityKeyPair,
} from '../../src/noise/index.js';
import { exposedFile } from '../../src/cli/exposed-file.js';
import { poolLine } from '../../src/cli/pool-log.js';
import { hexToBytes } from '../../src/codec/hex.js';
import { decodeFrame } from '../../src/framing/frame.js';
import { SubmitSolution } from '../../src/messages/template-distribution.js';
import type { PoolOutcome } from '../../src/roles/pool/pool.js';
import { startRole, keptUntilTheEnd, temporaryFiles, type RunningRole } from './role-support.js';
import { sv2 } from './support.js';

const keyPair = () => {
  const { publicKey, secretKey } = generateAuthorityKeyPair(defaultCrypto);
  return { publicKey: encodeAuthorityPublicKey(publicKey), secretKey: encodeAuthoritySecretKey(secretKey) };
};
const keys = keyPair();
const address = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

const kept = keptUntilTheEnd();
const start = (...argv: readonly string[]): RunningRole => kept(startRole(...argv));

const { file: fileOf } = temporaryFiles();
let files = 0;
const configFile = (text: string): string => fileOf(`pool-${++files}.toml`, text);

/** A file with all settings that the reference implementation's pool has too. */
const completeFile = (templateProvider: string, listen = '127.0.0.1:0') =>
  configFile(`
listen_address = "${listen}"
authority_public_key = "${keys.publicKey}"
authority_secret_key = "${keys.secretKey}"
cert_validity_sec = 3600
coinbase_reward_script = "addr(${address})"
pool_signature = "our pool"
server_id = 7
shares_per_minute = 6.5
share_batch_size = 5
[template_provider_type.Sv2Tp]
address = "${templateProvider}"
public_key = "${keys.publicKey}"
`);

const portOf = async (role: RunningRole): Promise<string> =>
  (await role.printed(/listening on (127\.0\.0\.1:\d+)/))[1] as string;

describe('sv2 pool', () => {
  it('serves what a template provider gives, over Noise, from the reference keys in a file', async () => {
    const provider = start(
      ...['template-provider', '--listen', '127.0.0.1:0'],
      ...['--authority-public-key', keys.publicKey, '--authority-secret-key', keys.secretKey],
    );
    const pool = start('pool', '--config', completeFile(await portOf(provider)));
    await pool.printed(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z pool listening on/m);
    await pool.printed(/connected to the template provider at 127\.0\.0\.1:\d+\n/);
    await pool.printed(/new block to build on: [0-9a-f]{64}\n/);
    const client = start('connect', `stratum2+tcp://${await portOf(pool)}/${keys.publicKey}`);
    await pool.printed(/client 1 connected from 127\.0\.0\.1:\d+/);
    expect(await client.stop()).toBe(0);
    await pool.printed(/client 1 .* disconnected/);
    expect(await pool.stop()).toBe(0);
    expect(pool.output.stderr).toBe('');
    expect(pool.output.stdout).not.toContain(keys.secretKey);
  });

  it('serves other machines in plaintext if told so', async () => {
    const flags = ['--listen', '0.0.0.0:0', '--no-encryption', '--template-provider', '127.0.0.1:1'];
    const pool = start('pool', ...flags, '--coinbase-reward-script', address);
    await pool.printed(/pool listening on 0\.0\.0\.0:\d+/);
    await pool.printed(/connections to 0\.0\.0\.0:\d+ are not encrypted/);
  });

  it('warns of a key file that others can read', async () => {
    const file = completeFile('127.0.0.1:1');
    chmodSync(file, 0o640);
    const pool = start('pool', '--config', file);
    await pool.printed(
      /pool-\d+\.toml is open to others \(mode 640\) and holds authority_secret_key: chmod 600 it/,
    );
  });

  it('warns of a file that others can read for whatever is secret in it, and for nothing else', () => {
    const exposed = (text: string, mode = 0o644) => {
      const file = configFile(text);
      chmodSync(file, mode);
      return exposedFile(file).map((line) => line.text);
    };
    const secrets = [
      ...['monitoring_token = "0123456789abcdef"', 'ledger = "postgres://pool:secret@db.example/pool"'],
      ...['[jds]', 'bitcoin_rpc = "http://user:secret@127.0.0.1:8332"', '[declarator]', 'token_key = "00"'],
    ];
    const [line] = exposed(secrets.join('\n'), 0o604);
    expect(line).toMatch(
      /open to others \(mode 604\) and holds monitoring_token, ledger, jds\.bitcoin_rpc, /,
    );
    expect(line).toMatch(/, declarator\.token_key: chmod 600 it$/);
    expect(line).not.toMatch(/0123|secret/);
    expect(exposed(secrets.join('\n'), 0o600)).toEqual([]);
    const open = ['server_id = 7', `authority_public_key = "${keys.publicKey}"`];
    expect(exposed([...open, 'bitcoin_rpc = "http://127.0.0.1:8332"'].join('\n'))).toEqual([]);
    expect(exposedFile(undefined)).toEqual([]);
  });

  it('waits for a template provider that is not there', async () => {
    const pool = start('pool', '--config', completeFile('127.0.0.1:1'));
    await pool.printed(
      /no connection to the template provider: 127\.0\.0\.1:1 refused the connection: check/,
    );
    await pool.printed(/trying the template provider at 127\.0\.0\.1:1 again in \d\.\d s/);
    expect(await pool.stop()).toBe(0);
  });

  it('goes to the next template provider while the first is not there, and says so', async () => {
    const spare = start('template-provider', '--listen', '127.0.0.1:0');
    const file = configFile(
      `[[template_providers]]\naddress = "${await portOf(spare)}"\nencryption = false\n`,
    );
    const role = start(
      ...['pool', '--config', file, '--listen', '127.0.0.1:0', '--coinbase-reward-script', address],
      ...['--template-provider', '127.0.0.1:1'],
    );
    await role.printed(/going to the template provider 127\.0\.0\.1:\d+ now: 127\.0\.0\.1:1 refused/);
    await role.printed(/new block to build on/);
  });

  it('warns of a payout that nobody can spend', async () => {
    const role = start(
      ...['pool', '--listen', '127.0.0.1:0', '--template-provider', '127.0.0.1:1'],
      ...['--coinbase-reward-script', 'raw(6a0100)'],
    );
    await role.printed(/coinbase_reward_script: nobody can spend it: it begins with OP_RETURN/);
  });

  it('takes flags before what the file says', async () => {
    const pool = start('pool', '--config', completeFile('127.0.0.1:1'), '--template-provider', '127.0.0.1:2');
    await pool.printed(/127\.0\.0\.1:2 refused the connection/);
  });

  it('ends with status 1 when its address is in use', async () => {
    const first = start('pool', '--config', completeFile('127.0.0.1:1'));
    const second = start('pool', '--config', completeFile('127.0.0.1:1', await portOf(first)));
    expect(await second.exitCode).toBe(1);
    expect(second.output.stderr).toMatch(/sv2: 127\.0\.0\.1:\d+ is in use: choose another port/);
  });

  const provider = ['--template-provider', '127.0.0.1:1'];
  const payout = ['--coinbase-reward-script', address];
  const wrong: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    [
      'nothing',
      [],
      ['coinbase_reward_script is missing: expected an address', 'template_provider_type is missing'],
    ],
    [
      'an address of nowhere',
      [...provider, '--coinbase-reward-script', 'addr(bc1qfoo)'],
      ['--coinbase-reward-script: expected an address, or a descriptor'],
    ],
    [
      'a signature that leaves the coinbase no room',
      [...provider, ...payout, '--pool-signature', 'x'.repeat(65)],
      ['--pool-signature: expected a text of 0 to 64 bytes'],
    ],
    [
      'plaintext for other machines',
      [...provider, ...payout, '--listen', '0.0.0.0:0'],
      ['listen_address: other machines could connect, and without authority keys nothing is encrypted'],
    ],
    [
      'plaintext in spite of keys',
      [...provider, '--config', completeFile('127.0.0.1:1'), '--no-encryption'],
      ['authority_public_key: of no use without encryption'],
    ],
    [
      'a server id',
      [...provider, ...payout, '--server-id', '65536'],
      ['--server-id: expected a whole number from 0'],
    ],
    [
      'a share rate',
      [...provider, ...payout, '--shares-per-minute', '0'],
      ['--shares-per-minute: expected a number'],
    ],
    [
      'half of a key pair',
      [...provider, ...payout, '--authority-public-key', keys.publicKey],
      ['authority_secret_key'],
    ],
    [
      'a key for a plaintext connection',
      [
        ...provider,
        ...payout,
        '--template-provider-key',
        keys.publicKey,
        '--no-template-provider-encryption',
      ],
      ['template_provider_type.Sv2Tp.public_key: of no use without encryption'],
    ],
    [
      'an address of another network',
      [...provider, ...payout, '--network', 'mainnet'],
      ['coinbase_reward_script: an address of regtest; expected one of mainnet, as network says'],
    ],
    [
      'a network of its own',
      [...provider, ...payout, '--network', 'moonnet'],
      ['--network: expected mainnet, testnet, signet or regtest'],
    ],
    [
      'what to do with old templates',
      [...provider, ...payout, '--when-template-old', 'panic'],
      ['--when-template-old: expected mine, refuse-shares or let-go'],
    ],
    [
      'further template providers without an address',
      ['--config', configFile('[[template_providers]]\nencryption = false\n'), ...provider, ...payout],
      ['template_providers.0.address is missing'],
    ],
    [
      'a missing file',
      ['--config', '/nonexistent.toml'],
      ['/nonexistent.toml: cannot be read: no such file'],
    ],
    [
      'misspelt keys',
      ['--config', configFile('[template_provider_type.Sv2Tp]\nadress = "127.0.0.1:1"\n'), ...payout],
      [
        'template_provider_type.Sv2Tp.address is missing',
        'template_provider_type.Sv2Tp.adress: unknown key; did you mean address?',
      ],
    ],
  ];
  it.each(wrong)('refuses %s with status 2 and says what is wrong', async (_, flags, problems) => {
    const { exitCode, stdout, stderr } = await sv2(['pool', ...flags]);
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
    for (const problem of problems) expect(stderr).toContain(problem);
    for (const line of stderr.trim().split('\n')) expect(line).toMatch(/^sv2: /);
  });

  it('accepts the longest signature that it says it accepts', async () => {
    const pool = start(
      'pool',
      ...provider,
      ...payout,
      '--listen',
      '127.0.0.1:0',
      '--pool-signature',
      'x'.repeat(64),
    );
    await portOf(pool);
    expect(await pool.stop()).toBe(0);
  });

  it('never shows a secret key, not even a wrong one', async () => {
    const file = configFile(
      `authority_secret_key = "${keys.secretKey}x"\nauthority_public_key = "nonsense"\n`,
    );
    const { exitCode, stderr } = await sv2(['pool', '--config', file, ...provider, ...payout]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('authority_secret_key: expected a key');
    expect(stderr).not.toContain(keys.secretKey.slice(0, 8));
  });
});

describe('what a pool says of its template providers', () => {
  const solution = SubmitSolution({
    ...{ templateId: 3n, version: 1, headerTimestamp: 2, headerNonce: 4 },
    coinbaseTx: Uint8Array.of(9),
  });
  const block = { hash: new Uint8Array(32).fill(7), header: new Uint8Array(80).fill(8), solution };
  const text = (outcome: PoolOutcome) => poolLine(outcome)?.text ?? '';

  it.each([
    [{ type: 'SolutionHeld', ...block }, /while its template provider is away/],
    [{ type: 'SolutionUnanswered', ...block, waited: 10_400, others: 7 }, /10 s ago .* and 7 on the same/],
    [{ type: 'SolutionLost', ...block, others: 0 }, /gone on without a block of ours: block/],
  ] as const)('of %j has all that it takes to submit the block by hand', (outcome, pattern) => {
    const line = text(outcome);
    expect(line).toMatch(pattern);
    expect(line).toContain(`block ${'07'.repeat(32)}, header ${'08'.repeat(80)}, SubmitSolution `);
    const frame = /SubmitSolution ([0-9a-f]+)$/.exec(line)?.[1] ?? '';
    expect(decodeFrame(hexToBytes(frame))).toEqual(solution);
  });

  it.each([
    [{ type: 'SolutionsSentAgain', sent: 8, found: 1_117 }, /was sent 8 blocks \(of 1117; /],
    [{ type: 'SolutionsSentAgain', sent: 1, found: 1 }, /was sent 1 block$/],
    [{ type: 'SolutionConfirmed', ...block }, /our block (07)+ is on the chain/],
    [{ type: 'ClockDiffers', seconds: 301 }, /^check the clock: .* 301 s ahead of the time here/],
    [{ type: 'ClockDiffers', seconds: -301 }, /^check the clock: .* 301 s behind the time here/],
    [
      { type: 'TargetDiffers', ratio: 0.001 },
      /wants to be sent what is up to 1.00 k times easier than a block/,
    ],
    [{ type: 'TargetDiffers', ratio: 2 }, /target is 2 times harder than that of a block: blocks are sent/],
    [
      { type: 'JobTooLong', size: 9_000, limit: 8_192, templateOutputs: 8_700, payoutOutputs: 43 },
      /9000 bytes, and devices such as Bitaxe read 8192: 43 are .* coinbase_reward_script asks for, 8700 those/,
    ],
    [{ type: 'TemplateOld', age: 600_000 }, /^no new template for 600 s/],
    [{ type: 'TemplateRenewed' }, /new template/],
    [
      { type: 'ProviderFault', code: 'invalid-value', message: 'a lie; expected none', isLeft: true },
      /sent a lie; expected none: it is left \(invalid-value\)/,
    ],
  ] as const)('of %j is a line', (outcome, pattern) => {
    expect(text(outcome)).toMatch(pattern);
  });
});
