import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { payoutPlan } from '../../src/cli/payout-plan-settings.js';
import { payoutOf, poolSchema } from '../../src/cli/pool-settings.js';
import { sv2 } from './support.js';

const folder = mkdtempSync(join(tmpdir(), 'rx-sv2-payout-'));
afterAll(() => rmSync(folder, { recursive: true }));
const written = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const jds = '[jds]\nlisten_address = "127.0.0.1:0"\nbitcoin_rpc = "http://user:password@127.0.0.1:1"\n';
const declaring = written('declaring.toml', jds);
const elsewhere = written('elsewhere.toml', `[declarator]\ntoken_key = "${'07'.repeat(32)}"\n`);
const byLedger = written('by-ledger.toml', `${jds}experimental_payout_distribution = true\n`);
const byTable = written('by-table.toml', `${jds}[jds.experimental_payout_distribution]\nweight = 1\n`);
const inPart = written('in-part.toml', `${jds}min_pool_share = 0.5\n`);
const badTable = written(
  'bad-table.toml',
  `${jds}[jds.experimental_payout_distribution]\npayouts = [{ script = "raw(51)", weight = -1 }]\n`,
);
const regtest = ['--network', 'regtest'];

const mainnet = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4';
const testnet = 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx';
const base = ['--template-provider', '127.0.0.1:1', '--coinbase-reward-script', 'raw(51)'];

const wrong: [string[], string][] = [
  [['--payout', 'lottery'], 'payout: expected pool, solo, pplns or proportional'],
  [['--fee', '100'], 'fee: of no use with payout = "pool"'],
  [['--payout-minimum', '1'], 'payout_minimum: of no use with payout = "pool"'],
  [['--payout', 'solo', '--payout-window', '4'], 'payout_window: of no use with payout = "solo"'],
  [
    ['--payout', 'proportional', '--payout-window', '4'],
    'payout_window: of no use with payout = "proportional"',
  ],
  [['--payout', 'solo', '--fee-script', 'raw(51)'], 'fee_script: of no use without a fee'],
  [['--payout', 'solo', '--donation', '1'], 'donation: donation_script says who gets it, and is missing'],
  [['--payout', 'solo', '--donation-script', 'raw(51)'], 'donation_script: of no use without a donation'],
  [
    ['--payout', 'pplns', '--fee', '9000', '--donation', '1001', '--donation-script', 'raw(51)'],
    'fee: with the donation it is more than a whole block',
  ],
  [['--payout', 'pplns', '--fee', '0.5'], 'fee: '],
  [
    ['--payout', 'solo', '--network', 'testnet', '--fee', '1', '--fee-script', mainnet],
    'fee_script: an address of mainnet; expected one of testnet',
  ],
  [
    ['--payout', 'solo', '--coinbase-reward-script', mainnet, '--fee', '1', '--fee-script', testnet],
    'fee_script: an address of testnet; expected one of mainnet',
  ],
  [
    [
      ...['--payout', 'solo', '--fee', '1', '--fee-script', mainnet],
      ...['--donation', '1', '--donation-script', testnet],
    ],
    'donation_script: an address of testnet; expected one of mainnet',
  ],
  [
    ['--payout', 'solo'],
    'network: payout = "solo" pays users, and coinbase_reward_script does not tell of which network',
  ],
  [['--payout', 'solo', '--ledger', 'none'], 'payout: solo pays by the ledger, and ledger is none'],
  [
    [...regtest, '--payout', 'solo', '--config', declaring, '--processes', '2'],
    'processes: with several of them those that judge declared jobs do not have the ledger, so that blocks of declared jobs pay coinbase_reward_script, and payout = "solo" pays users',
  ],
  [
    [...regtest, '--payout', 'pplns', '--config', elsewhere],
    'declarator: the declaration server elsewhere does not have the ledger',
  ],
  [
    [...regtest, '--payout', 'solo', '--config', byLedger],
    'jds.experimental_payout_distribution: true is for payout = "pplns" or "proportional", got payout = "solo"',
  ],
  [
    ['--config', byLedger],
    'jds.experimental_payout_distribution: true is for payout = "pplns" or "proportional", got payout = "pool"',
  ],
  [
    [...regtest, '--payout', 'pplns', '--config', byTable],
    'jds.experimental_payout_distribution: payout = "pplns" pays by the ledger; expected true, or none',
  ],
  [
    [...regtest, '--payout', 'pplns', '--config', inPart],
    'jds.min_pool_share: payout = "pplns" shares out whole blocks by the ledger; expected 1, got 0.5',
  ],
  [['--config', badTable], 'jds.experimental_payout_distribution.payouts.0.weight'],
];

describe('sv2 pool refuses payouts that make no sense', () => {
  it.each(wrong)('%j', async (flags, problem) => {
    const { exitCode, stderr } = await sv2(['pool', ...base, ...flags]);
    expect(stderr).toContain(problem);
    expect(exitCode).toBe(2);
  });
});

/** The settings of a pool with a ledger. */
const settingsOf = (settings: object) =>
  poolSchema.parse({ template_provider_type: { Sv2Tp: { address: '127.0.0.1:1' } }, ...settings });

describe('users of sv2 pool are paid on the network', () => {
  it.each([
    ['that is configured', { network: 'regtest', coinbase_reward_script: 'raw(51)' }, ['regtest']],
    ["of the pool's own address", { coinbase_reward_script: mainnet }, ['mainnet']],
    ["of the pool's own address, off mainnet, too", { coinbase_reward_script: testnet }, ['testnet']],
    [
      'of the addresses of fees',
      { coinbase_reward_script: 'raw(51)', fee: 1, fee_script: mainnet },
      ['mainnet'],
    ],
  ])('%s', (_, given, networks) => {
    const settings = settingsOf({ payout: 'solo', ...given });
    const { script, networks: own } = payoutOf(settings);
    const { payout } = payoutPlan(settings, {
      ...{ reserve: script, networks: own, hasLedger: true },
    });
    expect(payout?.networks).toEqual(networks);
  });

  it('and blocks may be of no other chain; of any for a script that is of none', () => {
    const networks = (given: object) => payoutOf(settingsOf(given)).networks;
    expect(networks({ coinbase_reward_script: testnet })).toEqual(['testnet']);
    expect(networks({ coinbase_reward_script: mainnet })).toEqual(['mainnet']);
    expect(networks({ coinbase_reward_script: 'raw(51)' })).toBeUndefined();
  });
});
