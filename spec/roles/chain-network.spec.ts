import { describe, expect, it } from '@jest/globals';
import { chainNetworks, networkFault } from '../../src/roles/chain-network.js';

/** Tips of chains that there are; the last is none's. */
const tips = {
  mainnetToday: 0x1702_3a04,
  testnet: 0x1930_7f9d, // hard, as testnet4's can be: 88 million
  easiestOfTestnet: 0x1d00_ffff,
  easiestOfSignet: 0x1e03_77ae,
  simulated: 0x1e00_ffff,
  regtest: 0x207f_ffff,
  negative: 0xff7f_ffff,
};

describe('a chain', () => {
  it.each([
    ['mainnetToday', ['mainnet']],
    ['testnet', ['testnet', 'regtest']],
    ['easiestOfTestnet', ['testnet', 'regtest']],
    ['easiestOfSignet', ['testnet', 'regtest']],
    ['simulated', ['testnet', 'regtest']],
    ['regtest', ['regtest']],
    ['negative', []],
  ] as const)('is known by its difficulty: %s', (tip, networks) => {
    expect(chainNetworks(tips[tip])).toEqual(networks);
  });

  it.each([
    [
      'mainnetToday',
      ['testnet', 'regtest'],
      /1\.\d+e\+14, so that its chain is mainnet; expected testnet or regtest/,
    ],
    [
      'testnet',
      ['mainnet'],
      /so that its chain is testnet or regtest; expected mainnet, which the payout is for$/,
    ],
    ['easiestOfTestnet', ['mainnet'], /^a tip of difficulty 1\.00, .* expected mainnet/],
    ['simulated', ['mainnet'], /expected mainnet/],
    ['regtest', ['mainnet'], /its chain is regtest; expected mainnet/],
    ['regtest', ['testnet'], /its chain is regtest; expected testnet/],
    ['negative', ['regtest'], /^a tip with nbits that no chain has; expected regtest/],
  ] as const)('is refused where it is none that the payout is for: %s, %j', (tip, networks, message) => {
    expect(networkFault(tips[tip], networks)).toEqual({
      code: 'wrong-network',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['mainnetToday', ['mainnet']],
    ['testnet', ['testnet']],
    ['simulated', ['regtest']],
    ['regtest', ['testnet', 'regtest']], // an address in base58 is of both
  ] as const)('is none to refuse where it may be one that the payout is for: %s, %j', (tip, networks) => {
    expect(networkFault(tips[tip], networks)).toBeUndefined();
  });
});
