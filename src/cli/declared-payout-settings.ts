/** What of the settings of `sv2 pool` says whom the blocks of declared jobs pay, and what operators are told of it. */
import { declaredPayouts, type DeclaredPayouts } from '../roles/pool/declared-payouts.js';
import type { PayoutPlan } from '../ledger/payout-plan.js';
import { ConfigError } from './config.js';
import { distributionKey } from './distribution-settings.js';
import { info, trouble, type LogLine } from './log-line.js';
import type { FrontSettings } from './pool-settings.js';

/** Why blocks of declared jobs can't pay by the ledger, if they can't: who judges them has to have it. */
export const declarationProblem = ({ jds, declarator, processes }: FrontSettings): string | undefined => {
  if (declarator !== undefined)
    return 'declarator: the declaration server elsewhere does not have the ledger';
  if (jds !== undefined && processes > 1)
    return 'processes: with several of them those that judge declared jobs do not have the ledger';
  return undefined;
};

/**
 * What a declaration server beside a pool is told that pays by its ledger; nothing for one that does not, or without one.
 * @throws ConfigError for settings that contradict
 */
export const declaredPayoutsOf = (
  { jds, payout }: FrontSettings,
  plan: PayoutPlan | undefined,
): DeclaredPayouts | undefined => {
  if (jds === undefined) return undefined;
  const { [distributionKey]: distribution, min_pool_share: share } = jds;
  const problems: string[] = [];
  const key = `jds.${distributionKey}`;
  if (distribution === true && (plan === undefined || plan.mode === 'solo'))
    problems.push(
      `${key}: true is for payout = "pplns" or "proportional", got payout = "${payout}"; expected a table, or leave it out`,
    );
  if (plan !== undefined && distribution !== undefined && distribution !== true)
    problems.push(
      `${key}: payout = "${payout}" pays by the ledger; expected ${plan.mode === 'solo' ? 'none' : 'true, or none'}`,
    );
  if (plan !== undefined && share < 1)
    problems.push(
      `jds.min_pool_share: payout = "${payout}" shares out whole blocks by the ledger; expected 1, got ${share}`,
    );
  if (problems.length > 0) throw new ConfigError(problems);
  return plan === undefined ? undefined : declaredPayouts(plan);
};

/** What operators have to know of whom blocks of declared jobs pay. */
export const declaredPayoutLines = (
  { jds }: FrontSettings,
  plan: PayoutPlan | undefined,
): readonly LogLine[] => {
  if (jds === undefined || plan === undefined) return [];
  if (plan.mode === 'solo')
    return [
      info(
        'jds: blocks of declared jobs pay who declared them, less fee and donation, by outputs of their token',
      ),
    ];
  const owing =
    'pay coinbase_reward_script, which owes the whole block to users: a client can pay one output without draft extension 0x0003';
  return [
    trouble(
      jds[distributionKey] === true
        ? `jds: blocks of declared jobs pay users if their client has draft extension 0x0003; those of others ${owing}`
        : `jds: blocks of declared jobs ${owing}, which ${distributionKey} = true offers`,
    ),
  ];
};
