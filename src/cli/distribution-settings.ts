/** The setting by which a declaration server says whom blocks pay: draft extension 0x0003, experimental. */
import * as z from 'zod';
import type { AddressNetwork } from '../bitcoin/payout-script.js';
import type { PayoutDistribution } from '../declaration/payout-distribution.js';
import { ConfigError, number } from './config.js';
import { payoutScript } from './payout-setting.js';

/** Its key, at a declaration server and, as a switch, at a client. */
export const distributionKey = 'experimental_payout_distribution';

/** Outputs of one distribution, at most: as many as a pool pays by its ledger. */
const mostOutputs = 200;

/** What fits a number of the file exactly, and is more than there are satoshis. */
const weight = () => number({ min: 0, max: Number.MAX_SAFE_INTEGER, integer: true });
const satoshis = (max: number) => number({ min: 0, max, integer: true, unit: 'satoshis' });

const payoutTables = 'expected tables with script, weight and dust_limit';
const outputTables = 'expected tables with script and value';
const atMost = { error: `expected ${mostOutputs} at most` };

/** Comes out as its tables have it. */
export const distributionSetting = () =>
  z
    .strictObject(
      {
        weight: weight().default(0),
        payouts: z
          .array(
            z.strictObject(
              {
                script: payoutScript(),
                weight: weight(),
                dust_limit: satoshis(0xffff_ffff).default(546),
              },
              { error: payoutTables },
            ),
            { error: payoutTables },
          )
          .max(mostOutputs, atMost)
          .default([]),
        additional_outputs: z
          .array(
            z.strictObject(
              { script: payoutScript(), value: satoshis(2_100_000_000_000_000) },
              { error: outputTables },
            ),
            { error: outputTables },
          )
          .max(mostOutputs, atMost)
          .default([]),
      },
      { error: `expected a table with weight, payouts and additional_outputs` },
    )
    .optional();

/** What {@link distributionSetting} comes out as. */
export type DistributionSetting = z.output<ReturnType<typeof distributionSetting>>;

/** The same, or `true` for what a ledger pays: of a pool that has one. */
export const ledgerOrDistributionSetting = () => {
  const table = distributionSetting();
  return z
    .unknown()
    .transform((value, context): true | DistributionSetting => {
      if (value === true) return true;
      const result = table.safeParse(value);
      if (result.success) return result.data;
      // with their places, which a union does not tell
      context.issues.push(...(result.error.issues as unknown as typeof context.issues));
      return z.NEVER;
    })
    .optional();
};

/** Its part of the help. */
export const distributionHelp = (table: string): string => `
  [${table}${distributionKey}]     # draft extension 0x0003: for clients that have it, the others pay as said above
  weight = 30                                   # of coinbase_reward_script, which gets what rounding leaves, too
  payouts = [{ script = "addr(bc1…)", weight = 70, dust_limit = 546 }]
  additional_outputs = [{ script = "addr(bc1…)", value = 1000 }]    # satoshis`;

/**
 * Whom blocks pay by the setting.
 * @param script of the pool: `coinbase_reward_script`
 * @param paid the networks whose addresses are paid; any if undefined
 * @param where the setting's place in the file
 * @throws ConfigError for addresses of another network, and for weights that are all 0
 */
export function distributionOf(
  setting: NonNullable<DistributionSetting>,
  script: Uint8Array,
  paid: readonly AddressNetwork[] | undefined,
  where: string,
): PayoutDistribution {
  const scripts = [
    ...setting.payouts.map((payout, index) => [`payouts.${index}.script`, payout.script] as const),
    ...setting.additional_outputs.map(
      (output, index) => [`additional_outputs.${index}.script`, output.script] as const,
    ),
  ];
  const problems = scripts.flatMap(([key, { networks }]) =>
    networks === null || paid === undefined || networks.some((network) => paid.includes(network))
      ? []
      : [`${where}.${key}: an address of ${networks.join(' or ')}; expected one of ${paid.join(' or ')}`],
  );
  if (problems.length > 0) throw new ConfigError(problems);
  const distribution: PayoutDistribution = {
    poolPayout: { value: BigInt(setting.weight), scriptPubKey: script },
    payouts: setting.payouts.map((payout) => ({
      value: BigInt(payout.weight),
      scriptPubKey: payout.script.scriptPubKey,
    })),
    dustLimits: setting.payouts.map((payout) => payout.dust_limit),
    additionalOutputs: setting.additional_outputs.map((output) => ({
      value: BigInt(output.value),
      scriptPubKey: output.script.scriptPubKey,
    })),
  };
  const hasWeight = [distribution.poolPayout, ...distribution.payouts].some(({ value }) => value > 0n);
  if (!hasWeight) throw new ConfigError([`${where}: expected a weight above 0, of the pool or of a payout`]);
  return distribution;
}
