/** The settings of `sv2 pool` that say whom its blocks pay. */
import * as z from 'zod';
import type { AddressNetwork } from '../bitcoin/payout-script.js';
import { parseFraction } from '../ledger/fraction.js';
import type { PoolLedgerOptions } from '../roles/pool/pool-ledger.js';
import { ConfigError, number } from './config.js';
import { payoutScript } from './payout-setting.js';

const modes = ['pool', 'solo', 'pplns', 'proportional'] as const;
const basisPoints = () => number({ min: 0, max: 10_000, integer: true, unit: 'hundredths of a percent' });

/** Settings of payouts, none of which has a value unless somebody gave it one: what is of no use is refused. */
export const payoutSettings = () => ({
  payout: z.enum(modes, { error: 'expected pool, solo, pplns or proportional' }).default('pool'),
  payout_window: number({ min: 0.001, max: 1_000_000, unit: 'times the work of a block' }).optional(),
  payout_minimum: number({
    min: 0,
    max: 2_100_000_000_000_000,
    integer: true,
    unit: 'satoshis',
  }).optional(),
  payout_confirmations: number({ min: 1, max: 10_000, integer: true, unit: 'blocks' }).optional(),
  fee: basisPoints().optional(),
  fee_script: payoutScript().optional(),
  donation: basisPoints().optional(),
  donation_script: payoutScript().optional(),
});

/** Their options, for the command line. */
export const payoutOptions = [
  [
    '--payout <MODE>',
    'pool: all to coinbase_reward_script; solo: to the finder; pplns: to users, by their last work; proportional: by that since the last block (default: pool)',
  ],
  ['--payout-window <NUMBER>', 'of pplns: so many times the work of a block (default: 4)'],
  ['--payout-minimum <SATOSHIS>', 'below which a user waits for the next block (default: 5000)'],
  ['--payout-confirmations <BLOCKS>', 'with which a block counts for good (default: 100)'],
  ['--fee <HUNDREDTHS>', 'of a percent of each block, for the pool (default: 0)'],
  ['--fee-script <SCRIPT>', 'who gets the fee (default: coinbase_reward_script)'],
  ['--donation <HUNDREDTHS>', 'of a percent of each block, for somebody else (default: 0)'],
  ['--donation-script <SCRIPT>', 'who gets the donation'],
] as const;

/** Their part of the help. */
export const payoutHelp = `  payout = "solo"                               # or "pplns", "proportional": user names are addresses, ADDRESS.WORKER, of the pool's network
  payout_window = 4                             # of pplns: times the work of a block
  payout_minimum = 5000                         # satoshis; what waits is paid to coinbase_reward_script, which owes it
  payout_confirmations = 100
  fee = 100                                     # hundredths of a percent
  fee_script = "addr(bc1…)"                     # without, the fee goes to coinbase_reward_script
  donation = 50                                 # hundredths of a percent
  donation_script = "addr(bc1…)"`;

type Settings = z.output<z.ZodObject<ReturnType<typeof payoutSettings>>>;

/** What outputs of users may cost at most: hydrapool's and public-pool's miners work with as much. */
const payoutLimits = { weight: 26_000, sigops: 800, count: 200 };

/** What is of no use for a way to pay, and why. */
const useless = (settings: Settings): string[] => {
  const { payout } = settings;
  const given = (...keys: (keyof Settings)[]) => keys.filter((key) => settings[key] !== undefined);
  if (payout === 'pool')
    return given(
      ...(['payout_window', 'payout_minimum', 'payout_confirmations'] as const),
      ...(['fee', 'fee_script', 'donation', 'donation_script'] as const),
    ).map((key) => `${key}: of no use with payout = "pool", which pays everything to coinbase_reward_script`);
  return [
    ...(payout === 'pplns'
      ? []
      : given('payout_window').map(
          (key) => `${key}: of no use with payout = "${payout}", which has no window`,
        )),
    ...(settings.fee_script !== undefined && (settings.fee ?? 0) === 0
      ? ['fee_script: of no use without a fee']
      : []),
    ...(settings.donation_script !== undefined && (settings.donation ?? 0) === 0
      ? ['donation_script: of no use without a donation']
      : []),
    ...((settings.donation ?? 0) > 0 && settings.donation_script === undefined
      ? ['donation: donation_script says who gets it, and is missing']
      : []),
    ...((settings.fee ?? 0) + (settings.donation ?? 0) > 10_000
      ? ['fee: with the donation it is more than a whole block']
      : []),
  ];
};

/** What payouts have to fit. */
interface Surroundings {
  readonly reserve: Uint8Array;
  /** Whose addresses are paid, as far as the pool's own script tells. */
  readonly networks: readonly AddressNetwork[] | undefined;
  readonly hasLedger: boolean;
  /** Why blocks of jobs that miners made can pay nobody but `coinbase_reward_script`, with the setting; undefined where they can. */
  readonly declarationProblem?: string | undefined;
}

/**
 * How blocks are paid by a ledger; nothing for `pool`.
 * @throws ConfigError for what is of no use, contradicts, or can't be
 */
export function payoutPlan(
  settings: Settings,
  { reserve, networks, hasLedger, declarationProblem }: Surroundings,
): Pick<PoolLedgerOptions, 'payout' | 'confirmations'> {
  const problems = useless(settings);
  const { payout: mode } = settings;
  if (mode !== 'pool' && !hasLedger)
    problems.push(`payout: ${mode} pays by the ledger, and ledger is none: leave one of them out`);
  if (mode !== 'pool' && declarationProblem !== undefined)
    problems.push(
      `${declarationProblem}, so that blocks of declared jobs pay coinbase_reward_script, and payout = "${mode}" pays users: leave one of them out`,
    );
  let paid = networks;
  for (const [key, script] of [
    ['fee_script', settings.fee_script],
    ['donation_script', settings.donation_script],
  ] as const) {
    if (script?.networks == null) continue;
    const common = script.networks.filter((network) => paid?.includes(network) ?? true);
    if (paid !== undefined && common.length === 0)
      problems.push(
        `${key}: an address of ${script.networks.join(' or ')}; expected one of ${paid.join(' or ')}`,
      );
    else paid = common;
  }
  if (mode !== 'pool' && paid === undefined)
    problems.push(
      `network: payout = "${mode}" pays users, and coinbase_reward_script does not tell of which network their addresses are; expected mainnet, testnet, signet or regtest`,
    );
  if (problems.length > 0) throw new ConfigError(problems);
  if (mode === 'pool') return {};
  const { fee = 0, fee_script: feeScript, donation = 0, donation_script: donationScript } = settings;
  return {
    confirmations: settings.payout_confirmations ?? 100,
    payout: {
      mode,
      windowMultiple: parseFraction((settings.payout_window ?? 4).toFixed(3)),
      rules: {
        ...(fee === 0 ? {} : { fee: { basisPoints: fee, scriptPubKey: feeScript?.scriptPubKey ?? reserve } }),
        ...(donation === 0 || donationScript === undefined
          ? {}
          : { donation: { basisPoints: donation, scriptPubKey: donationScript.scriptPubKey } }),
        reserve,
        minimumPayout: BigInt(settings.payout_minimum ?? 5_000),
        limits: payoutLimits,
      },
      ...(paid === undefined ? {} : { networks: paid }),
    },
  };
}
