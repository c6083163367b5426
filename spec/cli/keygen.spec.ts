import { describe, expect, it } from '@jest/globals';
import { parse } from 'smol-toml';
import { defaultCrypto } from '../../src/crypto/index.js';
import { decodeAuthorityPublicKey, decodeAuthoritySecretKey } from '../../src/noise/authority-key.js';
import { sv2 } from './support.js';

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

  it('prints another one each time', async () => {
    expect((await sv2(['keygen'])).stdout).not.toBe((await sv2(['keygen'])).stdout);
  });
});
