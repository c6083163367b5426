import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { holdsSecretKey } from '../../src/cli/misplaced-keys.js';
import { withoutKeys } from '../../src/cli/secrets.js';
import { defaultCrypto } from '../../src/crypto/index.js';
import {
  encodeAuthorityPublicKey,
  encodeAuthoritySecretKey,
  generateAuthorityKeyPair,
} from '../../src/noise/authority-key.js';
import { seededCrypto } from '../crypto/providers.js';
import { sv2 } from './support.js';

const directory = mkdtempSync(join(tmpdir(), 'sv2-secrets-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Letters of a secret in a row that are a part of it. */
const part = 6;

/** Settings and places of a configuration; each leaves out something, so that nothing starts. */
const files: readonly ((secret: string) => string)[] = [
  (secret) => `${secret} = 1\n`,
  (secret) => `"${secret}" = "x"\n`,
  (secret) => `${secret}\n`,
  (secret) => `a.${secret} = 1\n`,
  (secret) => `[${secret}]\na = 1\n`,
  (secret) => `[template_provider_type.${secret}]\naddress = "127.0.0.1:1"\n`,
  (secret) => `[template_provider_type.Sv2Tp]\n${secret} = "127.0.0.1:1"\n`,
  (secret) => `[template_provider_type.Sv2Tp]\naddress = "${secret}"\n`,
  (secret) => `[template_provider_type.Sv2Tp]\npublic_key = "${secret}"\n`,
  (secret) => `[template_provider_type.Sv2Tp]\nencryption = "${secret}"\n`,
  (secret) => `template_provider_type = "${secret}"\n`,
  (secret) => `listen_address = "${secret}"\n`,
  (secret) => `listen_address = "${secret}:34254"\n`,
  (secret) => `listen_address = ["${secret}"]\n`,
  (secret) => `authority_public_key = "${secret}"\n`,
  (secret) => `authority_secret_key = "${secret}"\nauthority_public_key = 1\n`,
  (secret) => `authority_secret_key = "${secret}"\n`,
  (secret) => `authority_secret_key = "${secret}\n`,
  (secret) => `authority_secret_key = ${secret}\n`,
  (secret) => `authority_secret_key "${secret}"\n`,
  (secret) => `authority_secret_key = ["${secret}", "${secret}"]\n`,
  (secret) => `authority_secret_key = "${secret}" "${secret}"\n`,
  (secret) => `authority_secret_key = { key = "${secret}" }\n`,
  (secret) => `authority_secret_key = "\\${secret}"\n`,
  (secret) => `coinbase_reward_script = "${secret}"\n`,
  (secret) => `coinbase_reward_script = "addr(${secret})"\n`,
  (secret) => `coinbase_reward_script = "wpkh(${secret})"\n`,
  (secret) => `coinbase_reward_script = "sh(wpkh(${secret}))"\n`,
  (secret) => `coinbase_reward_script = "raw(${secret})"\n`,
  (secret) => `coinbase_reward_script = "${secret}(x)"\n`,
  (secret) => `coinbase_reward_script = "sh(${secret}(x))"\n`,
  (secret) => `coinbase_reward_script = "addr(x)#${secret}"\n`,
  (secret) => `pool_signature = "${secret}"\n`,
  (secret) => `shares_per_minute = "${secret}"\n`,
  (secret) => `server_id = "${secret}"\n`,
  (secret) => `url = "${secret}"\nuser = 1\n`,
  (secret) => `user = "${secret}"\n`,
  (secret) => `channel = "${secret}"\n`,
  (secret) => `nbits = "${secret}"\nheight = 0\n`,
  (secret) => `bitcoin_rpc = "${secret}"\n`,
  (secret) => `bitcoin_rpc = "http://127.0.0.1/${secret}"\nnbits = "1"\n`,
  (secret) => `bitcoin_cookie = "${secret}"\n`,
];

/** Command lines that make no sense. */
const commandLines: readonly ((secret: string) => readonly string[])[] = [
  (secret) => [secret],
  (secret) => [`--${secret}`],
  (secret) => ['pool', secret],
  (secret) => ['pool', `--${secret}`],
  (secret) => ['pool', `--authority-secret-kee=${secret}`],
  (secret) => ['pool', `--authority-secret-key=${secret}`],
  (secret) => ['pool', '--authority-secret-key', secret, '--listen', 'x'],
  (secret) => ['pool', '--config', secret],
  (secret) => ['pool', '--config', join(secret, 'pool.toml')],
  (secret) => ['pool', '--coinbase-reward-script', secret],
  (secret) => ['pool', '--listen', secret],
  (secret) => ['pool', '--template-provider', secret],
  (secret) => ['pool', '--template-provider-key', secret],
  (secret) => ['template-provider', '--nbits', secret],
  (secret) => ['template-provider', '--bitcoin-rpc', secret],
  (secret) => ['template-provider', '--bitcoin-rpc', `http://u:${secret}@127.0.0.1/x y`, '--seed', '-1'],
  (secret) => ['miner', secret, '--threads', '0'],
  (secret) => ['miner', `stratum2+tcp://127.0.0.1:1/${secret}`, '--threads', '0'],
  (secret) => ['miner', `stratum2+tcp://${secret}@127.0.0.1:1`, '--threads', '0'],
  (secret) => ['miner', '--channel', secret],
  (secret) => ['miner', '--user', secret],
  (secret) => ['connect', secret],
  (secret) => ['connect', `127.0.0.1:1/${secret}`],
  (secret) => ['connect', `stratum2+tcp://127.0.0.1:${secret}`],
  (secret) => ['connect', `${secret}://127.0.0.1:1`],
  (secret) => ['connect', `stratum2+tcp://${secret}`],
  (secret) => ['connect', `stratum2+tcp://a:${secret}@127.0.0.1:1`],
  (secret) => ['connect', 'stratum2+tcp://127.0.0.1:1', '--flags', secret],
  (secret) => ['connect', 'stratum2+tcp://127.0.0.1:1', '--protocol', secret],
  (secret) => ['decode', `--${secret}`],
  (secret) => ['encode', secret],
];

const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** A secret key as it should be, or as a slip of the hand leaves it. */
const secret = fc
  .tuple(fc.nat(0xffffff), fc.nat(5), fc.nat(40), fc.nat(57))
  .map(([seed, slip, position, letter]) => {
    const { secretKey } = generateAuthorityKeyPair(seededCrypto(defaultCrypto, seed));
    const text = encodeAuthoritySecretKey(secretKey);
    const [before, after] = [text.slice(0, position), text.slice(position + 1)];
    switch (slip) {
      case 0:
        return before + after;
      case 1:
        return before + base58.charAt(letter) + after;
      case 2:
        return text + base58.charAt(letter);
      case 3:
        return bytesToHex(secretKey);
      default:
        return text;
    }
  });

const partsShown = (text: string, output: string): string[] =>
  Array.from({ length: text.length - part + 1 }, (_, index) => text.slice(index, index + part)).filter(
    (piece) => output.includes(piece),
  );

describe('a secret key in the wrong place', () => {
  it('of a configuration is not shown by any error, nor is a part of it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.constantFrom('pool', 'template-provider', 'miner'),
        secret,
        async (file, command, text) => {
          const path = join(directory, 'role.toml');
          writeFileSync(path, `${file(text)}\nthis_is_no = "setting"\n`);
          const { exitCode, stdout, stderr } = await sv2([command, '--config', path]);
          expect([exitCode, stdout]).toEqual([2, '']);
          expect(partsShown(text, stderr)).toEqual([]);
        },
      ),
      { seed: 42, numRuns: 1500 },
    );
  });

  it('of a command line is not shown by any error, nor is a part of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...commandLines), secret, async (argv, text) => {
        const { exitCode, stdout, stderr } = await sv2(argv(text));
        expect([exitCode === 0, stdout]).toEqual([false, '']);
        expect(partsShown(text, stderr)).toEqual([]);
      }),
      { seed: 42, numRuns: 500 },
    );
  });

  const { publicKey, secretKey } = generateAuthorityKeyPair(seededCrypto(defaultCrypto, 7));
  const whole = encodeAuthoritySecretKey(secretKey);

  it.each([
    ['the signature of every block', 'pool', `pool_signature = "${whole}"`, 'pool_signature'],
    ['the name that is told to a pool', 'miner', `url = "127.0.0.1:1"\nuser = "a.${whole}"`, 'user'],
    ['an address', 'pool', `listen_address = "${whole}:1"`, 'listen_address'],
  ])('is refused as %s', async (_, command, text, key) => {
    const path = join(directory, 'role.toml');
    writeFileSync(path, `${text}\n`);
    const { exitCode, stderr } = await sv2([command, '--config', path]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${path}: ${key}: it holds a secret key`);
  });

  test('public keys, extended keys and addresses are none', () => {
    expect(holdsSecretKey(`x${whole} y`)).toBe(false);
    expect(holdsSecretKey(`.${whole}/y`)).toBe(true);
    expect(holdsSecretKey(encodeAuthorityPublicKey(publicKey))).toBe(false);
    expect(holdsSecretKey('1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa.rig')).toBe(false);
  });

  test('what is no key is shown', () => {
    const text = '/home/alice/.config/rx-sv2-2026-11-26T10-00-00Z/authority_secret_key.toml: cannot be read';
    expect(withoutKeys(text)).toBe(text);
    expect(withoutKeys(`got ${whole}x`)).toBe(
      `got (${whole.length + 1} characters, hidden: they may be a secret)`,
    );
  });
});
