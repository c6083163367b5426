import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Command } from 'commander';
import { z } from 'zod';
import {
  authorityPublicKey,
  authoritySecretKey,
  ConfigError,
  flagsOf,
  hostPort,
  loadConfig,
  number,
  text,
  type Flag,
} from '../../src/cli/config.js';

const directory = mkdtempSync(join(tmpdir(), 'sv2-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

const publicKey = '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72';
const secretKey = 'mkDLTBBRxdBv998612qipDYoTK3YUrqLe8uWw7gu3iXbSrn2n';

const schema = z.strictObject({
  listen_address: hostPort(),
  shares_per_minute: number({ min: 0.1, max: 600 }).default(6),
  pool_signature: text(1, 8).optional(),
  authority_public_key: authorityPublicKey().optional(),
  authority_secret_key: authoritySecretKey().optional(),
  provider: z.strictObject({ address: hostPort(0) }).optional(),
});

const file = (content: string): string => {
  const path = join(directory, 'role.toml');
  writeFileSync(path, content);
  return path;
};

const problemsOf = (content: string | undefined, flags: readonly Flag[] = []): readonly string[] => {
  const path = content === undefined ? undefined : file(content);
  try {
    loadConfig(schema, flags, path);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((line) => line.replace(`${directory}/`, ''));
    throw error;
  }
  throw new Error('the configuration was accepted');
};

describe('loadConfig', () => {
  it('reads a TOML file and fills in defaults', () => {
    const config = loadConfig(
      schema,
      [],
      file(
        'listen_address = "[::1]:34254"\npool_signature = "rx"\n[provider]\naddress = "tp.example:0"\n' +
          `# \n`,
      ),
    );
    expect(config).toEqual({
      listen_address: { host: '::1', port: 34254 },
      shares_per_minute: 6,
      pool_signature: 'rx',
      provider: { address: { host: 'tp.example', port: 0 } },
    });
  });

  it('puts flags over the file, into tables too, and reads their digits as numbers', () => {
    const config = loadConfig(
      schema,
      [
        { key: 'shares_per_minute', name: '--shares-per-minute', value: '12.5' },
        { key: 'provider.address', name: '--provider', value: '127.0.0.1:8442' },
      ],
      file('listen_address = "127.0.0.1:1"\nshares_per_minute = 1\n'),
    );
    expect(config.shares_per_minute).toBe(12.5);
    expect(config.provider).toEqual({ address: { host: '127.0.0.1', port: 8442 } });
  });

  it('keeps keys as texts', () => {
    const config = loadConfig(schema, [
      { key: 'listen_address', name: '--listen', value: 'a:1' },
      { key: 'authority_public_key', name: '--authority-public-key', value: publicKey },
      { key: 'authority_secret_key', name: '--authority-secret-key', value: secretKey },
    ]);
    expect(config.authority_public_key).toBe(publicKey);
    expect(config.authority_secret_key).toBe(secretKey);
  });

  it('names file, key and expected form of everything that is wrong', () => {
    expect(problemsOf('listen_address = "34254"\nshares_per_minute = "fast"\npool_signature = ""\n')).toEqual(
      [
        'role.toml: listen_address: expected HOST:PORT, such as 127.0.0.1:34254 or [::1]:34254, with a port from 1 to 65535',
        'role.toml: shares_per_minute: expected a number from 0.1 to 600',
        'role.toml: pool_signature: expected a text of 1 to 8 bytes',
      ],
    );
  });

  it.each(['::1:34254', 'host:', ':34254', 'host:65536', 'host:0', 'a b:1', 'host:123456'])(
    'refuses the address %s',
    (address) => {
      expect(problemsOf(`listen_address = "${address}"\n`)).toHaveLength(1);
    },
  );

  it('names a missing key, and what it should hold', () => {
    expect(problemsOf('')).toEqual([
      'role.toml: listen_address is missing: expected HOST:PORT, such as 127.0.0.1:34254 or [::1]:34254, with a port from 1 to 65535',
    ]);
    expect(problemsOf(undefined)[0]).toMatch(/^listen_address is missing: expected HOST:PORT/);
  });

  it('names unknown keys, which may be misspelt ones', () => {
    expect(
      problemsOf('listen_address = "a:1"\nshare_per_minute = 1\n[provider]\naddress = "a:1"\nkey = 1\n'),
    ).toEqual([
      'role.toml: provider.key: unknown key',
      'role.toml: share_per_minute: unknown key; did you mean shares_per_minute?',
    ]);
  });

  it('says to which table a key belongs that is in another', () => {
    expect(
      problemsOf(
        'listen_address = "a:1"\naddress = "a:1"\n[provider]\naddress = "a:1"\nshares_per_minute = 1\n',
      ),
    ).toEqual([
      'role.toml: provider.shares_per_minute: unknown key: it belongs above every [table], did you mean to put it above [provider]?',
      'role.toml: address: unknown key: it belongs below [provider]',
    ]);
  });

  it('names the flag where the flag is at fault', () => {
    expect(
      problemsOf('listen_address = "a:1"\n', [
        { key: 'shares_per_minute', name: '--shares-per-minute', value: 'many' },
      ]),
    ).toEqual(['--shares-per-minute: expected a number from 0.1 to 600']);
  });

  it('says what is wrong with a key without repeating it', () => {
    const [problem = ''] = problemsOf(`listen_address = "a:1"\nauthority_secret_key = "${secretKey}x"\n`);
    expect(problem).toMatch(
      /^role\.toml: authority_secret_key: expected a key in base58check, .*: the authority secret key is wrong/,
    );
    expect(problem).not.toContain(secretKey.slice(0, 6));
  });

  it('says where a file is not TOML, without quoting it', () => {
    const problems = problemsOf(`authority_secret_key = "${secretKey}\n`);
    expect(problems).toEqual([expect.stringMatching(/^role\.toml:\d+:\d+: not TOML: /)]);
    expect(problems[0]).not.toContain(secretKey.slice(0, 6));
  });

  it('says why a file cannot be read', () => {
    expect(() => loadConfig(schema, [], join(directory, 'none.toml'))).toThrow(
      'cannot be read: no such file',
    );
    expect(() => loadConfig(schema, [], directory)).toThrow('cannot be read: it is a directory');
  });
});

describe('flagsOf', () => {
  const parse = (...argv: string[]): Command =>
    new Command('role')
      .option('-c, --config <FILE>')
      .option('--listen <HOST:PORT>')
      .option('--shares-per-minute <N>', '', '6')
      .parse(argv, { from: 'user' });

  it('returns what was given, under the keys of the configuration', () => {
    const command = parse('--config', 'role.toml', '--listen', 'a:1', '--shares-per-minute', '7');
    expect(flagsOf(command, { config: null, listen: 'listen_address' })).toEqual([
      { key: 'listen_address', name: '--listen', value: 'a:1' },
      { key: 'shares_per_minute', name: '--shares-per-minute', value: '7' },
    ]);
  });

  it('leaves out what was not given, defaults included', () => {
    expect(flagsOf(parse())).toEqual([]);
  });
});
