import { describe, expect, test } from '@jest/globals';
import { parseIdentity, scriptFromAddress } from '../../src/index.js';
import { addresses } from './support.js';

const testnet = 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx';
const regtest = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const [p2pkh = '', p2wpkh = ''] = addresses;

describe('a user identity pays', () => {
  test.each([
    [p2wpkh, p2wpkh, '', 0, false],
    [`${p2wpkh}.rig1`, p2wpkh, 'rig1', 0, false],
    [`${p2wpkh}.rig.1`, p2wpkh, 'rig.1', 0, false],
    [`${p2pkh}_rig1`, p2pkh, 'rig1', 0, false],
    [`sri/solo/${p2wpkh}/rig1`, p2wpkh, 'rig1', 0, true],
    [`sri/solo/${p2wpkh}`, p2wpkh, '', 0, true],
    [`sri/donate/2.5/${p2wpkh}/rig/1`, p2wpkh, 'rig/1', 250, false],
    [`sri/donate/100/${p2wpkh}/`, p2wpkh, '', 10_000, false],
  ])('%s', (identity, address, worker, donationBasisPoints, isSolo) => {
    const { scriptPubKey } = scriptFromAddress(address);
    expect(parseIdentity(identity, ['mainnet'])).toEqual({
      isPayable: true,
      address,
      scriptPubKey,
      worker,
      donationBasisPoints,
      isSolo,
    });
  });

  test.each(addresses.map((address) => [address]))('%s, of each kind of address', (address) => {
    expect(parseIdentity(`${address}.a`)).toMatchObject({ isPayable: true, address, worker: 'a' });
  });

  test.each([
    ['', 'no-address'],
    ['alice.rig1', 'no-address'],
    [`${p2wpkh.slice(0, -1)}q.rig1`, 'no-address'],
    [`${p2wpkh}-rig1`, 'no-address'],
    [testnet, 'wrong-network'],
    [`${regtest}.rig1`, 'wrong-network'],
    [`sri/solo/${testnet}/rig1`, 'wrong-network'],
    ['sri/solo/', 'no-address'],
    ['sri/other', 'no-address'],
    ['sri/donate/rig1', 'donates'],
    [`sri/donate/101/${p2wpkh}`, 'invalid-donation'],
    [`sri/donate/1.234/${p2wpkh}`, 'invalid-donation'],
    [`sri/donate/x/${p2wpkh}`, 'invalid-donation'],
    ['x'.repeat(255), 'no-address'],
  ])('nobody: %s (%s)', (identity, code) => {
    expect(parseIdentity(identity, ['mainnet'])).toMatchObject({ isPayable: false, code });
  });

  test('an address of the network that the pool is on', () => {
    expect(parseIdentity(testnet, ['testnet'])).toMatchObject({ isPayable: true });
    expect(parseIdentity(testnet, ['mainnet'])).toMatchObject({
      reason: 'an address of testnet, and this pool pays on mainnet',
    });
    // base58 addresses are alike on all test networks
    expect(parseIdentity('mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn', ['regtest'])).toMatchObject({
      isPayable: true,
    });
  });
});
