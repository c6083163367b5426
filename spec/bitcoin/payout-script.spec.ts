import { describe, expect, it } from '@jest/globals';
import { ripemd160 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import {
  descriptorChecksum,
  parsePayoutScript,
  scriptFromAddress,
  scriptFromDescriptor,
} from '../../src/bitcoin/index.js';
import { bytes, codeOf, hex } from './support.js';

const KEY = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
const UNCOMPRESSED =
  '0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8';
const KEY_HASH = '751e76e8199196d454941c45d1b3a323f1433bd6';
const script = (text: string): string => hex(parsePayoutScript(text).scriptPubKey);

describe('the script of an address', () => {
  it.each([
    ['1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2', '76a91477bff20c60e522dfaa3350c39b030a5d004e839a88ac', ['mainnet']],
    ['3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy', 'a914b472a266d0bd89c13706a4132ccfb16f7c3b9fcb87', ['mainnet']],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', `0014${KEY_HASH}`, ['mainnet']],
    ['BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4', `0014${KEY_HASH}`, ['mainnet']],
    [
      'bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3',
      '00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262',
      ['mainnet'],
    ],
    [
      'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0', // BIP 350
      '512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
      ['mainnet'],
    ],
    [
      'tb1qa0sm0hxzj0x25rh8gw5xlzwlsfvvyz8u96w3p8',
      '0014ebe1b7dcc293ccaa0ee743a86f89df8258c208fc',
      ['testnet'],
    ],
    [
      'mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn',
      '76a914243f1394f44554f4ce3fd68649c19adc483ce92488ac',
      ['testnet', 'regtest'],
    ],
    [
      '2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc',
      'a9144e9f39ca4688ff102128ea4ccda34105324305b087',
      ['testnet', 'regtest'],
    ],
    ['bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080', `0014${KEY_HASH}`, ['regtest']],
  ])('%s', (address, expected, networks) => {
    const payout = scriptFromAddress(address);
    expect(hex(payout.scriptPubKey)).toBe(expected);
    expect(payout.networks).toEqual(networks);
    expect(script(`addr(${address})`)).toBe(expected);
  });

  it.each([
    '',
    'nonsense',
    '1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3',
    'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5',
    'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8F3t4',
    'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd', // bech32 instead of bech32m, BIP 350
    'LbTjMGN7gELw4KbeyQf6cTCq859hD18guE', // Litecoin
  ])('is refused for %p', (address) => {
    expect(codeOf(() => scriptFromAddress(address))).toBe('invalid-address');
  });

  it('never puts a key pasted by mistake into the error', () => {
    const secret = 'L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1';
    for (const text of [
      secret,
      `addr(${secret})`,
      `pkh(${secret})`,
      `wpkh([${secret}`,
      `${secret}()`,
      `tr(${secret},x)`,
    ]) {
      let shown = '';
      try {
        parsePayoutScript(text);
      } catch (error) {
        const { message, detail, cause } = error as { message: string; detail: unknown; cause: unknown };
        shown = `${message} ${JSON.stringify(detail)} ${String(cause)}`;
      }
      expect(shown).not.toBe('');
      expect(shown).not.toContain(secret.slice(0, 20));
      expect(shown).not.toContain(secret.slice(-20));
    }
  });
});

describe('the script of a descriptor', () => {
  it.each([
    // as the reference applications test them (config_helpers/coinbase_output)
    [
      'addr(1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2)#wdnlkpe8',
      '76a91477bff20c60e522dfaa3350c39b030a5d004e839a88ac',
    ],
    ['addr(3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy)#rsjl0crt', 'a914b472a266d0bd89c13706a4132ccfb16f7c3b9fcb87'],
    ['addr(bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4)#uyjndxcw', `0014${KEY_HASH}`],
    ['raw()', ''],
    ['raw(deadbeef)#89f8spxm', 'deadbeef'],
    ['raw(DEADbeef)', 'deadbeef'],
    [`tr(${KEY})`, '5120da4710964f7852695de2da025290e24af6d8c281de5a0b902b7135fd9fd74d21'],
    [`tr(${KEY.slice(2)})`, '5120da4710964f7852695de2da025290e24af6d8c281de5a0b902b7135fd9fd74d21'],
    // BIP 381 to 386
    [`pk(${KEY})`, `21${KEY}ac`],
    [`pk(${UNCOMPRESSED})`, `41${UNCOMPRESSED}ac`],
    [`pkh(${KEY})`, `76a914${KEY_HASH}88ac`],
    [`pkh(${UNCOMPRESSED})`, '76a91491b24bf9f5288532960ac687abb035127b1d28a588ac'],
    [`sh(pk(${KEY}))`, 'a914' + hex(ripemd160(sha256(bytes(`21${KEY}ac`)))) + '87'],
    [`wpkh(${KEY})`, `0014${KEY_HASH}`],
    [`wpkh([deadbeef/84h/0'/0]${KEY})`, `0014${KEY_HASH}`],
    [`sh(wpkh(${KEY}))`, 'a914bcfeb728b584253d5f3f70bcb780e9ef218a68f487'],
  ])('%s', (descriptor, expected) => {
    expect(hex(scriptFromDescriptor(descriptor).scriptPubKey)).toBe(expected);
    expect(script(descriptor)).toBe(expected);
  });

  it.each([
    'raw(deadbeef)#',
    'raw(deadbeef)#89f8spxmx',
    'raw(deadbeef)#89f8spx',
    'raw(deedbeef)#89f8spxm',
    'raw(deedbeef)##9f8spxm',
  ])('%s has a wrong checksum (BIP 380)', (descriptor) => {
    expect(codeOf(() => scriptFromDescriptor(descriptor))).toBe('invalid-descriptor-checksum');
  });

  it('names the checksum it expected', () => {
    expect(descriptorChecksum('raw(deadbeef)')).toBe('89f8spxm');
    expect(() => scriptFromDescriptor('raw(deadbeef)#89f8spxx')).toThrow('expected "89f8spxm"');
  });

  it.each([
    ['raw(Ü)#00000000', 'invalid-descriptor'],
    ['raw(0)', 'invalid-descriptor'],
    ['raw(0,1)', 'invalid-descriptor'],
    ['deadbeef', 'invalid-descriptor'],
    ['addr(', 'invalid-descriptor'],
    ['addr()', 'invalid-address'],
    ['addr(1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2,)', 'invalid-address'],
    [`wpkh(${UNCOMPRESSED})`, 'invalid-descriptor'],
    [`tr(${UNCOMPRESSED})`, 'invalid-descriptor'],
    [`wpkh(${KEY.slice(0, -2)})`, 'invalid-descriptor'],
    [`wpkh(02${'ff'.repeat(32)})`, 'invalid-descriptor'],
    [`pkh([deadbeef/0H]${KEY})`, 'invalid-descriptor'],
    [`pkh([deadbee/0h]${KEY})`, 'invalid-descriptor'],
    ['pkh([deadbeef])', 'invalid-descriptor'],
    [`combo(${KEY})`, 'unsupported-descriptor'],
    [`wsh(pk(${KEY}))`, 'unsupported-descriptor'],
    [`sh(wsh(pk(${KEY})))`, 'unsupported-descriptor'],
    [`sh(multi(1,${KEY}))`, 'unsupported-descriptor'],
    [`tr(${KEY},pk(${KEY}))`, 'unsupported-descriptor'],
    [
      `pkh(xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8)`,
      'unsupported-descriptor',
    ],
  ])('%s is refused as %s', (descriptor, code) => {
    expect(codeOf(() => scriptFromDescriptor(descriptor))).toBe(code);
  });

  it('names what it does not support', () => {
    expect(() => scriptFromDescriptor(`sh(wsh(pk(${KEY})))`)).toThrow('sh(wsh)');
    expect(() => scriptFromDescriptor(`combo(${KEY})`)).toThrow('combo');
  });
});
