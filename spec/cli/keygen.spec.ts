import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { parse } from 'smol-toml';
import { defaultCrypto } from '../../src/crypto/index.js';
import { decodeAuthorityPublicKey, decodeAuthoritySecretKey } from '../../src/noise/authority-key.js';
import { sv2 } from './support.js';

const directory = mkdtempSync(join(tmpdir(), 'sv2-keygen-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('sv2 keygen', () => {
  it('prints a key pair as two lines of a configuration file', async () => {
    const { exitCode, stdout, stderr } = await sv2(['keygen']);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^authority_public_key = "\w+"\nauthority_secret_key = "\w+"\n$/);
    const { authority_public_key, authority_secret_key } = parse(stdout) as Record<string, string>;
    const secretKey = decodeAuthoritySecretKey(authority_secret_key as string);
    expect(decodeAuthorityPublicKey(authority_public_key as string)).toEqual(
      defaultCrypto.xOnlyPublicKey(secretKey),
    );
  });

  it('prints it as JSON', async () => {
    const { stdout } = await sv2(['keygen', '--json']);
    const keys = JSON.parse(stdout) as { publicKey: string; secretKey: string };
    expect(Object.keys(keys)).toEqual(['publicKey', 'secretKey']);
    expect(decodeAuthorityPublicKey(keys.publicKey)).toEqual(
      defaultCrypto.xOnlyPublicKey(decodeAuthoritySecretKey(keys.secretKey)),
    );
  });

  it('writes it to a file that only its owner can read, and prints the public key alone', async () => {
    const file = join(directory, 'pool.toml');
    const { exitCode, stdout } = await sv2(['keygen', '--out', file]);
    expect([exitCode, statSync(file).mode & 0o777]).toEqual([0, 0o600]);
    const keys = parse(readFileSync(file, 'utf8')) as Record<string, string>;
    expect(stdout).toBe(`${keys['authority_public_key'] ?? ''}\n`);
  });

  it('replaces a file only if forced, and then one that others could read by one that they cannot', async () => {
    const file = join(directory, 'old.toml');
    writeFileSync(file, 'x', { mode: 0o644 });
    const refused = await sv2(['keygen', '--out', file]);
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toBe(
      `sv2: ${file} exists already: choose another name, or --force to replace it\n`,
    );
    expect(readFileSync(file, 'utf8')).toBe('x');
    expect((await sv2(['keygen', '--out', file, '--force'])).exitCode).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain('authority_secret_key');
  });

  it('says why a file cannot be written', async () => {
    const { exitCode, stderr } = await sv2(['keygen', '--out', join(directory, 'none', 'pool.toml')]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^sv2: [^\n]*none\/pool\.toml cannot be written: ENOENT\n$/);
  });

  it('prints another one each time', async () => {
    expect((await sv2(['keygen'])).stdout).not.toBe((await sv2(['keygen'])).stdout);
  });
});
