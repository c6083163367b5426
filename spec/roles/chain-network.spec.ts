import { describe, expect, it } from '@jest/globals';
import { networkFault } from '../../src/roles/chain-network.js';

describe('a chain', () => {
  const [mainnetToday, easiestOfMainnet, simulated, regtest] = [
    0x1702_3a04, 0x1d00_ffff, 0x1e00_ffff, 0x207f_ffff,
  ];

  it('is mainnet when it is harder than any other ever was', () => {
    for (const networks of [['testnet'], ['regtest'], ['testnet', 'regtest']] as const)
      expect(networkFault(mainnetToday, networks)).toEqual({
        code: 'wrong-network',
        message: expect.stringMatching(/which is mainnet; expected (testnet|regtest)/),
      });
    expect(networkFault(mainnetToday, ['mainnet'])).toBeUndefined();
  });

  it('is not mainnet when it is easier than that allows', () => {
    for (const nbits of [simulated, regtest])
      expect(networkFault(nbits, ['mainnet'])?.message).toMatch(/which is not mainnet; expected mainnet/);
    expect(networkFault(easiestOfMainnet, ['mainnet'])).toBeUndefined();
  });

  it('may be any where payouts are good on mainnet and on others', () => {
    for (const nbits of [mainnetToday, easiestOfMainnet, simulated, regtest])
      expect(networkFault(nbits, ['mainnet', 'testnet'])).toBeUndefined();
  });

  it('is not told by anything in between', () => {
    for (const nbits of [easiestOfMainnet, simulated, regtest])
      expect(networkFault(nbits, ['testnet', 'regtest'])).toBeUndefined();
  });
});
